#include "front/counters.h"

#include <algorithm>

namespace floodgate {

void DurationHistogram::Record(Duration duration) {
  const int64_t ns = std::max<int64_t>(duration.ns, 0);
  const auto bound = std::lower_bound(kUpperBoundsSeconds.begin(), kUpperBoundsSeconds.end(),
                                      static_cast<double>(ns) / 1e9);
  counts_[static_cast<size_t>(bound - kUpperBoundsSeconds.begin())].Add(1);
  sum_ns_.Add(static_cast<uint64_t>(ns));
}

void DurationHistogram::AddTo(HistogramSnapshot& out) const {
  if (out.upper_bounds_s.empty()) {
    out.upper_bounds_s.assign(kUpperBoundsSeconds.begin(), kUpperBoundsSeconds.end());
    out.counts.assign(counts_.size(), 0);
  }
  for (size_t i = 0; i < counts_.size(); ++i) {
    const uint64_t count = counts_[i].value();
    out.counts[i] += count;
    out.count += count;
  }
  out.sum_s += static_cast<double>(sum_ns_.value()) / 1e9;
}

}  // namespace floodgate
