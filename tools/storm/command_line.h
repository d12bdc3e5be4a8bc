// Reads the command line of floodgate-storm.
#ifndef FLOODGATE_TOOLS_STORM_COMMAND_LINE_H_
#define FLOODGATE_TOOLS_STORM_COMMAND_LINE_H_

#include <optional>

#include "tools/storm/options.h"

namespace floodgate::storm {

// At most so many agents in a process: two descriptors' worth below the usual hard limits, and
// memory in which a small machine survives.
inline constexpr int kAgentsMax = 20'000;

// When there is nothing to run (--help, --version, or a mistake, which it tells on standard error),
// gives nullopt and the exit code.
std::optional<Options> ReadCommandLine(int argc, char** argv, int* exit_code);

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_COMMAND_LINE_H_
