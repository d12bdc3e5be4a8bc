// Counters that one thread writes and any thread may read.
#ifndef FLOODGATE_FRONT_COUNTERS_H_
#define FLOODGATE_FRONT_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "front/snapshot.h"

namespace floodgate {

// One writer, any readers; a plain load and store on x86, no locked instruction.
class Counter {
 public:
  void Add(uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Durations from half a millisecond to two minutes, in about three buckets a decade. One writer.
class DurationHistogram {
 public:
  static constexpr std::array<double, 17> kUpperBoundsSeconds = {
      0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120};

  void Record(Duration duration);
  // Adds what is here to `out`, whose bounds are set if it has none. The count is that of the
  // buckets read, so a snapshot is consistent in itself while the writer goes on.
  void AddTo(HistogramSnapshot& out) const;

 private:
  std::array<Counter, kUpperBoundsSeconds.size() + 1> counts_;
  Counter sum_ns_;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_COUNTERS_H_
