// How long to wait before trying again.
#ifndef FLOODGATE_CORE_BACKOFF_H_
#define FLOODGATE_CORE_BACKOFF_H_

#include "base/prng.h"
#include "base/time.h"

namespace floodgate {

// Full jitter ("Exponential Backoff And Jitter", AWS architecture blog, 2015):
//   delay of attempt n = uniform in [0, min(cap, base * 2^n)]
// Of the ways compared there it makes the fewest calls in all, since it spreads them most.
class Backoff {
 public:
  // REQUIRES: 0 <= base <= cap.
  constexpr Backoff(Duration base, Duration cap) : base_(base), cap_(cap) {}

  // `attempt`: 0 after the first failure. Negative counts as 0.
  constexpr Duration Delay(int attempt, Prng& prng) const {
    const auto ceiling_ns = static_cast<uint64_t>(Ceiling(attempt).ns);
    return {static_cast<int64_t>(prng.Below(ceiling_ns + 1))};
  }

  // The longest delay of that attempt.
  constexpr Duration Ceiling(int attempt) const {
    Duration ceiling = base_;
    for (int i = 0; i < attempt && ceiling < cap_; ++i) {
      if (ceiling.ns == 0 || ceiling.ns > cap_.ns / 2) return ceiling.ns == 0 ? ceiling : cap_;
      ceiling = ceiling * 2;
    }
    return ceiling;
  }

 private:
  Duration base_;
  Duration cap_;
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_BACKOFF_H_
