#include "core/patience.h"

#include <algorithm>
#include <bit>

namespace floodgate {

size_t Patience::BucketOf(Duration age) {
  const auto ns = static_cast<uint64_t>(std::max(age.ns, int64_t{1} << kFirstPower));
  const auto power = static_cast<int>(std::bit_width(ns)) - 1;
  const auto eighth = static_cast<size_t>((ns >> (power - 3)) & 7);
  return std::min(static_cast<size_t>(power - kFirstPower) * 8 + eighth, kBuckets - 1);
}

Duration Patience::LowerBound(size_t bucket) {
  const int power = kFirstPower + static_cast<int>(bucket / 8);
  return {static_cast<int64_t>((8 + bucket % 8) << (power - 3))};
}

void Patience::Fade(Instant now) {
  while (now - faded_at_ >= kHalfLife) {
    if (left_total_ == 0 && served_total_ == 0) {
      faded_at_ = now;
      return;
    }
    faded_at_ = faded_at_ + kHalfLife;
    served_total_ /= 2;
    left_total_ = 0;
    for (uint64_t& weight : left_) {
      weight /= 2;
      left_total_ += weight;
    }
  }
}

void Patience::Left(Duration age, Instant now) {
  if (age < kAgeMin) return;
  Fade(now);
  left_[BucketOf(age)] += kOne;
  left_total_ += kOne;
  Learn();
}

void Patience::LeftLate(Duration age, Instant now) {
  if (age < kAgeMin) return;
  Left(age, now);
  if (!Known().has_value()) return;
  const Duration edge = std::min(Edge(), kHorizonMax);
  edge_ = std::min(edge, std::max(edge - edge / kEdgeShrinks, age / kEdgeShrinks));
}

void Patience::Served(Instant now) {
  Fade(now);
  if (edge_.has_value()) edge_ = Edge() + Edge() / kEdgeGrows;
  served_total_ += kOne;
}

void Patience::Learn() {
  if (left_total_ < kLeaversMin * kOne) return;
  uint64_t below = 0;
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    below += left_[bucket];
    if (2 * below >= left_total_) {
      learned_ = LowerBound(bucket);
      return;
    }
  }
}

bool Patience::Leaving(Instant now) {
  Fade(now);
  return left_total_ >= kLeaversMin * kOne &&
         left_total_ * kShareMin >= left_total_ + served_total_;
}

std::optional<Duration> Patience::Horizon(Instant now) {
  if (!Known().has_value()) return std::nullopt;
  if (Leaving(now)) return std::min(Edge(), kHorizonMax);
  return configured_.has_value() ? std::optional(Edge()) : std::nullopt;
}

Duration Patience::Edge() const {
  const Duration half = *Known() / 2;
  return edge_.has_value() ? std::min(*edge_, half) : half;
}

}  // namespace floodgate
