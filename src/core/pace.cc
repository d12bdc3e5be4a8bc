#include "core/pace.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace floodgate {
namespace {

__extension__ using Wide = __int128;

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kNsPerMicrosecond = 1'000;
// Of the results, so that sums of two fit: nobody takes so many connections.
constexpr int64_t kMicroMax = int64_t{1} << 61;

}  // namespace

Pace::Pace(double per_second, Duration ramp, Instant now)
    : ramp_(std::max(ramp, Duration{})), started_(now) {
  if (per_second > 0) {
    const double bounded = std::min(per_second, static_cast<double>(kRateMax));
    rate_micro_ = std::max<int64_t>(static_cast<int64_t>(bounded * static_cast<double>(kOne)), 1);
  }
  Restart(now);
}

void Pace::Restart(Instant now) {
  started_ = now;
  earned_until_ = {};
  credit_micro_ = kOne;
}

int64_t Pace::Integral(Duration t) const {
  const Duration ramping = std::min(t, ramp_);
  Wide sum = static_cast<Wide>(rate_micro_) * (t - ramping).ns / kNsPerSecond;
  // R * (t/10 + 9/20 * t^2/P), with t in microseconds where it is squared: a year's ramp at the
  // highest rate stays below 2^127.
  const Wide linear = static_cast<Wide>(rate_micro_) * ramping.ns / kNsPerSecond;
  const int64_t ramp_us = ramp_.ns / kNsPerMicrosecond;
  if (ramp_us > 0) {
    const int64_t ramping_us = ramping.ns / kNsPerMicrosecond;
    sum += linear / 10 + 9 * linear * ramping_us / (Wide{20} * ramp_us);
  } else {
    sum += linear;
  }
  return static_cast<int64_t>(std::min<Wide>(sum, kMicroMax));
}

int64_t Pace::BurstMax(Duration t) const {
  Wide rate = rate_micro_;
  if (t < ramp_) rate = rate / 10 + 9 * rate * t.ns / (Wide{10} * ramp_.ns);
  return std::max(kOne, static_cast<int64_t>(rate / 100));
}

void Pace::Earn(Instant now) {
  const Duration t = std::max(now - started_, earned_until_);
  const int64_t earned = Integral(t) - Integral(earned_until_);
  credit_micro_ = std::min(credit_micro_ + earned, BurstMax(t));
  earned_until_ = t;
}

int64_t Pace::Allowance(Instant now) {
  if (unlimited()) return std::numeric_limits<int64_t>::max();
  Earn(now);
  return std::max<int64_t>(credit_micro_ / kOne, 0);
}

void Pace::Took(int64_t count, Instant now) {
  if (unlimited()) return;
  Earn(now);
  credit_micro_ -= std::min(count, kMicroMax / kOne) * kOne;
  credit_micro_ = std::max(credit_micro_, -kMicroMax);
}

Instant Pace::NextAt() const {
  if (unlimited() || credit_micro_ >= kOne) return started_ + earned_until_;
  // C is monotone, and after the ramp a straight line: bisect between now and the time by which a
  // tenth of the rate would have earned what is missing.
  const int64_t missing = kOne - credit_micro_;
  const int64_t target = Integral(earned_until_) + missing;
  const Wide longest_ns =
      static_cast<Wide>(missing) * kNsPerSecond * 10 / rate_micro_ + kNsPerSecond;
  constexpr int64_t kLongestNs = std::numeric_limits<int64_t>::max() / 4;
  int64_t early_ns = earned_until_.ns;
  int64_t late_ns = earned_until_.ns + static_cast<int64_t>(std::min<Wide>(longest_ns, kLongestNs));
  while (early_ns < late_ns) {
    const int64_t middle_ns = early_ns + (late_ns - early_ns) / 2;
    if (Integral({middle_ns}) >= target) {
      late_ns = middle_ns;
    } else {
      early_ns = middle_ns + 1;
    }
  }
  return started_ + Duration{late_ns};
}

}  // namespace floodgate
