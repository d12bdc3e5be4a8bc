// floodgated: reads the command line and the configuration, starts the server, waits for signals.
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/standard_output.h"
#include "core/config.h"
#include "daemon/announce.h"
#include "daemon/command_line.h"
#include "daemon/configuration.h"
#include "daemon/demo.h"
#include "daemon/event_loop.h"
#include "daemon/logger.h"
#include "daemon/privileges.h"
#include "daemon/reload_access.h"
#include "daemon/server.h"
#include "io/socket.h"

namespace floodgate {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kBadConfiguration = 2;

int Complain(const std::vector<std::string>& faults, int exit_code) {
  for (const std::string& fault : faults) std::fprintf(stderr, "floodgated: %s\n", fault.c_str());
  return exit_code;
}

// Tells the bound ports in the ways that the command line and the configuration ask for.
absl::Status Announce(const BoundPorts& ports, const Options& options, const CommandLine& line) {
  const std::string json = PortsJson(ports);
  if (!options.runtime.ports_file.empty()) {
    absl::Status status = WriteFileAtomically(options.runtime.ports_file, json + "\n");
    if (!status.ok()) return status;
  }
  if (line.notify_fd >= 0) {
    absl::Status status = NotifyDescriptor(line.notify_fd, json);
    if (!status.ok()) return status;
  }
  NotifySystemd("READY=1\nSTATUS=holding");
  return absl::OkStatus();
}

// The demo's ports are the kernel's choice, so that nobody could know where to ask.
void TellTheWayIn(const BoundPorts& ports) {
  std::fprintf(stderr, "floodgated: a demo; ask it with: floodgatectl --admin %s status\n",
               ports.admin.front().c_str());
}

int Serve(const CommandLine& line, Options options, EventLoop& loop) {
  std::unique_ptr<Logger> log = Logger::Create(options.runtime.log_format, options.runtime.log);
  const std::string user = options.runtime.user;
  Server::Setup setup;
  setup.read_options = [line](std::vector<std::string>* faults) {
    return LoadOptions(line, faults);
  };
  setup.on_bound = [&](const BoundPorts& ports) -> absl::Status {
    if (!user.empty()) {
      if (absl::Status status = DropTo(user); !status.ok()) return status;
      for (const std::string& problem : UnreadableAtReload(line.config, options)) {
        log->Write(Severity::kWarn, "reload", problem);
      }
    }
    if (line.demo) TellTheWayIn(ports);
    return Announce(ports, options, line);
  };
  setup.on_gate = [](GateState state) { NotifySystemd(absl::StrCat("STATUS=", Name(state))); };
  setup.on_stopped = [&loop] { loop.Stopped(); };
  setup.options = options;
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(*log, std::move(setup));
  if (!server.ok()) return Complain({std::string(server.status().message())}, kFailed);
  loop.Run(*log, **server);
  (*server)->Join();
  log->Write(Severity::kInfo, "stop", "done");
  return kDone;
}

int Main(int argc, char** argv) {
  int exit_code = kDone;
  std::optional<CommandLine> line = ReadCommandLine(argc, argv, &exit_code);
  if (!line.has_value()) return exit_code;
  EventLoop loop;  // Before any thread: they inherit the blocked signals.
  absl::StatusOr<std::unique_ptr<Demo>> demo = nullptr;
  if (line->demo) {
    demo = Demo::Start(*line);
    if (!demo.ok()) return Complain({std::string(demo.status().message())}, kFailed);
  }
  std::vector<std::string> faults;
  absl::StatusOr<Options> options = LoadAndCheck(*line, &faults);
  if (!options.ok()) return Complain(faults, kBadConfiguration);
  if (line->check || line->print_config) {
    if (!line->print_config) return kDone;
    const absl::Status printed = WriteStandardOutput(WriteConfig(*options));
    return printed.ok() ? kDone : Complain({std::string(printed.message())}, kFailed);
  }
  return Serve(*line, *std::move(options), loop);
}

}  // namespace
}  // namespace floodgate

int main(int argc, char** argv) {
  return floodgate::Main(argc, argv);
}
