// Random times.
#ifndef FLOODGATE_TOOLS_STORM_CHANCE_H_
#define FLOODGATE_TOOLS_STORM_CHANCE_H_

#include <cmath>

#include "base/prng.h"
#include "base/time.h"

namespace floodgate::storm {

// Exponentially distributed with that mean, at most about 36 times it. Draws once. Not for what
// must be the same with every libm.
inline Duration Exponential(Duration mean, Prng& prng) {
  // In (0, 1]: the 53 bits that a double holds, and never 0.
  const double uniform = (static_cast<double>(prng.Next() >> 11) + 1) * 0x1p-53;
  return {std::llround(-std::log(uniform) * static_cast<double>(mean.ns))};
}

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_CHANCE_H_
