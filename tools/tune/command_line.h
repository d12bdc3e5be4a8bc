// What floodgate-tune was asked to do.
#ifndef FLOODGATE_TOOLS_TUNE_COMMAND_LINE_H_
#define FLOODGATE_TOOLS_TUNE_COMMAND_LINE_H_

#include <cstdint>
#include <optional>

#include "base/endpoint.h"

namespace floodgate::tune {

struct CommandLine {
  int64_t agents = 1;
  bool json = false;
  // audit
  std::optional<Endpoint> admin;  // nullopt: no daemon is asked
  bool unix_backend = false;
};

// nullopt: there is nothing to do, and `exit_code` says how to end (0 after --help and --version,
// 2 after bad usage, which has been told on standard error).
std::optional<CommandLine> ReadCommandLine(int argc, char** argv, int* exit_code);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_COMMAND_LINE_H_
