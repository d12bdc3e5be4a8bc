// Exact percentiles of times that were all kept.
#ifndef FLOODGATE_SIM_PERCENTILES_H_
#define FLOODGATE_SIM_PERCENTILES_H_

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/time.h"

namespace floodgate::sim {

// The smallest of `times` that at least `per_mille` of them do not exceed. Zero if there are none.
// Reorders them.
inline Duration Percentile(std::vector<Duration>& times, size_t per_mille) {
  if (times.empty()) return {};
  const size_t rank = std::max<size_t>((times.size() * per_mille + 999) / 1000, 1) - 1;
  const auto nth = times.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(times.begin(), nth, times.end());
  return *nth;
}

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_PERCENTILES_H_
