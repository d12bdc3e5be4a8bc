// `floodgate-tune sweep`, from its options to its exit status.
#ifndef FLOODGATE_TOOLS_TUNE_SWEEP_COMMAND_H_
#define FLOODGATE_TOOLS_TUNE_SWEEP_COMMAND_H_

#include "tools/tune/sweep_options.h"

namespace floodgate::tune {

// 0: every trial was made; 1: it failed; 2: other options would be right, such as those of the plan
// in the directory; both have been told. 130, 143: SIGINT, SIGTERM came, and what there was until
// then has been told.
int RunSweep(const SweepOptions& options);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_SWEEP_COMMAND_H_
