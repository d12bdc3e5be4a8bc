#include "tools/tune/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tools/tune/clock.h"

namespace floodgate::tune {
namespace {

// All that the child needs between fork and exec, where nothing may be allocated.
struct Prepared {
  std::vector<char*> arguments;
  std::vector<char*> environment;
  cpu_set_t cores;
  bool pinned = false;
  int output = -1;
  int errors = -1;
  int inherited = -1;
  int failure = -1;  // where errno goes if it cannot become the program
  pid_t parent = -1;
};

// Runs in the child: only what signal-safety(7) allows.
[[noreturn]] void Become(const Prepared& prepared) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != prepared.parent) ::_exit(1);  // It died before that.
  ::setpgid(0, 0);
  const int input = ::open("/dev/null", O_RDONLY);
  bool ready = ::dup2(input, STDIN_FILENO) >= 0 && ::dup2(prepared.output, STDOUT_FILENO) >= 0 &&
               ::dup2(prepared.errors, STDERR_FILENO) >= 0;
  if (prepared.inherited >= 0) ready = ready && ::fcntl(prepared.inherited, F_SETFD, 0) == 0;
  if (prepared.pinned) {
    ready = ready && ::sched_setaffinity(0, sizeof prepared.cores, &prepared.cores) == 0;
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (ready)
    ::execve(prepared.arguments[0], prepared.arguments.data(), prepared.environment.data());
  const int error = errno;
  [[maybe_unused]] const ssize_t written = ::write(prepared.failure, &error, sizeof error);
  ::_exit(127);
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> EnvironmentWith(const std::string& temporary) {
  std::vector<std::string> environment;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    if (!absl::StartsWith(*entry, "TMPDIR=")) environment.emplace_back(*entry);
  }
  environment.push_back(absl::StrCat("TMPDIR=", temporary));
  return environment;
}

OwnedFd OpenOutput(const std::string& path) {
  return OwnedFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
}

// errno as the child met it; 0 if it has become the program.
int ReadFailure(int fd) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(fd, &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  return got == sizeof error ? error : 0;
}

absl::Status CannotStart(const std::string& program, int error) {
  return absl::UnavailableError(
      absl::StrCat(program, " cannot be started: ", std::strerror(error)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Child>> Child::Start(const ChildSetup& setup) {
  const std::string& program = setup.arguments.front();
  const OwnedFd output = OpenOutput(setup.output);
  const OwnedFd errors = OpenOutput(setup.errors);
  std::array<int, 2> ends{-1, -1};
  if (!output.valid() || !errors.valid() || ::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return CannotStart(program, errno);
  }
  const OwnedFd failure(ends[0]);
  OwnedFd failure_end(ends[1]);
  std::vector<std::string> arguments = setup.arguments;
  std::vector<std::string> environment = EnvironmentWith(setup.temporary);
  Prepared prepared;
  prepared.arguments = Pointers(arguments);
  prepared.environment = Pointers(environment);
  prepared.pinned = !setup.cores.empty();
  CPU_ZERO(&prepared.cores);
  for (const int core : setup.cores) CPU_SET(static_cast<size_t>(core), &prepared.cores);
  prepared.output = output.get();
  prepared.errors = errors.get();
  prepared.inherited = setup.inherited_fd;
  prepared.failure = failure_end.get();
  prepared.parent = ::getpid();

  std::unique_ptr<Child> child(new Child);
  const pid_t pid = ::fork();
  if (pid == 0) Become(prepared);
  if (pid < 0) return CannotStart(program, errno);
  child->pid_ = pid;
  child->fd_ = OwnedFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!child->fd_.valid()) return CannotStart(program, errno);
  failure_end.Reset();
  if (const int error = ReadFailure(failure.get()); error != 0) return CannotStart(program, error);
  return child;
}

Child::~Child() {
  if (pid_ < 0 || status_.has_value()) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

void Child::Signal(int signal) const {
  // It has not been waited for, so the number is still its own.
  if (!status_.has_value()) ::kill(pid_, signal);
}

bool Child::Await(Duration limit) {
  if (status_.has_value()) return true;
  const Instant until = ReadClock() + limit;
  pollfd ended{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  while (true) {
    const int64_t left_ms = (until - ReadClock()).milliseconds();
    const int ready = ::poll(&ended, 1, static_cast<int>(std::max<int64_t>(left_ms, 0)));
    if (ready > 0) break;
    if (ready == 0 || errno != EINTR) return false;
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  status_ = status;
  return true;
}

std::string Child::HowItEnded() const {
  const int status = status_.value_or(0);
  if (WIFSIGNALED(status)) return absl::StrCat("by signal ", WTERMSIG(status));
  return absl::StrCat("with exit status ", WEXITSTATUS(status));
}

std::vector<int> OwnCores() {
  std::vector<int> cores;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<size_t>(core), &set)) cores.push_back(core);
  }
  return cores;
}

}  // namespace floodgate::tune
