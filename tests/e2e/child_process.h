// A program started by a test: its output goes to files, its end is awaited with a deadline.
#ifndef FLOODGATE_TESTS_E2E_CHILD_PROCESS_H_
#define FLOODGATE_TESTS_E2E_CHILD_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "tests/e2e/wait.h"

namespace floodgate::e2e {

// Removed with all that is in it when the object goes.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

void WriteFile(const std::string& path, const std::string& text);
std::string ReadFile(const std::string& path);  // "" if there is none

class ChildProcess {
 public:
  struct Options {
    std::vector<std::string> arguments;       // the program's path first
    std::string output_path;                  // where its standard output and error go
    std::string errors_path;                  // if not empty: standard error goes here instead
    int inherited_fd = -1;                    // stays open in it under its own number
    std::optional<uint64_t> descriptors_max;  // its hard and soft limit
  };
  explicit ChildProcess(const Options& options);
  // Kills it if it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  bool running() const { return !status_.has_value(); }
  void Signal(int signal) const;
  // The status of wait(2), or nullopt if it still runs when the time is over.
  std::optional<int> Wait(std::chrono::milliseconds timeout = kPatience);

 private:
  pid_t pid_ = -1;
  OwnedFd pid_fd_;
  std::optional<int> status_;
};

// The processes that `pid` has started and not waited for, by /proc.
std::vector<pid_t> ChildrenOf(pid_t pid);

// Runs a program to its end; throws if that does not come in time.
struct Finished {
  int exit_code = -1;  // 128 + the signal's number if a signal ended it
  std::string output;
  std::string errors;
};
Finished RunToEnd(const std::vector<std::string>& arguments);

}  // namespace floodgate::e2e

#endif  // FLOODGATE_TESTS_E2E_CHILD_PROCESS_H_
