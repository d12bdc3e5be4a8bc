// The pace at which agents' connections are taken from the kernel's queue.
#ifndef FLOODGATE_CORE_PACE_H_
#define FLOODGATE_CORE_PACE_H_

#include <cstdint>

#include "base/time.h"

namespace floodgate {

// With the rate R, the ramp P, and t the time since the last Restart, the rate at t is
//   r(t) = R * (1/10 + 9/10 * t/P) for t < P, R from then on.
// Guarantee: if no more is taken than Allowance() says, then for any two instants a <= b since a
// Restart
//   taken in [a, b] <= burst(b) + C(b) - C(a),   C(t) = the integral of r from 0 to t,
//   burst(t) = max(1, 10 ms * r(t)):
// idle time earns no more than the burst. C is computed with integers, in millionths of a
// connection. Not thread-safe. REQUIRES: `now` never goes back.
class Pace {
 public:
  // `per_second` 0 = no bound; a double is looked at here alone. `ramp` 0 = the full rate at once.
  Pace(double per_second, Duration ramp, Instant now);

  // Begins the ramp anew, with one connection allowed: the gate has opened.
  void Restart(Instant now);
  // How many may be taken now, 0 or more. INT64_MAX without bound.
  int64_t Allowance(Instant now);
  // `count` have been taken. More than was allowed is a debt that is paid before more is allowed.
  void Took(int64_t count, Instant now);
  // The first instant at which Allowance is 1 or more, if nothing is taken until then; may have
  // passed.
  Instant NextAt() const;

 private:
  static constexpr int64_t kOne = 1'000'000;          // micro-connections
  static constexpr int64_t kRateMax = 1'000'000'000;  // a second

  bool unlimited() const { return rate_micro_ == 0; }
  // C(t) and burst(t), in micro-connections; `t` >= 0.
  int64_t Integral(Duration t) const;
  int64_t BurstMax(Duration t) const;
  void Earn(Instant now);

  int64_t rate_micro_ = 0;  // micro-connections a second
  Duration ramp_;
  Instant started_;
  Duration earned_until_;  // since started_
  int64_t credit_micro_ = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_PACE_H_
