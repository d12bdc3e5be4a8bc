// A token bucket without a refill timer: the generic cell rate algorithm (ITU-T I.371, annex A) on
// integers.
#ifndef FLOODGATE_CORE_TOKEN_BUCKET_H_
#define FLOODGATE_CORE_TOKEN_BUCKET_H_

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace floodgate {

// What every bucket of a kind has in common. A bucket's own state is one Instant, `full_at`: when
// it will be full again if nothing more is taken (the theoretical arrival time of the algorithm). A
// bucket whose `full_at` has passed is full, and its *debt* at `now` is max(0, full_at - now).
//
// Guarantee, by Take and Reserve together, for any closed window of length w:
//   tokens taken in it <= burst + floor(w / interval)
// where a reserved token counts at the instant when it is due. Proof: a token taken at t leaves
// full_at <= t + burst * interval and moves it up by one interval from max(full_at, t); so n tokens
// of which the first is taken at t and the last at t + w put full_at at t + n * interval or later,
// and it is at most t + w + burst * interval.
class TokenRate {
 public:
  // No tokens are ever missing.
  constexpr TokenRate() = default;
  // `rate` tokens a second; 0 or less is no limit. `burst` below 1 counts as 1. The interval
  // between tokens is 10^9 / rate nanoseconds, rounded up to whole ones, at least 1 and at most a
  // year: the one place where a double is looked at.
  static constexpr TokenRate PerSecond(double rate, int64_t burst);

  constexpr bool unlimited() const { return interval_.ns == 0; }
  constexpr Duration interval() const { return interval_; }
  constexpr int64_t burst() const { return burst_; }
  // The debt of a bucket that has just become empty.
  constexpr Duration capacity() const { return interval_ * burst_; }

  // When the next token is there, `now` at the earliest.
  constexpr Instant NextAt(Instant full_at, Instant now) const {
    return std::max(now, full_at - interval_ * (burst_ - 1));
  }
  // Takes a token if one is there.
  constexpr bool Take(Instant& full_at, Instant now) const {
    if (NextAt(full_at, now) > now) return false;
    full_at = std::max(full_at, now) + interval_;
    return true;
  }
  // Takes the next token, be it there or not, and says when it is due.
  constexpr Instant Reserve(Instant& full_at, Instant now) const {
    const Instant due = NextAt(full_at, now);
    full_at = std::max(full_at, due) + interval_;
    return due;
  }
  // For people: tokens there now, 0..burst.
  constexpr double Tokens(Instant full_at, Instant now) const {
    if (unlimited()) return static_cast<double>(burst_);
    const int64_t debt_ns = std::clamp<int64_t>((full_at - now).ns, 0, capacity().ns);
    return static_cast<double>(capacity().ns - debt_ns) / static_cast<double>(interval_.ns);
  }
  // What a bucket owes under this rate that owed `debt` under `before`: the same number of tokens,
  // no more than an empty bucket's.
  constexpr Duration Convert(Duration debt, const TokenRate& before) const {
    if (unlimited() || before.unlimited() || debt <= Duration{}) return {};
    __extension__ using Wide = __int128;
    const Wide converted = static_cast<Wide>(debt.ns) * interval_.ns / before.interval_.ns;
    return {static_cast<int64_t>(std::min<Wide>(converted, capacity().ns))};
  }

  friend constexpr bool operator==(const TokenRate&, const TokenRate&) = default;

 private:
  // A year, and a hundred of them: no sum of these overflows an Instant.
  static constexpr int64_t kIntervalMaxNs = 31'536'000'000'000'000;
  static constexpr int64_t kCapacityMaxNs = 100 * kIntervalMaxNs;

  Duration interval_;
  int64_t burst_ = 1;
};

constexpr TokenRate TokenRate::PerSecond(double rate, int64_t burst) {
  TokenRate made;
  if (!(rate > 0)) return made;
  const double interval_ns = 1e9 / rate;
  int64_t whole = kIntervalMaxNs;
  if (interval_ns < static_cast<double>(kIntervalMaxNs)) {
    whole = static_cast<int64_t>(interval_ns);
    if (static_cast<double>(whole) < interval_ns) ++whole;  // Rounding down would exceed the rate.
  }
  made.interval_ = {std::max<int64_t>(whole, 1)};
  made.burst_ = std::clamp<int64_t>(burst, 1, kCapacityMaxNs / made.interval_.ns);
  return made;
}

}  // namespace floodgate

#endif  // FLOODGATE_CORE_TOKEN_BUCKET_H_
