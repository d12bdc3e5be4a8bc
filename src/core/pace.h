// The pace at which parked connections are taken from the queue.
#ifndef FLOODGATE_CORE_PACE_H_
#define FLOODGATE_CORE_PACE_H_

#include <cstdint>

#include "base/time.h"

namespace floodgate {

// Guarantee, with rate r > 0 and no ramp: in any closed window of length w at most
// max(1, r * 10 ms) + w * r are allowed; idle time earns no more credit than that. With a ramp, the rate
// grows linearly from r / 10 at the restart to r after `ramp`; the bound holds with r throughout.
// Not thread-safe. REQUIRES: `now` never goes back.
class Pace {
 public:
  // `per_second` 0: no bound. `ramp` >= 0.
  Pace(double per_second, Duration ramp, Instant now);

  // Begins the ramp anew: the gate has opened.
  void Restart(Instant now);
  // How many may be taken now.
  int64_t Allowance(Instant now);
  // `count` have been taken. More than allowed is a debt that is paid first.
  void Took(int64_t count, Instant now);
  // When the allowance is at least 1 again; `now` as of the last call if it is already.
  Instant NextAt() const;

 private:
  // Credit is counted in billionths of a connection, so that nothing is lost to rounding.
  static constexpr int64_t kOne = 1'000'000'000;
  static constexpr int64_t kUnbounded = int64_t{1} << 40;

  // Billionths a nanosecond, times 1,000: a rate of 1 a second is 1,000.
  int64_t RateAt(Instant now) const;
  void Earn(Instant now);

  int64_t rate_milli_;  // connections a second, times 1,000
  Duration ramp_;
  Instant started_;
  Instant earned_at_;
  int64_t credit_ = 0;
  int64_t credit_max_;
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_PACE_H_
