#include "core/token_bucket.h"

#include <cstdint>
#include <vector>

#include "base/prng.h"
#include "core/source_table.h"
#include "gtest/gtest.h"
#include "tests/core/window_check.h"

namespace floodgate {
namespace {

constexpr Duration kNs = Duration::Nanoseconds(1);

TEST(TokenRateTest, IntervalIsRoundedUp) {
  EXPECT_EQ(TokenRate::PerSecond(4.0, 10).interval(), Duration::Milliseconds(250));
  EXPECT_EQ(TokenRate::PerSecond(3.0, 1).interval(), Duration::Nanoseconds(333'333'334));
  EXPECT_EQ(TokenRate::PerSecond(1e12, 1).interval(), kNs);
  EXPECT_EQ(TokenRate::PerSecond(1e-300, 5).interval(), Duration::Seconds(31'536'000));
  EXPECT_EQ(TokenRate::PerSecond(1.0, 0).burst(), 1);
  EXPECT_TRUE(TokenRate::PerSecond(0, 10).unlimited());
  EXPECT_TRUE(TokenRate::PerSecond(-1, 10).unlimited());
}

TEST(TokenRateTest, BurstAtItsEdge) {
  for (const int64_t burst : {1, 2, 10}) {
    const TokenRate rate = TokenRate::PerSecond(4.0, burst);
    const Instant now{5'000'000'000};
    Instant full_at;
    for (int64_t i = 0; i < burst; ++i) EXPECT_TRUE(rate.Take(full_at, now)) << i;
    EXPECT_FALSE(rate.Take(full_at, now)) << "one more than the burst";
    EXPECT_DOUBLE_EQ(rate.Tokens(full_at, now), 0);
  }
}

TEST(TokenRateTest, RefillAtItsEdge) {
  const TokenRate rate = TokenRate::PerSecond(4.0, 2);
  const Instant now{5'000'000'000};
  Instant full_at;
  rate.Take(full_at, now);
  rate.Take(full_at, now);
  EXPECT_FALSE(rate.Take(full_at, now + rate.interval() - kNs));
  EXPECT_TRUE(rate.Take(full_at, now + rate.interval()));
  EXPECT_FALSE(rate.Take(full_at, now + rate.interval() + kNs));
}

TEST(TokenRateTest, RefusalsTakeNothing) {
  const TokenRate rate = TokenRate::PerSecond(4.0, 1);
  Instant full_at;
  const Instant start{1'000'000'000};
  int64_t taken = 0;
  // A thousand attempts a second for ten seconds.
  for (int64_t ms = 0; ms <= 10'000; ++ms) {
    taken += rate.Take(full_at, start + Duration::Milliseconds(ms)) ? 1 : 0;
  }
  EXPECT_EQ(taken, 1 + 40);
}

TEST(TokenRateTest, ReservationsAreDueOneByOne) {
  const TokenRate rate = TokenRate::PerSecond(4.0, 2);
  const Instant now{5'000'000'000};
  Instant full_at;
  EXPECT_EQ(rate.Reserve(full_at, now), now);
  EXPECT_EQ(rate.Reserve(full_at, now), now);
  EXPECT_EQ(rate.Reserve(full_at, now), now + Duration::Milliseconds(250));
  EXPECT_EQ(rate.Reserve(full_at, now), now + Duration::Milliseconds(500));
  EXPECT_FALSE(rate.Take(full_at, now + Duration::Milliseconds(500))) << "those are spoken for";
  EXPECT_TRUE(rate.Take(full_at, now + Duration::Milliseconds(750)));
}

TEST(TokenRateTest, UnlimitedIsNeverMissing) {
  const TokenRate rate;
  Instant full_at;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(rate.Take(full_at, Instant{7}));
  EXPECT_EQ(rate.Reserve(full_at, Instant{7}), Instant{7});
}

TEST(TokenRateTest, ConvertKeepsTheNumberOfTokens) {
  const TokenRate slow = TokenRate::PerSecond(1.0, 10);
  const TokenRate fast = TokenRate::PerSecond(100.0, 10);
  EXPECT_EQ(fast.Convert(slow.interval() * 4, slow), fast.interval() * 4);
  EXPECT_EQ(slow.Convert(fast.interval() * 4, fast), slow.interval() * 4);
  const TokenRate small = TokenRate::PerSecond(1.0, 2);
  EXPECT_EQ(small.Convert(slow.interval() * 9, slow), small.capacity());
  EXPECT_EQ(slow.Convert(Duration::Seconds(3), TokenRate()), Duration{});
  EXPECT_EQ(TokenRate().Convert(Duration::Seconds(3), slow), Duration{});
}

// The guarantee itself, over all windows, for random attempts of takes and reservations.
TEST(TokenRateTest, WindowBoundHolds) {
  Prng prng(1);
  for (int run = 0; run < 300; ++run) {
    const auto burst = static_cast<int64_t>(1 + prng.Below(5));
    const TokenRate rate =
        TokenRate::PerSecond(1e9 / static_cast<double>(1 + prng.Below(50)), burst);
    Instant now{1'000};
    Instant full_at;
    std::vector<int64_t> taken;
    for (int i = 0; i < 200; ++i) {
      now = now + Duration{static_cast<int64_t>(prng.Below(30))};
      if (prng.Chance(20)) {
        taken.push_back(rate.Reserve(full_at, now).ns);
      } else if (rate.Take(full_at, now)) {
        taken.push_back(now.ns);
      }
    }
    ExpectWindowBound(taken, burst, rate.interval().ns);
  }
}

// The check can fail: one token too many is seen.
TEST(WindowCheckTest, SeesOneTooMany) {
  EXPECT_EQ(WorstExcess({100, 100, 110, 120}, 2, 10), 0);
  EXPECT_EQ(WorstExcess({100, 100, 110, 119}, 2, 10), 1);
  EXPECT_EQ(WorstExcess({100, 100, 100}, 2, 10), 1);
}

}  // namespace
}  // namespace floodgate
