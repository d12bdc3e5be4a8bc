// From the command line to options: reads the file, applies what the command line sets over it, and
// checks against this host what text alone cannot tell.
#ifndef FLOODGATE_DAEMON_CONFIGURATION_H_
#define FLOODGATE_DAEMON_CONFIGURATION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/options.h"
#include "daemon/command_line.h"

namespace floodgate {

// InvalidArgument: `faults` has every fault, each a line of its own.
absl::StatusOr<Options> LoadOptions(const CommandLine& line, std::vector<std::string>* faults);

// What would fail at start on this host: names that do not resolve, certificates that cannot be
// used, a user that does not exist. Binds nothing. Empty: all is well.
std::vector<std::string> CheckHost(const Options& options);

}  // namespace floodgate

#endif  // FLOODGATE_DAEMON_CONFIGURATION_H_
