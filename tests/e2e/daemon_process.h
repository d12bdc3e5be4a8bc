// floodgated as a process: started on a configuration, ready when it says so, stopped at the end.
#ifndef FLOODGATE_TESTS_E2E_DAEMON_PROCESS_H_
#define FLOODGATE_TESTS_E2E_DAEMON_PROCESS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/e2e/admin_client.h"
#include "tests/e2e/child_process.h"
#include "tests/e2e/config.h"

namespace floodgate::e2e {

// The engines that this host has: "io_uring" if its probe succeeds, and "epoll".
std::vector<std::string> Engines();

std::string DaemonPath();

class DaemonProcess {
 public:
  struct Options {
    std::vector<std::string> arguments = {};  // beyond --config and --notify-fd
    std::optional<uint64_t> descriptors_max = std::nullopt;
    std::string admin_listen = "";  // default: a unix socket in a temporary directory
  };
  // Writes the configuration, starts the daemon, and returns when it has told its ports. Throws
  // with its log if it ends instead.
  explicit DaemonProcess(Config config) : DaemonProcess(std::move(config), Options()) {}
  DaemonProcess(Config config, Options options);
  // Stops it if that has not been done. Shows its log if the test has failed.
  ~DaemonProcess();

  pid_t pid() const { return child_->pid(); }
  const AdminClient& admin() const { return *admin_; }
  // The bound addresses, as --notify-fd told them.
  const Json& ports() const { return ports_; }
  std::string agent(size_t index = 0) const { return ports_.at("agent").at(index); }
  std::string controller(size_t index = 0) const { return ports_.at("controller").at(index); }
  std::string admin_address() const { return ports_.at("admin").at(0); }

  void Signal(int signal) { child_->Signal(signal); }
  // SIGTERM; expects exit status 0 and no complaint of a sanitizer.
  void Stop();
  // As Stop, without the signal: it has been asked to end in another way.
  void ExpectCleanEnd();
  std::optional<int> Wait(std::chrono::milliseconds timeout) { return child_->Wait(timeout); }

  // For a reload: the same, with these changes. Returns what it writes.
  Config& config() { return config_; }
  void WriteConfig();
  std::string config_path() const { return directory_.File("floodgate.toml"); }
  const TemporaryDirectory& directory() const { return directory_; }

  std::string Log() const { return ReadFile(directory_.File("log")); }
  void AwaitLog(const std::string& text) const;
  // Open descriptors, from /proc.
  size_t Descriptors() const;
  int64_t ResidentBytes() const;

 private:
  TemporaryDirectory directory_;
  Config config_;
  std::unique_ptr<ChildProcess> child_;
  std::unique_ptr<AdminClient> admin_;
  Json ports_;
  bool stopped_ = false;
};

}  // namespace floodgate::e2e

#endif  // FLOODGATE_TESTS_E2E_DAEMON_PROCESS_H_
