// The guarantee of a token bucket, checked over all windows of a record.
#ifndef FLOODGATE_TESTS_CORE_WINDOW_CHECK_H_
#define FLOODGATE_TESTS_CORE_WINDOW_CHECK_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace floodgate {

// By how many tokens the worst closed window [a, b] exceeds burst + floor((b - a) / interval); 0 or
// less is well. `taken_ns` in any order.
inline int64_t WorstExcess(std::vector<int64_t> taken_ns, int64_t burst, int64_t interval_ns) {
  std::sort(taken_ns.begin(), taken_ns.end());
  int64_t worst = -burst;
  for (size_t first = 0; first < taken_ns.size(); ++first) {
    for (size_t last = first; last < taken_ns.size(); ++last) {
      const auto count = static_cast<int64_t>(last - first + 1);
      const int64_t window_ns = taken_ns[last] - taken_ns[first];
      worst = std::max(worst, count - burst - window_ns / interval_ns);
    }
  }
  return worst;
}

inline void ExpectWindowBound(const std::vector<int64_t>& taken_ns, int64_t burst,
                              int64_t interval_ns) {
  EXPECT_LE(WorstExcess(taken_ns, burst, interval_ns), 0)
      << "burst " << burst << ", interval " << interval_ns << " ns";
}

}  // namespace floodgate

#endif  // FLOODGATE_TESTS_CORE_WINDOW_CHECK_H_
