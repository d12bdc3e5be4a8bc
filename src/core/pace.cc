#include "core/pace.h"

#include <algorithm>

namespace floodgate {
namespace {

__extension__ using Wide = __int128;

}  // namespace

Pace::Pace(double per_second, Duration ramp, Instant now)
    : rate_milli_(per_second > 0
                      ? std::max<int64_t>(static_cast<int64_t>(per_second * 1000), 1)
                      : 0),
      ramp_(ramp),
      started_(now),
      earned_at_(now),
      credit_max_(std::max(kOne, rate_milli_ * (kOne / 1000) / 100)) {}

void Pace::Restart(Instant now) {
  started_ = now;
  earned_at_ = now;
  credit_ = 0;
}

int64_t Pace::RateAt(Instant now) const {
  const int64_t age = (now - started_).ns;
  if (ramp_.ns <= 0 || age >= ramp_.ns) return rate_milli_;
  // A tenth at the start, all of it at the end.
  const Wide grown = static_cast<Wide>(rate_milli_) * 9 * age / ramp_.ns;
  return std::max<int64_t>((rate_milli_ + static_cast<int64_t>(grown)) / 10, 1);
}

void Pace::Earn(Instant now) {
  const int64_t elapsed = (now - earned_at_).ns;
  if (elapsed <= 0) return;
  // The rate in the middle of the interval: exact for a linear ramp.
  const Instant middle = earned_at_ + Duration{elapsed / 2};
  const Wide earned = static_cast<Wide>(elapsed) * RateAt(middle) / 1000;
  credit_ = static_cast<int64_t>(std::min<Wide>(credit_ + earned, credit_max_));
  earned_at_ = now;
}

int64_t Pace::Allowance(Instant now) {
  if (rate_milli_ == 0) return kUnbounded;
  Earn(now);
  return std::max<int64_t>(credit_, 0) / kOne;
}

void Pace::Took(int64_t count, Instant now) {
  if (rate_milli_ == 0) return;
  Earn(now);
  credit_ -= count * kOne;
}

Instant Pace::NextAt() const {
  if (rate_milli_ == 0 || credit_ >= kOne) return earned_at_;
  const Wide wait = (static_cast<Wide>(kOne - credit_) * 1000 + RateAt(earned_at_) - 1) /
                    RateAt(earned_at_);
  return earned_at_ + Duration{static_cast<int64_t>(wait)};
}

}  // namespace floodgate
