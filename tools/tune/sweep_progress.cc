#include "tools/tune/sweep_progress.h"

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "core/duration.h"
#include "tools/tune/words.h"

namespace floodgate::tune {
namespace {

constexpr Duration kShowEvery = Duration::Milliseconds(500);
// What is left of the line before is erased (ECMA-48, EL).
constexpr char kOverLine[] = "\r%s\x1b[K";

std::string WholeSeconds(Duration duration) {
  return FormatDuration(Duration::Seconds((duration.ns + 999'999'999) / 1'000'000'000));
}

}  // namespace

std::string StepText(size_t number, size_t of, const Step& step) {
  return absl::StrCat("trial ", number, " of ", of, ": run ", step.run, " of backlog ",
                      step.setting.backlog, ", drain rate ", step.setting.drain_rate,
                      ", handshakes ", step.setting.handshakes);
}

std::string OutcomeText(const TrialResult& result) {
  return absl::StrCat(result.served, " of ", result.agents, " served, 99 % ",
                      AfterOrNever(result.most), ", all ", AfterOrNever(result.all));
}

std::string TimeLeftText(const std::optional<Duration>& left) {
  if (!left.has_value()) return "time left not known yet";
  if (left->ns == 0) return "none left";
  return absl::StrCat("about ", WholeSeconds(*left), " left");
}

void SweepProgress::Begin(size_t number, const Step& step, std::optional<Duration> left,
                          Instant now) {
  step_ = StepText(number, trials_, step);
  began_ = now;
  left_ = left;
  if (terminal_) Show(now);
}

void SweepProgress::Show(Instant now) {
  next_ = now + kShowEvery;
  const Duration elapsed = now - began_;
  std::optional<Duration> left = left_;
  if (left.has_value()) left = std::max(*left - elapsed, Duration::Seconds(1));
  const std::string line =
      absl::StrCat(step_, ", ", elapsed.milliseconds() / 1000, " s; ", TimeLeftText(left));
  std::fprintf(stderr, kOverLine, line.c_str());
}

void SweepProgress::Tick(Instant now) {
  if (terminal_ && now >= next_) Show(now);
}

void SweepProgress::End(const TrialResult& result, std::optional<Duration> left) {
  // On a terminal the next trial, or the table, takes its place.
  if (terminal_) {
    std::fprintf(stderr, kOverLine, "");
    return;
  }
  std::fprintf(stderr, "%s: %s; %s\n", step_.c_str(), OutcomeText(result).c_str(),
               TimeLeftText(left).c_str());
}

void SweepProgress::Break() {
  if (terminal_) std::fprintf(stderr, kOverLine, "");
}

}  // namespace floodgate::tune
