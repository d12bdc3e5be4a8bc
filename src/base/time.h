// Time as values. Nothing here can read a clock: instants come from Kernel::Now() and walk down as
// arguments, so that tests and the simulation turn the clock (docs/DESIGN.md, "Time").
#ifndef FLOODGATE_BASE_TIME_H_
#define FLOODGATE_BASE_TIME_H_

#include <compare>
#include <cstdint>
#include <limits>

namespace floodgate {

// A length of time in nanoseconds; may be negative. +-292 years. Arithmetic does not saturate:
// configuration bounds every duration to a year, so sums cannot overflow.
struct Duration {
  int64_t ns = 0;

  static constexpr Duration Nanoseconds(int64_t n) { return {n}; }
  static constexpr Duration Microseconds(int64_t n) { return {n * 1'000}; }
  static constexpr Duration Milliseconds(int64_t n) { return {n * 1'000'000}; }
  static constexpr Duration Seconds(int64_t n) { return {n * 1'000'000'000}; }

  constexpr int64_t milliseconds() const { return ns / 1'000'000; }
  constexpr double seconds() const { return static_cast<double>(ns) / 1e9; }

  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.ns + b.ns}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.ns - b.ns}; }
  friend constexpr Duration operator*(Duration a, int64_t n) { return {a.ns * n}; }
  friend constexpr Duration operator/(Duration a, int64_t n) { return {a.ns / n}; }
};

// A point on the monotonic clock (CLOCK_MONOTONIC; in simulation the virtual clock), in nanoseconds
// from an arbitrary origin. Never negative.
struct Instant {
  int64_t ns = 0;

  // Later than every instant that occurs: "no deadline".
  static constexpr Instant Never() { return {std::numeric_limits<int64_t>::max()}; }

  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Instant operator+(Instant t, Duration d) { return {t.ns + d.ns}; }
  friend constexpr Instant operator-(Instant t, Duration d) { return {t.ns - d.ns}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return {a.ns - b.ns}; }
};

}  // namespace floodgate

#endif  // FLOODGATE_BASE_TIME_H_
