// Runs trials (trial.h): starts the programs, watches them, and ends them in every way out.
//
// A trial's order: floodgated with its gate shut; the signal that opens the gate; once it is open,
// the probe of its controller port, and the storm, whose start is the time zero of the result. The
// daemon is started anew for each trial, on ports that the kernel chooses.
#ifndef FLOODGATE_TOOLS_TUNE_TRIAL_RUN_H_
#define FLOODGATE_TOOLS_TUNE_TRIAL_RUN_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/tune/interrupt.h"
#include "tools/tune/trial.h"

namespace floodgate::tune {

// What all trials of a run of this program share: a temporary directory with a certificate and its
// key, removed with all that is in it when this goes.
class TrialFiles {
 public:
  // A key of that kind; RSA-4096 may take seconds. Unavailable: no directory could be made;
  // Internal: OpenSSL refused.
  static absl::StatusOr<TrialFiles> Make(KeyKind key);
  TrialFiles(TrialFiles&& other) noexcept;
  TrialFiles& operator=(TrialFiles&&) = delete;
  ~TrialFiles();

  const std::string& directory() const { return directory_; }
  std::string File(const std::string& name) const { return directory_ + "/" + name; }
  std::string certificate() const { return File("certificate.pem"); }
  std::string private_key() const { return File("key.pem"); }

 private:
  explicit TrialFiles(std::string directory) : directory_(std::move(directory)) {}

  std::string directory_;  // of mode 0700; "": given away
};

// Fills in the paths of the programs that `bench` leaves empty (programs.h), and looks whether
// this host bears such a storm: enough cores and descriptors, and not more agents than one storm
// can be (20,000). Errors say what is missing and what to do. Call it once, before the first trial.
absl::Status PrepareBench(const Fleet& fleet, Bench& bench);

// One trial; it ends when the storm does, so at the latest after bench.limit and some seconds.
// `bench` has been prepared; `files` has a certificate of bench.key. `tick` is called every 50 ms
// while the storm runs. This process's one thread waits in here.
//
// Cancelled: the interrupt came. Unavailable: a program did not start, ended, or did not do what it
// should; the message has the end of what it said.
absl::StatusOr<TrialResult> RunTrial(const Setting& setting, const Fleet& fleet, const Bench& bench,
                                     const TrialFiles& files, const Interrupt& interrupt,
                                     const std::function<void()>& tick = {});

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_TRIAL_RUN_H_
