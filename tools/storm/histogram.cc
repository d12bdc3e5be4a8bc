#include "tools/storm/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace floodgate::storm {
namespace {

constexpr int kPartBits = 10;  // 2^10 parts a power of two
constexpr int kValueBits = 42;
constexpr uint64_t kValueMax = (uint64_t{1} << kValueBits) - 1;
constexpr uint64_t kParts = uint64_t{1} << kPartBits;
// Values below kParts have a bucket each; every further power of two has kParts buckets.
constexpr size_t kBuckets = kParts * (kValueBits - kPartBits + 1);

size_t BucketOf(uint64_t value) {
  if (value < kParts) return static_cast<size_t>(value);
  const int shift = static_cast<int>(std::bit_width(value)) - 1 - kPartBits;
  return static_cast<size_t>(kParts * static_cast<uint64_t>(shift) + (value >> shift));
}

// The largest value of the bucket.
uint64_t TopOf(size_t bucket) {
  if (bucket < 2 * kParts) return bucket;
  const uint64_t shift = bucket / kParts - 1;
  const uint64_t part = bucket % kParts + kParts;
  return ((part + 1) << shift) - 1;
}

}  // namespace

Histogram::Histogram() : buckets_(kBuckets) {}

void Histogram::Add(Duration sample) {
  sample.ns = std::max<int64_t>(sample.ns, 0);
  ++buckets_[BucketOf(std::min(static_cast<uint64_t>(sample.ns), kValueMax))];
  least_ = count_ == 0 ? sample : std::min(least_, sample);
  most_ = std::max(most_, sample);
  sum_ns_ += static_cast<double>(sample.ns);
  ++count_;
}

Duration Histogram::mean() const {
  return count_ == 0 ? Duration{} : Duration{std::llround(sum_ns_ / static_cast<double>(count_))};
}

Duration Histogram::Percentile(double share) const {
  if (count_ == 0) return {};
  const auto rank = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  const uint64_t wanted = std::clamp<uint64_t>(rank, 1, count_);
  if (wanted == count_) return most_;
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= wanted) return std::min(most_, Duration{static_cast<int64_t>(TopOf(bucket))});
  }
  return most_;
}

}  // namespace floodgate::storm
