#include "tests/e2e/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace floodgate::e2e {
namespace {

// Runs in the child between fork and exec: only what signal-safety(7) allows.
[[noreturn]] void Become(char* const* arguments, int output, int errors, int inherited,
                         const std::optional<uint64_t>& descriptors_max) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // A test that crashes leaves no daemon behind.
  const int input = ::open("/dev/null", O_RDONLY);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  if (inherited >= 0) ::fcntl(inherited, F_SETFD, 0);
  if (descriptors_max.has_value()) {
    const rlimit limit{.rlim_cur = *descriptors_max, .rlim_max = *descriptors_max};
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvp(arguments[0], arguments);
  ::_exit(127);
}

OwnedFd OpenForWriting(const std::string& path) {
  OwnedFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  Require(fd.valid(), absl::StrCat(path, ": ", std::strerror(errno)));
  return fd;
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  path_ = (std::filesystem::temp_directory_path() / "floodgate-e2e-XXXXXX").string();
  Require(::mkdtemp(path_.data()) != nullptr, absl::StrCat(path_, ": ", std::strerror(errno)));
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  Require(!file.fail(), path + " cannot be written");
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<pid_t> ChildrenOf(pid_t pid) {
  std::istringstream text(ReadFile(absl::StrCat("/proc/", pid, "/task/", pid, "/children")));
  std::vector<pid_t> children;
  for (pid_t child = 0; text >> child;) children.push_back(child);
  return children;
}

ChildProcess::ChildProcess(const Options& options) {
  const OwnedFd output = OpenForWriting(options.output_path);
  const OwnedFd other =
      options.errors_path.empty() ? OwnedFd() : OpenForWriting(options.errors_path);
  std::vector<char*> arguments;
  for (const std::string& argument : options.arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    Become(arguments.data(), output.get(), other.valid() ? other.get() : output.get(),
           options.inherited_fd, options.descriptors_max);
  }
  Require(pid_ > 0, absl::StrCat("fork: ", std::strerror(errno)));
  pid_fd_ = OwnedFd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  Require(pid_fd_.valid(), absl::StrCat("pidfd_open: ", std::strerror(errno)));
}

ChildProcess::~ChildProcess() {
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
}

void ChildProcess::Signal(int signal) const {
  Require(running(), "the process has ended already");
  ::kill(pid_, signal);
}

std::optional<int> ChildProcess::Wait(std::chrono::milliseconds timeout) {
  if (!running()) return status_;
  const Deadline deadline(timeout);
  pollfd ended{.fd = pid_fd_.get(), .events = POLLIN, .revents = 0};
  int result = 0;
  do {
    result = ::poll(&ended, 1, deadline.left_ms());
  } while (result < 0 && errno == EINTR);
  if (result <= 0) return std::nullopt;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  status_ = status;
  return status_;
}

Finished RunToEnd(const std::vector<std::string>& arguments) {
  const TemporaryDirectory directory;
  ChildProcess child({.arguments = arguments,
                      .output_path = directory.File("output"),
                      .errors_path = directory.File("errors"),
                      .inherited_fd = -1,
                      .descriptors_max = std::nullopt});
  const std::optional<int> status = child.Wait();
  Require(status.has_value(), arguments[0] + " did not end in time");
  return {.exit_code = WIFEXITED(*status) ? WEXITSTATUS(*status) : 128 + WTERMSIG(*status),
          .output = ReadFile(directory.File("output")),
          .errors = ReadFile(directory.File("errors"))};
}

}  // namespace floodgate::e2e
