// What floodgatectl was asked to do.
#ifndef FLOODGATE_FLOODGATECTL_COMMAND_LINE_H_
#define FLOODGATE_FLOODGATECTL_COMMAND_LINE_H_

#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/time.h"

namespace floodgate {

enum class Command {
  kStatus,
  kBoundPorts,
  kSignal,
  kOpen,
  kHold,
  kSources,
  kTop,
  kReload,
  kDrain,
  kMetrics,
  kWait,
};

struct CommandLine {
  Endpoint admin;
  bool json = false;
  Command command = Command::kStatus;
  std::vector<std::string> servers;  // signal: "ID" or "ID=ADDR,ADDR"
  int top = 20;                      // sources: 1..1000
  bool once = false;                 // top
  Duration interval = Duration::Seconds(1);
  std::string state;                // wait
  std::optional<Duration> timeout;  // wait; nullopt = for ever
};

// nullopt: there is nothing to do, and `exit_code` says how to end (0 after --help and --version,
// 2 after bad usage, which has been told on standard error).
std::optional<CommandLine> ReadCommandLine(int argc, char** argv, int* exit_code);

}  // namespace floodgate

#endif  // FLOODGATE_FLOODGATECTL_COMMAND_LINE_H_
