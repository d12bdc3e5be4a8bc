// When agents arrive.
#ifndef FLOODGATE_TOOLS_STORM_ARRIVALS_H_
#define FLOODGATE_TOOLS_STORM_ARRIVALS_H_

#include <cstdint>

#include "base/prng.h"
#include "base/time.h"
#include "tools/storm/options.h"

namespace floodgate::storm {

// An endless schedule, known before the storm begins: nothing that happens in it moves an arrival.
// With r agents a second, arrival n (from 0) comes
//   together  at 0
//   uniform   at n / r
//   poisson   after the n-th of independent gaps, exponentially distributed with mean 1 / r
//   waves     at e * floor(n / k), k = r * e: every e so many at once; if k < 1, as uniform
class Arrivals {
 public:
  // REQUIRES: per_second > 0 unless together; wave_every > 0 for waves.
  Arrivals(Shape shape, double per_second, Duration wave_every, uint64_t seed);

  // From the start of the storm until the next arrival.
  Duration next() const { return next_; }
  // Goes on to the one after it.
  void Pop();

 private:
  Shape shape_;
  double per_second_;
  Duration wave_every_;
  Prng prng_;
  uint64_t number_ = 0;
  Duration next_;
};

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_ARRIVALS_H_
