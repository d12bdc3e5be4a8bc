// Which setting is the best: each rule of the order by itself, and against the ones before it.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "tools/tune/ranking.h"

namespace floodgate::tune {
namespace {

constexpr uint64_t kAgents = 100;

TrialResult Result(uint64_t served, std::optional<int64_t> most_ms,
                   std::optional<int64_t> controller_us = 1'000) {
  TrialResult result;
  result.agents = kAgents;
  result.served = served;
  if (most_ms.has_value()) result.most = Duration::Milliseconds(*most_ms);
  if (controller_us.has_value()) result.controller_p99 = Duration::Microseconds(*controller_us);
  return result;
}

Trial Make(int backlog, const TrialResult& result, int run = 1) {
  return {.setting = {.backlog = backlog}, .run = run, .result = result};
}

// The backlogs, which name the settings here, best first.
std::string Order(const std::vector<Trial>& trials) {
  std::vector<SettingOutcome> summaries = OutcomesOf(trials);
  Rank(summaries);
  std::string order;
  for (const SettingOutcome& summary : summaries) {
    absl::StrAppend(&order, order.empty() ? "" : " ", summary.setting.backlog);
  }
  return order;
}

TEST(RankTest, LosingFewerAgentsComesBeforeAllElse) {
  EXPECT_EQ(Order({Make(1, Result(99, 10)), Make(2, Result(100, 90'000, 500'000))}), "2 1");
  EXPECT_EQ(Order({Make(1, Result(0, std::nullopt)), Make(2, Result(1, std::nullopt))}), "2 1");
}

TEST(RankTest, OneRunWithLossesCountsAsALosingSetting) {
  const std::vector<Trial> trials = {Make(1, Result(100, 100), 1), Make(1, Result(100, 100), 2),
                                     Make(1, Result(98, 100), 3), Make(2, Result(100, 900), 1)};
  EXPECT_EQ(Order(trials), "2 1");
  const std::vector<SettingOutcome> summaries = OutcomesOf(trials);
  EXPECT_EQ(summaries[0].lost, 2U);
  EXPECT_EQ(summaries[0].runs_with_losses, 1);
}

TEST(RankTest, ThenTheTimeToMostDecides) {
  EXPECT_EQ(Order({Make(1, Result(100, 2'000, 1)), Make(2, Result(100, 1'000, 900'000))}), "2 1");
}

TEST(RankTest, NeverIsLongerThanAnyTime) {
  EXPECT_EQ(Order({Make(1, Result(50, std::nullopt)), Make(2, Result(50, 86'000'000))}), "2 1");
}

TEST(RankTest, AlikeTimesLetTheControllerPortDecide) {
  EXPECT_EQ(Order({Make(1, Result(100, 1'000, 9'000)), Make(2, Result(100, 1'050, 3'000))}), "2 1");
  EXPECT_EQ(Order({Make(1, Result(100, 1'000, 9'000)), Make(2, Result(100, 1'051, 3'000))}), "1 2");
}

TEST(RankTest, OfThoseThatAreAsFastAQueueThatWasFullForFewIsBetter) {
  TrialResult overflowed = Result(100, 1'000, 3'000);
  overflowed.accept_overflows = 2;
  EXPECT_EQ(Order({Make(1, overflowed), Make(2, Result(100, 1'050, 9'000))}), "2 1");
  EXPECT_EQ(Order({Make(1, overflowed), Make(2, Result(100, 1'051, 9'000))}), "1 2");
  overflowed.accept_overflows = 1;  // One in a hundred is few.
  EXPECT_EQ(Order({Make(1, overflowed), Make(2, Result(100, 1'050, 9'000))}), "1 2");
}

TEST(RankTest, ShortTimesAreAlikeWithinTenMilliseconds) {
  EXPECT_EQ(Order({Make(1, Result(100, 20, 9'000)), Make(2, Result(100, 30, 3'000))}), "2 1");
  EXPECT_EQ(Order({Make(1, Result(100, 20, 9'000)), Make(2, Result(100, 31, 3'000))}), "1 2");
}

TEST(RankTest, AControllerPortThatWasNotMeasuredComesLast) {
  EXPECT_EQ(Order({Make(1, Result(100, 1'000, std::nullopt)), Make(2, Result(100, 1'000, 99'000))}),
            "2 1");
}

TEST(RankTest, AllElseAlikeTheSmallerBacklogIsBetter) {
  EXPECT_EQ(Order({Make(4096, Result(100, 1'000, 10'000)), Make(512, Result(100, 1'030, 12'400)),
                   Make(1024, Result(100, 990, 11'000))}),
            "512 1024 4096");
}

TEST(RankTest, ThenTheLowerRateAndTheFewerHandshakes) {
  std::vector<Trial> trials;
  for (const Setting& setting : {Setting{.backlog = 8, .drain_rate = 5, .handshakes = 0},
                                 Setting{.backlog = 8, .drain_rate = 0, .handshakes = 2},
                                 Setting{.backlog = 8, .drain_rate = 0, .handshakes = 0}}) {
    trials.push_back({.setting = setting, .run = 1, .result = Result(100, 1'000)});
  }
  std::vector<SettingOutcome> summaries = OutcomesOf(trials);
  Rank(summaries);
  EXPECT_EQ(summaries[0].setting, trials[2].setting);
  EXPECT_EQ(summaries[1].setting, trials[1].setting);
  EXPECT_EQ(summaries[2].setting, trials[0].setting);
}

TEST(RankTest, WhatIsAlikeIsToldFromTheBestOfAGroup) {
  // 1 and 3 are not alike, though 2 is like either.
  EXPECT_EQ(Order({Make(1, Result(100, 1'000, 9'000)), Make(2, Result(100, 1'040, 5'000)),
                   Make(3, Result(100, 1'080, 1'000))}),
            "2 1 3");
}

TEST(RankTest, TheOrderOfTheTrialsDoesNotMatter) {
  std::vector<Trial> trials;
  for (int backlog = 1; backlog <= 6; ++backlog) {
    trials.push_back(Make(
        backlog, Result(100, 1'000 + 30 * ((backlog * 5) % 7), 1'000 + 200 * ((backlog * 3) % 5))));
  }
  const auto less = [](const Trial& a, const Trial& b) {
    return a.setting.backlog < b.setting.backlog;
  };
  const std::string order = Order(trials);
  do {
    ASSERT_EQ(Order(trials), order);
  } while (std::next_permutation(trials.begin(), trials.end(), less));
}

TEST(WorstTest, IsTheOneThatLosesMostThenTheSlowestHoweverLittle) {
  const auto worst = [](const std::vector<Trial>& trials) {
    std::vector<SettingOutcome> summaries = OutcomesOf(trials);
    Rank(summaries);
    return WorstOf(summaries).setting.backlog;
  };
  EXPECT_EQ(worst({Make(1, Result(100, 100)), Make(2, Result(99, 100)), Make(3, Result(100, 900))}),
            2);
  // The ranking takes 980 and 990 ms as alike, and goes by the controller port.
  EXPECT_EQ(worst({Make(1, Result(100, 100)), Make(2, Result(100, 990, 1'000)),
                   Make(3, Result(100, 980, 90'000))}),
            2);
  EXPECT_EQ(worst({Make(1, Result(90, 100)), Make(2, Result(90, std::nullopt)),
                   Make(3, Result(90, 900))}),
            2);
  // The best is not the worst, even if it is slower by a little.
  EXPECT_EQ(worst({Make(1, Result(100, 1'010)), Make(2, Result(100, 1'000))}), 2);
  EXPECT_EQ(worst({Make(1, Result(100, 100))}), 1);
}

TEST(OutcomesTest, KnowsHowManyTriesStandBehindTheControllersTime) {
  std::vector<Trial> trials = {Make(1, Result(100, 100), 1), Make(1, Result(100, 100), 2),
                               Make(1, Result(100, 100, std::nullopt), 3)};
  trials[0].result.controller_tries = 7;
  trials[1].result.controller_tries = 3;
  trials[2].result.controller_tries = 1;
  const SettingOutcome outcome = OutcomesOf(trials)[0];
  EXPECT_EQ(outcome.controller_runs, 2);
  EXPECT_EQ(outcome.controller_tries_least, 3U);
  EXPECT_EQ(outcome.controller_tries_most, 7U);
}

TEST(OutcomesTest, NothingGivesNothing) {
  EXPECT_TRUE(OutcomesOf({}).empty());
  std::vector<SettingOutcome> none;
  Rank(none);
  EXPECT_TRUE(none.empty());
}

TEST(OutcomesTest, TakesTheMedianAndTheSpreadOverTheRuns) {
  std::vector<Trial> trials = {Make(1, Result(100, 300), 1), Make(1, Result(100, 100), 2),
                               Make(1, Result(100, 120), 3)};
  trials[0].result.stale = 9;
  EXPECT_EQ(OutcomesOf(trials)[0].most.median, Duration::Milliseconds(120));
  EXPECT_EQ(OutcomesOf(trials)[0].most.least, Duration::Milliseconds(100));
  EXPECT_EQ(OutcomesOf(trials)[0].most.most, Duration::Milliseconds(300));
  EXPECT_EQ(OutcomesOf(trials)[0].stale, 0);
  trials.pop_back();
  EXPECT_EQ(OutcomesOf(trials)[0].most.median, Duration::Milliseconds(200));
  EXPECT_EQ(OutcomesOf(trials)[0].stale, 4.5);
}

TEST(OutcomesTest, ARunThatNeverGotThereIsTheLongest) {
  const std::vector<Trial> trials = {Make(1, Result(90, std::nullopt), 1),
                                     Make(1, Result(100, 100), 2)};
  const SettingOutcome summary = OutcomesOf(trials)[0];
  EXPECT_EQ(summary.most.least, Duration::Milliseconds(100));
  EXPECT_EQ(summary.most.median, std::nullopt);
  EXPECT_EQ(summary.most.most, std::nullopt);
}

TEST(TypicalTrialTest, IsTheMiddleOneOfThoseWithATimeline) {
  std::vector<Trial> trials = {Make(1, Result(100, 300), 1), Make(1, Result(100, 100), 2),
                               Make(1, Result(100, 120), 3), Make(1, Result(100, 110), 4),
                               Make(2, Result(100, 115), 1)};
  EXPECT_EQ(TypicalTrial(trials, {.backlog = 1}), nullptr);
  for (const size_t i : {0U, 1U, 2U, 4U}) trials[i].result.timeline.resize(3);
  ASSERT_NE(TypicalTrial(trials, {.backlog = 1}), nullptr);
  EXPECT_EQ(TypicalTrial(trials, {.backlog = 1})->run, 3);
}

}  // namespace
}  // namespace floodgate::tune
