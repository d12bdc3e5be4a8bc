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

// What the text says. InvalidArgument: `faults` has every fault, each a line of its own. Never
// waits.
absl::StatusOr<Options> LoadOptions(const CommandLine& line, std::vector<std::string>* faults);

// The same, and what would fail at start on this host: names that do not resolve, certificates that
// cannot be used, a user that does not exist. What is at fault in the text already is not tried.
// Binds nothing; may wait for the resolver.
absl::StatusOr<Options> LoadAndCheck(const CommandLine& line, std::vector<std::string>* faults);

}  // namespace floodgate

#endif  // FLOODGATE_DAEMON_CONFIGURATION_H_
