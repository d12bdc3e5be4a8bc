#include "core/backoff.h"

#include <algorithm>
#include <limits>

#include "gtest/gtest.h"

namespace floodgate {
namespace {

TEST(BackoffTest, CeilingDoublesUpToTheCap) {
  const Backoff backoff(Duration::Milliseconds(100), Duration::Milliseconds(1'000));
  EXPECT_EQ(backoff.Ceiling(-1), Duration::Milliseconds(100));
  EXPECT_EQ(backoff.Ceiling(0), Duration::Milliseconds(100));
  EXPECT_EQ(backoff.Ceiling(3), Duration::Milliseconds(800));
  EXPECT_EQ(backoff.Ceiling(4), Duration::Milliseconds(1'000));
  EXPECT_EQ(backoff.Ceiling(std::numeric_limits<int>::max()), Duration::Milliseconds(1'000));
  EXPECT_EQ(Backoff({}, {}).Ceiling(std::numeric_limits<int>::max()), Duration{});
  const Duration year = Duration::Seconds(31'536'000);
  EXPECT_EQ(Backoff(Duration{1}, year).Ceiling(1'000), year);
}

TEST(BackoffTest, DelaysAreSpreadOverAllOfIt) {
  const Backoff backoff(Duration{10}, Duration{40});
  Prng prng(1);
  Duration least = Duration{100};
  Duration most;
  double sum = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Duration delay = backoff.Delay(5, prng);
    least = std::min(least, delay);
    most = std::max(most, delay);
    sum += static_cast<double>(delay.ns);
  }
  EXPECT_EQ(least, Duration{0});
  EXPECT_EQ(most, Duration{40}) << "both ends belong to it";
  EXPECT_NEAR(sum / 20'000, 20, 0.5);
}

TEST(BackoffTest, TheSameSeedIsTheSameDelays) {
  const Backoff backoff(Duration::Seconds(1), Duration::Seconds(60));
  Prng a(7);
  Prng b(7);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(backoff.Delay(i, a), backoff.Delay(i, b));
}

}  // namespace
}  // namespace floodgate
