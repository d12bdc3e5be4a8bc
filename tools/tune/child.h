// A program that is started, watched, and ended in every way out.
#ifndef FLOODGATE_TOOLS_TUNE_CHILD_H_
#define FLOODGATE_TOOLS_TUNE_CHILD_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/fd.h"
#include "base/time.h"

namespace floodgate::tune {

struct ChildSetup {
  std::vector<std::string> arguments;  // the program's path first
  std::vector<int> cores;              // it runs on these alone; empty: where this process may
  std::string output;                  // file for its standard output
  std::string errors;                  // and for its standard error; may be the same
  std::string temporary;               // its TMPDIR
  int inherited_fd = -1;               // stays open in it under its own number
};

// In a process group of its own, so that Ctrl-C on a terminal comes to this process alone. If this
// process dies, the kernel kills it.
class Child {
 public:
  // Unavailable: it could not be started; the message names the program and says why.
  static absl::StatusOr<std::unique_ptr<Child>> Start(const ChildSetup& setup);
  // Kills it if it still runs, and waits for its end.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // Readable, poll(2), from when it has ended.
  int fd() const { return fd_.get(); }
  void Signal(int signal) const;
  // Waits for its end, at most so long. False: it still runs.
  bool Await(Duration limit);
  // REQUIRES: Await has said true. "with exit status 1", "by signal 9".
  std::string HowItEnded() const;
  // Ended by itself, with exit status 0.
  bool succeeded() const { return status_ == 0; }

 private:
  Child() = default;

  pid_t pid_ = -1;
  OwnedFd fd_;                 // pidfd_open(2)
  std::optional<int> status_;  // of wait(2)
};

// The cores that this process may run on, ascending.
std::vector<int> OwnCores();

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_CHILD_H_
