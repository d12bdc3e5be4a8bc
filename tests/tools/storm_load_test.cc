// What a storm's load is made of: arrivals, patience, the timeline that tells of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tools/storm/arrivals.h"
#include "tools/storm/patience.h"
#include "tools/storm/tcp_counters.h"
#include "tools/storm/timeline.h"

namespace floodgate::storm {
namespace {

using testing::HasSubstr;

std::vector<int64_t> First(Arrivals arrivals, int count) {
  std::vector<int64_t> times_ns;
  for (int i = 0; i < count; ++i) {
    times_ns.push_back(arrivals.next().ns);
    arrivals.Pop();
  }
  return times_ns;
}

TEST(Arrivals, TogetherIsAtOnce) {
  EXPECT_THAT(First(Arrivals(Shape::kTogether, 0, {}, 1), 1'000), testing::Each(0));
}

TEST(Arrivals, UniformIsTheFormulaAndDoesNotDrift) {
  const double rate = 3'000;  // A third of a millisecond is no whole number of nanoseconds.
  const std::vector<int64_t> times = First(Arrivals(Shape::kUniform, rate, {}, 1), 300'001);
  for (size_t n = 0; n < times.size(); n += 7) {
    EXPECT_NEAR(static_cast<double>(times[n]), static_cast<double>(n) * 1e9 / rate, 1) << n;
  }
  EXPECT_EQ(times[300'000], 100'000'000'000);
}

TEST(Arrivals, PoissonHasItsRateAndExponentialGaps) {
  const std::vector<int64_t> times = First(Arrivals(Shape::kPoisson, 1'000, {}, 1), 100'001);
  EXPECT_GT(times[0], 0) << "the first comes after a gap like the others";
  // 100,000 gaps of mean 1 ms: their sum has a standard deviation of sqrt(100,000) ms.
  EXPECT_NEAR(static_cast<double>(times[100'000]) / 1e6, 100'000, 5 * std::sqrt(100'000));
  int longer = 0;
  for (size_t n = 1; n < times.size(); ++n) {
    ASSERT_GE(times[n], times[n - 1]);
    if (times[n] - times[n - 1] > 2'000'000) ++longer;
  }
  EXPECT_NEAR(longer, 100'000 * std::exp(-2.0), 700);  // P(gap > 2 means)
}

TEST(Arrivals, ASeedIsASchedule) {
  const auto times = [](uint64_t seed) {
    return First(Arrivals(Shape::kPoisson, 1'000, {}, seed), 100);
  };
  EXPECT_EQ(times(5), times(5));
  EXPECT_NE(times(5), times(6));
}

TEST(Arrivals, WavesComeAtOnceAndAtTheRate) {
  const Duration every = Duration::Milliseconds(500);
  EXPECT_THAT(First(Arrivals(Shape::kWaves, 6, every, 1), 8),
              testing::ElementsAre(0, 0, 0, 500'000'000, 500'000'000, 500'000'000, 1'000'000'000,
                                   1'000'000'000));
  // Fewer than one a wave: evenly.
  EXPECT_THAT(First(Arrivals(Shape::kWaves, 1, every, 1), 3),
              testing::ElementsAre(0, 1'000'000'000, 2'000'000'000));
}

TEST(Patience, OfOneLengthOrSharesOfSeveral) {
  Prng prng(1);
  const Patience one = *Patience::Parse("1m30s");
  EXPECT_EQ(one.Of(7, prng), Duration::Seconds(90));
  const Patience mix = *Patience::Parse("mix:500ms,30s");
  EXPECT_EQ(mix.Of(0, prng), Duration::Milliseconds(500));
  EXPECT_EQ(mix.Of(1, prng), Duration::Seconds(30));
  EXPECT_EQ(mix.Of(2, prng), Duration::Milliseconds(500));
  EXPECT_EQ(prng.Next(), Prng(1).Next()) << "nothing was drawn";
}

TEST(Patience, ExponentialHasItsMeanAndNoMemory) {
  const Patience patience = *Patience::Parse("exp:1s");
  Prng prng(1);
  double sum = 0;
  int longer = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Duration drawn = patience.Of(0, prng);
    ASSERT_GT(drawn.ns, 0);
    sum += drawn.seconds();
    if (drawn > Duration::Seconds(1)) ++longer;
  }
  EXPECT_NEAR(sum / 100'000, 1, 0.02);
  EXPECT_NEAR(longer, 100'000 * std::exp(-1.0), 1'000);
}

TEST(Patience, RefusesAnythingElse) {
  for (const char* text : {"", "5", "exp:", "exp:1s,2s", "mix:", "mix:1s,,2s", "gamma:1s"}) {
    EXPECT_THAT(std::string(Patience::Parse(text).status().message()), HasSubstr("write 250ms"))
        << text;
  }
  for (const char* text : {"0s", "exp:0s", "mix:1s,0s"}) {
    EXPECT_THAT(std::string(Patience::Parse(text).status().message()), HasSubstr("give it some"));
  }
}

TEST(Timeline, CountsByIntervalAndLeavesNoneOut) {
  Timeline timeline(Duration::Milliseconds(10));
  ++timeline.At(Duration::Milliseconds(9), 1).attempts;
  ++timeline.At(Duration::Milliseconds(10), 2).attempts;
  for (int i = 1; i <= 100; ++i) {
    ++timeline.At(Duration::Milliseconds(11), 5).served;
    timeline.Served(Duration::Milliseconds(101 - i));
  }
  ++timeline.At(Duration::Milliseconds(35), 3).attempts;
  const std::vector<TimelineRow> rows = timeline.Finish(Duration::Milliseconds(36), 4);
  ASSERT_EQ(rows.size(), 4U);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(rows[i].start, Duration::Milliseconds(10) * static_cast<int64_t>(i));
    EXPECT_EQ(rows[i].attempts, i == 2 ? 0U : 1U);
  }
  EXPECT_EQ(rows[0].open, 2) << "what was open when the next interval was first heard of";
  EXPECT_EQ(rows[1].open, 3);
  EXPECT_EQ(rows[3].open, 4);
  EXPECT_EQ(rows[1].served_p50, Duration::Milliseconds(50));
  EXPECT_EQ(rows[1].served_p99, Duration::Milliseconds(99));
}

TEST(Timeline, EveryOutcomeHasItsColumn) {
  TimelineRow row;
  for (size_t i = 0; i < kOutcomes; ++i) ++row.Ended(static_cast<Outcome>(i));
  EXPECT_EQ(row.served, 1U);
  EXPECT_EQ(row.refused, 1U);
  EXPECT_EQ(row.reset, 3U);
  EXPECT_EQ(row.closed, 3U);
  EXPECT_EQ(row.ended_by_patience, 7U);
  EXPECT_EQ(row.served + row.refused + row.reset + row.closed + row.ended_by_patience + row.other,
            kOutcomes);
}

TEST(Timeline, CsvHasALineForEachRow) {
  Timeline timeline(Duration::Milliseconds(500));
  ++timeline.At({}, 0).served;
  timeline.Served(Duration::Microseconds(1'500));
  const std::string csv = TimelineCsv(timeline.Finish(Duration::Milliseconds(500), 7));
  EXPECT_EQ(csv,
            "t_s,arrived,attempts,connected,served,ended_by_patience,reset,closed,refused,other,"
            "cut_off,open,served_p50_ms,served_p99_ms\n"
            "0,0,0,0,1,0,0,0,0,0,0,7,1.5,1.5\n"
            "0.5,0,0,0,0,0,0,0,0,0,0,7,,\n");
}

TEST(TcpCounters, AreFoundByTableAndName) {
  const char text[] =
      "TcpExt: SyncookiesSent TCPSynRetrans Last\nTcpExt: 1 22 3\n"
      "IpExt: InNoRoutes TCPSynRetrans\nIpExt: 4 55\n";
  EXPECT_EQ(FindCounter(text, "TcpExt", "TCPSynRetrans"), 22U);
  EXPECT_EQ(FindCounter(text, "TcpExt", "Last"), 3U);
  EXPECT_EQ(FindCounter(text, "IpExt", "TCPSynRetrans"), 55U);
  EXPECT_EQ(FindCounter(text, "IpExt", "Last"), std::nullopt);
  EXPECT_EQ(FindCounter("", "TcpExt", "Last"), std::nullopt);
  EXPECT_TRUE(SynRetransmits().has_value()) << "this kernel tells";
}

}  // namespace
}  // namespace floodgate::storm
