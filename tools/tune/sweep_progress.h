// How far a sweep is, on standard error: on a terminal one line that changes, elsewhere a line for
// each trial that has ended.
#ifndef FLOODGATE_TOOLS_TUNE_SWEEP_PROGRESS_H_
#define FLOODGATE_TOOLS_TUNE_SWEEP_PROGRESS_H_

#include <cstddef>
#include <optional>
#include <string>

#include "base/time.h"
#include "tools/tune/sweep.h"

namespace floodgate::tune {

// "trial 3 of 12: run 1 of backlog 64, drain rate 0, handshakes 0". `number`: from 1 on.
std::string StepText(size_t number, size_t of, const Step& step);
// "49 of 50 served, 99 % after 1.02 s, all never".
std::string OutcomeText(const TrialResult& result);
// "about 3m20s left"; "time left not known yet"; "none left".
std::string TimeLeftText(const std::optional<Duration>& left);

class SweepProgress {
 public:
  SweepProgress(size_t trials, bool terminal) : trials_(trials), terminal_(terminal) {}

  // A trial begins; it and those after it take `left`, as far as one knows.
  void Begin(size_t number, const Step& step, std::optional<Duration> left, Instant now);
  // Tells it again, if it is time: call it now and then.
  void Tick(Instant now);
  // `left`: for those after it.
  void End(const TrialResult& result, std::optional<Duration> left);
  // The trial has not ended as it should. What is written next begins on a line of its own.
  void Break();

 private:
  void Show(Instant now);

  size_t trials_;
  bool terminal_;
  std::string step_;
  Instant began_;
  std::optional<Duration> left_;
  Instant next_;
};

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_SWEEP_PROGRESS_H_
