// Random lengths of time, in integers alone: the same on every compiler.
#ifndef FLOODGATE_SIM_CHANCE_H_
#define FLOODGATE_SIM_CHANCE_H_

#include "base/prng.h"
#include "base/time.h"

namespace floodgate::sim {

// Exponentially distributed with that mean. Von Neumann's method (1951), which compares uniform
// numbers and needs no logarithm: a run of falling numbers whose length is odd gives its first
// number as the fraction; each run of even length adds one to the whole part. REQUIRES: mean.ns >=
// 0, below 2^56. Takes a varying count of draws, 4.3 on average.
Duration Exponential(Prng& prng, Duration mean);

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_CHANCE_H_
