// The host's monotonic clock, for what waits for programs.
#ifndef FLOODGATE_TOOLS_TUNE_CLOCK_H_
#define FLOODGATE_TOOLS_TUNE_CLOCK_H_

#include "base/time.h"

namespace floodgate::tune {

Instant ReadClock();

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_CLOCK_H_
