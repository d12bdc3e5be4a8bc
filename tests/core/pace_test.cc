#include "core/pace.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/prng.h"
#include "gtest/gtest.h"

namespace floodgate {
namespace {

constexpr Instant kStart{1'000'000'000};

// The formulas of the header, in floating point, which the code must not use.
double RateAt(double rate, double ramp_s, double t_s) {
  return t_s < ramp_s ? rate * (0.1 + 0.9 * t_s / ramp_s) : rate;
}
double Integral(double rate, double ramp_s, double t_s) {
  const double ramping = std::min(t_s, ramp_s);
  const double ramped = ramp_s > 0 ? rate * (0.1 * ramping + 0.45 * ramping * ramping / ramp_s) : 0;
  return ramped + rate * (t_s - ramping);
}

TEST(PaceTest, RateOfZeroIsNoBound) {
  Pace pace(0, Duration::Seconds(10), kStart);
  EXPECT_EQ(pace.Allowance(kStart), std::numeric_limits<int64_t>::max());
  pace.Took(1'000'000, kStart);
  EXPECT_EQ(pace.Allowance(kStart), std::numeric_limits<int64_t>::max());
  EXPECT_LE(pace.NextAt(), kStart);
}

TEST(PaceTest, SlowPaceAllowsOneAtATimeAtItsEdge) {
  Pace pace(2.0, {}, kStart);
  EXPECT_EQ(pace.Allowance(kStart), 1);
  pace.Took(1, kStart);
  EXPECT_EQ(pace.Allowance(kStart), 0);
  const Instant next = kStart + Duration::Milliseconds(500);
  EXPECT_EQ(pace.NextAt(), next);
  EXPECT_EQ(pace.Allowance(next - Duration{1}), 0);
  EXPECT_EQ(pace.Allowance(next), 1);
}

TEST(PaceTest, IdleTimeEarnsTenMillisecondsWorth) {
  Pace pace(1'000.0, {}, kStart);
  EXPECT_EQ(pace.Allowance(kStart), 1) << "nothing is saved before the opening";
  EXPECT_EQ(pace.Allowance(kStart + Duration::Seconds(60)), 10);
  Pace slow(20.0, {}, kStart);
  EXPECT_EQ(slow.Allowance(kStart + Duration::Seconds(60)), 1);
}

TEST(PaceTest, TakingTooManyIsADebt) {
  Pace pace(100.0, {}, kStart);
  pace.Took(11, kStart);
  EXPECT_EQ(pace.Allowance(kStart + Duration::Milliseconds(109)), 0);
  EXPECT_EQ(pace.NextAt(), kStart + Duration::Milliseconds(110));
  EXPECT_EQ(pace.Allowance(kStart + Duration::Milliseconds(110)), 1);
}

TEST(PaceTest, RampBeginsAtATenthAndReachesAll) {
  const Duration ramp = Duration::Seconds(10);
  Pace pace(1'000.0, ramp, kStart);
  const auto taken_in = [&](int64_t from_ms, int64_t to_ms) {
    int64_t taken = 0;
    for (int64_t ms = from_ms; ms < to_ms; ++ms) {
      const Instant now = kStart + Duration::Milliseconds(ms);
      const int64_t allowed = pace.Allowance(now);
      pace.Took(allowed, now);
      taken += allowed;
    }
    return static_cast<double>(taken);
  };
  EXPECT_NEAR(taken_in(0, 1'000), Integral(1'000, 10, 1), 2);
  EXPECT_NEAR(taken_in(1'000, 5'000), Integral(1'000, 10, 5) - Integral(1'000, 10, 1), 2);
  EXPECT_NEAR(taken_in(5'000, 10'000), Integral(1'000, 10, 10) - Integral(1'000, 10, 5), 2);
  EXPECT_NEAR(taken_in(10'000, 11'000), 1'000, 2);
  pace.Restart(kStart + Duration::Seconds(11));
  EXPECT_EQ(pace.Allowance(kStart + Duration::Seconds(11)), 1);
  pace.Took(1, kStart + Duration::Seconds(11));
  EXPECT_NEAR((pace.NextAt() - kStart).seconds(), 11.01, 0.0001)
      << "a tenth of 1,000 a second again";
}

// The guarantee, over all windows of random runs; and what NextAt says is so.
TEST(PaceTest, WindowBoundHolds) {
  Prng prng(9);
  for (int run = 0; run < 120; ++run) {
    const auto rate = static_cast<double>(1 + prng.Below(5'000));
    const int64_t ramp_ms = prng.Chance(50) ? 0 : static_cast<int64_t>(1 + prng.Below(2'000));
    const double ramp_s = static_cast<double>(ramp_ms) / 1e3;
    Pace pace(rate, Duration::Milliseconds(ramp_ms), kStart);
    std::vector<double> at_s;
    std::vector<int64_t> taken;
    Instant now = kStart;
    for (int i = 0; i < 250; ++i) {
      const int64_t allowed = pace.Allowance(now);
      const int64_t take =
          allowed == 0 ? 0 : static_cast<int64_t>(1 + prng.Below(static_cast<uint64_t>(allowed)));
      if (take > 0) pace.Took(take, now);
      at_s.push_back((now - kStart).seconds());
      taken.push_back(take);
      if (allowed == take) {
        const Instant next = pace.NextAt();
        ASSERT_GT(next, now);
        Pace before = pace;
        Pace then = pace;
        ASSERT_EQ(before.Allowance(next - Duration{1}), 0);
        ASSERT_GE(then.Allowance(next), 1);
      }
      now = prng.Chance(30)
                ? std::max(now, pace.NextAt())
                : now + Duration::Microseconds(static_cast<int64_t>(prng.Below(40'000)));
    }
    for (size_t a = 0; a < taken.size(); ++a) {
      int64_t count = 0;
      for (size_t b = a; b < taken.size(); ++b) {
        count += taken[b];
        const double burst = std::max(1.0, 0.01 * RateAt(rate, ramp_s, at_s[b]));
        const double bound =
            burst + Integral(rate, ramp_s, at_s[b]) - Integral(rate, ramp_s, at_s[a]);
        ASSERT_LE(static_cast<double>(count), bound + 1e-3)
            << "rate " << rate << " ramp " << ramp_s;
      }
    }
  }
}

TEST(PaceTest, ExtremesDoNotOverflow) {
  const Duration year = Duration::Seconds(31'536'000);
  for (const double rate : {1e-6, 1.0, 1e9, 1e300}) {
    for (const Duration ramp : {Duration{}, Duration{1}, year}) {
      Pace pace(rate, ramp, kStart);
      Instant now = kStart;
      int64_t last = 0;
      for (int i = 0; i < 4; ++i) {
        pace.Took(1'000'000'000, now);
        EXPECT_EQ(pace.Allowance(now), 0);
        EXPECT_GE(pace.NextAt(), now);
        now = now + year;
        last = pace.Allowance(now);
        EXPECT_GE(last, 0);
        EXPECT_LE(last, 10'000'000);
      }
    }
  }
}

}  // namespace
}  // namespace floodgate
