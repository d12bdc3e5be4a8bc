#include "base/time.h"

#include "gtest/gtest.h"

namespace floodgate {
namespace {

TEST(DurationTest, UnitsAreWhatTheyAreCalled) {
  EXPECT_EQ(Duration::Nanoseconds(7).ns, 7);
  EXPECT_EQ(Duration::Microseconds(7).ns, 7'000);
  EXPECT_EQ(Duration::Milliseconds(7).ns, 7'000'000);
  EXPECT_EQ(Duration::Seconds(7).ns, 7'000'000'000);
  EXPECT_EQ(Duration{}.ns, 0);
}

TEST(DurationTest, MillisecondsAreCutTowardsZero) {
  EXPECT_EQ(Duration::Nanoseconds(999'999).milliseconds(), 0);
  EXPECT_EQ(Duration::Nanoseconds(1'000'000).milliseconds(), 1);
  EXPECT_EQ(Duration::Nanoseconds(-1'999'999).milliseconds(), -1);
  EXPECT_DOUBLE_EQ(Duration::Milliseconds(1500).seconds(), 1.5);
}

TEST(DurationTest, CountsLikeNumbers) {
  EXPECT_EQ(Duration::Seconds(1) + Duration::Milliseconds(500), Duration::Milliseconds(1500));
  EXPECT_EQ(Duration::Seconds(1) - Duration::Seconds(3), Duration::Seconds(-2));
  EXPECT_EQ(Duration::Milliseconds(3) * 4, Duration::Milliseconds(12));
  EXPECT_EQ(Duration::Seconds(1) / 3, Duration::Nanoseconds(333'333'333));
  EXPECT_LT(Duration::Seconds(-1), Duration{});
  EXPECT_LT(Duration::Milliseconds(999), Duration::Seconds(1));
}

TEST(DurationTest, AYearIsFarFromTheEnd) {
  // What configuration allows at most, a hundred times over, later than any uptime.
  constexpr Duration kYear = Duration::Seconds(365LL * 24 * 3600);
  constexpr Instant kLate = Instant{} + kYear * 100;
  EXPECT_GT(kLate + kYear * 100, kLate);
  EXPECT_LT(kLate + kYear * 100, Instant::Never());
}

TEST(InstantTest, ShiftsByDurations) {
  const Instant start{5'000'000'000};
  EXPECT_EQ((start + Duration::Seconds(2)).ns, 7'000'000'000);
  EXPECT_EQ((start - Duration::Seconds(2)).ns, 3'000'000'000);
  EXPECT_EQ(start + Duration::Seconds(2) - start, Duration::Seconds(2));
  EXPECT_EQ(start - (start + Duration::Seconds(2)), Duration::Seconds(-2));
}

TEST(InstantTest, NeverIsLaterThanAll) {
  EXPECT_LT(Instant{}, Instant::Never());
  EXPECT_LT(Instant{9'000'000'000'000'000'000}, Instant::Never());
  EXPECT_EQ(Instant::Never(), Instant::Never());
}

}  // namespace
}  // namespace floodgate
