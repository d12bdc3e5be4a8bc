// floodgate-sim check: many seeds on all cores.
#ifndef FLOODGATE_SIM_CHECKS_H_
#define FLOODGATE_SIM_CHECKS_H_

#include "tools/sim/command_line.h"

namespace floodgate::sim {

// Prints what was found, and for each failure (of the first few) the command that plays it again.
// The exit code: 0 nothing was found, 1 something.
int RunChecks(const CheckCommand& command);

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_CHECKS_H_
