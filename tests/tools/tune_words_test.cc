// floodgate-tune: numbers and times as people read them.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

#include "tools/tune/words.h"

namespace floodgate::tune {
namespace {

TEST(TuneWords, CountsHaveCommas) {
  EXPECT_EQ(CountText(0), "0");
  EXPECT_EQ(CountText(999), "999");
  EXPECT_EQ(CountText(uint64_t{1'000}), "1,000");
  EXPECT_EQ(CountText(1'234'567), "1,234,567");
  EXPECT_EQ(CountText(-123), "-123");
  EXPECT_EQ(CountText(int64_t{-1'234}), "-1,234");
  EXPECT_EQ(CountText(12.5), "12.5");
  EXPECT_EQ(CountText(12.0), "12");
  EXPECT_EQ(CountText(1'234.5), "1,235");
}

TEST(TuneWords, ACountHasTheWordsThatSuitIt) {
  EXPECT_EQ(Counted(1, "agent"), "1 agent");
  EXPECT_EQ(Counted(0, "agent"), "0 agents");
  EXPECT_EQ(Counted(uint64_t{2'000}, "agent"), "2,000 agents");
  EXPECT_EQ(Counted(1, "trial is", "trials are"), "1 trial is");
  EXPECT_EQ(Counted(2, "trial is", "trials are"), "2 trials are");
  // Medians.
  EXPECT_EQ(Counted(1.0, "time"), "1 time");
  EXPECT_EQ(Counted(1.5, "time"), "1.5 times");
  EXPECT_EQ(Counted(0.5, "SYN was", "SYNs were"), "0.5 SYNs were");
}

TEST(TuneWords, TimesHaveThreeDigitsAndAUnit) {
  EXPECT_EQ(TimeText(Duration::Nanoseconds(350)), "0.35 us");
  EXPECT_EQ(TimeText(Duration::Microseconds(35)), "35.0 us");
  EXPECT_EQ(TimeText(Duration::Microseconds(350)), "0.35 ms");
  EXPECT_EQ(TimeText(Duration::Milliseconds(420)), "420 ms");
  EXPECT_EQ(TimeText(Duration::Microseconds(999'700)), "1.00 s");
  EXPECT_EQ(TimeText(Duration::Milliseconds(1'420)), "1.42 s");
  EXPECT_EQ(TimeText(Duration::Milliseconds(14'240)), "14.2 s");
  EXPECT_EQ(TimeText(Duration::Seconds(142)), "142 s");
  EXPECT_EQ(TimeText(Duration::Seconds(1'000)), "16.7 min");
  EXPECT_EQ(TimeText(Duration{}), "0 ms");
  EXPECT_EQ(TimeText(std::nullopt, "unknown"), "unknown");
  EXPECT_EQ(TimeOrNever(Duration::Milliseconds(40)), "40.0 ms");
  EXPECT_EQ(TimeOrNever(std::nullopt), "never");
  EXPECT_EQ(AfterOrNever(Duration::Milliseconds(4)), "after 4.00 ms");
  EXPECT_EQ(AfterOrNever(std::nullopt), "never");
}

TEST(TuneWords, RangesHaveOneUnit) {
  EXPECT_EQ(RangeText(Duration::Milliseconds(900), Duration::Milliseconds(1'610)), "0.90–1.61 s");
  EXPECT_EQ(RangeText(Duration::Milliseconds(1'401), Duration::Milliseconds(1'402)), "1.40 s");
}

}  // namespace
}  // namespace floodgate::tune
