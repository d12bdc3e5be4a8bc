#include "tests/e2e/daemon_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "io/uring_kernel.h"

namespace floodgate::e2e {
namespace {

// The line of JSON that comes through the pipe, or "" if the daemon ends before.
std::string ReadLine(int fd) {
  const Deadline deadline;
  std::string line;
  while (line.find('\n') == std::string::npos) {
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, deadline.left_ms()) <= 0) return "";
    char buffer[4096];
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got <= 0) return "";
    line.append(buffer, static_cast<size_t>(got));
  }
  return line;
}

}  // namespace

std::vector<std::string> Engines() {
  std::vector<std::string> engines = {"epoll"};
  if (ProbeUring().ok()) engines.insert(engines.begin(), "io_uring");
  return engines;
}

std::string DaemonPath() {
  return FLOODGATED_PATH;
}

DaemonProcess::DaemonProcess(Config config, Options options) : config_(std::move(config)) {
  config_.SetText("admin.listen", options.admin_listen.empty()
                                      ? absl::StrCat("unix:", directory_.File("admin.sock"))
                                      : options.admin_listen);
  WriteConfig();
  int pipe_ends[2];
  Require(::pipe2(pipe_ends, O_CLOEXEC) == 0, "pipe2");
  const OwnedFd read_end(pipe_ends[0]);
  OwnedFd write_end(pipe_ends[1]);
  ChildProcess::Options child;
  child.arguments = {DaemonPath(), "--config", config_path(), "--notify-fd",
                     std::to_string(write_end.get())};
  child.arguments.insert(child.arguments.end(), options.arguments.begin(), options.arguments.end());
  child.output_path = directory_.File("log");
  child.inherited_fd = write_end.get();
  child.descriptors_max = options.descriptors_max;
  child_ = std::make_unique<ChildProcess>(child);
  write_end.Reset();
  const std::string line = ReadLine(read_end.get());
  Require(!line.empty(), absl::StrCat("floodgated told no ports; its log:\n", Log()));
  ports_ = Json::parse(line);
  admin_ = std::make_unique<AdminClient>(admin_address());
}

DaemonProcess::~DaemonProcess() {
  if (!stopped_) {
    try {
      Stop();
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }
  if (!::testing::Test::HasFailure() && std::uncaught_exceptions() == 0) return;
  std::cerr << "--- configuration\n" << ReadFile(config_path()) << "--- log\n" << Log() << "---\n";
}

void DaemonProcess::Stop() {
  if (child_->running()) child_->Signal(SIGTERM);
  ExpectCleanEnd();
}

void DaemonProcess::ExpectCleanEnd() {
  stopped_ = true;
  const std::optional<int> status = child_->Wait();
  if (!status.has_value()) {
    ADD_FAILURE() << "floodgated did not end in time";
    return;
  }
  if (WIFEXITED(*status)) {
    EXPECT_EQ(WEXITSTATUS(*status), 0);
  } else {
    ADD_FAILURE() << "floodgated was ended by signal " << WTERMSIG(*status);
  }
  const std::string log = Log();
  for (const char* complaint : {"Sanitizer", "runtime error:", "internal error"}) {
    EXPECT_FALSE(absl::StrContains(log, complaint)) << "floodgated's log has: " << complaint;
  }
}

void DaemonProcess::WriteConfig() {
  WriteFile(config_path(), config_.ToToml());
}

void DaemonProcess::AwaitLog(const std::string& text) const {
  Require(Eventually([&] { return absl::StrContains(Log(), text); }),
          absl::StrCat("the log never had: ", text));
}

size_t DaemonProcess::Descriptors() const {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", pid(), "/fd"))) {
    ++count;
  }
  return count;
}

int64_t DaemonProcess::ResidentBytes() const {
  std::istringstream statm(ReadFile(absl::StrCat("/proc/", pid(), "/statm")));
  int64_t total = 0;
  int64_t resident = 0;
  statm >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

}  // namespace floodgate::e2e
