// floodgate-tune sweep: the order of its trials, what is missing, and what it makes of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/tune/sweep.h"
#include "tools/tune/sweep_progress.h"

namespace floodgate::tune {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

Plan SmallPlan() {
  Plan plan;
  plan.fleet.agents = 50;
  plan.fleet.patience.time = Duration::Seconds(30);
  plan.limit = Duration::Seconds(120);
  plan.backlogs = {16, 64};
  plan.drain_rates = {0, 500};
  plan.handshakes = {0};
  plan.runs = 2;
  return plan;
}

const Setting kFirst{.backlog = 16, .drain_rate = 0, .handshakes = 0};
const Setting kSecond{.backlog = 16, .drain_rate = 500, .handshakes = 0};
const Setting kThird{.backlog = 64, .drain_rate = 0, .handshakes = 0};
const Setting kFourth{.backlog = 64, .drain_rate = 500, .handshakes = 0};

Trial TrialOf(const Setting& setting, int run, std::optional<Duration> all = {}) {
  Trial trial{.setting = setting, .run = run, .result = {}};
  trial.result.agents = 50;
  trial.result.served = all.has_value() ? 50 : 49;
  trial.result.all = all;
  trial.result.most = all;
  trial.result.timeline = {{.at = all.value_or(Duration::Seconds(120))}};
  return trial;
}

TEST(TuneSweep, RunsOfASettingAreNotInARow) {
  EXPECT_THAT(SettingsOf(SmallPlan()), ElementsAre(kFirst, kSecond, kThird, kFourth));
  EXPECT_THAT(StepsOf(SmallPlan()),
              ElementsAre(Step{kFirst, 1}, Step{kSecond, 1}, Step{kThird, 1}, Step{kFourth, 1},
                          Step{kFirst, 2}, Step{kSecond, 2}, Step{kThird, 2}, Step{kFourth, 2}));
}

TEST(TuneSweep, WhatIsMissingIsMade) {
  const Plan plan = SmallPlan();
  EXPECT_EQ(Missing(plan, {}), StepsOf(plan));
  const std::vector<Trial> trials = {TrialOf(kFirst, 1), TrialOf(kSecond, 1), TrialOf(kThird, 1),
                                     TrialOf(kFourth, 1), TrialOf(kSecond, 2)};
  EXPECT_THAT(Missing(plan, trials),
              ElementsAre(Step{kFirst, 2}, Step{kThird, 2}, Step{kFourth, 2}));
}

TEST(TuneSweep, PlansDifferInWhatWasAskedAlone) {
  const Plan there = SmallPlan();
  Plan here = there;
  here.version = "another";
  here.kernel = "another";
  here.somaxconn = 5;
  EXPECT_THAT(Differences(there, here), IsEmpty());
  here.runs = 3;
  here.backlogs = {16};
  here.limit = Duration::Seconds(60);
  EXPECT_THAT(Differences(there, here),
              ElementsAre("--limit is 2m there and 1m here", "--backlog is 16,64 there and 16 here",
                          "--runs is 2 there and 3 here"));
  // Each other one is looked at, too.
  const std::vector<void (*)(Plan&)> changes = {
      [](Plan& plan) { plan.fleet.agents = 51; },
      [](Plan& plan) { plan.fleet.patience.time = Duration::Seconds(1); },
      [](Plan& plan) { plan.fleet.retry = RetryPolicy::kNone; },
      [](Plan& plan) { plan.cores = 2; },
      [](Plan& plan) { plan.key = KeyKind::kRsa2048; },
      [](Plan& plan) {
        plan.drain_rates = {500, 0};
      },
      [](Plan& plan) { plan.handshakes = {16}; }};
  for (const auto& change : changes) {
    here = there;
    change(here);
    EXPECT_THAT(Differences(there, here), SizeIs(1));
  }
}

TEST(TuneSweep, TimeLeftIsReckonedBySetting) {
  const std::vector<Trial> trials = {TrialOf(kFirst, 1, Duration::Seconds(9)),
                                     TrialOf(kSecond, 1, Duration::Seconds(1))};
  EXPECT_EQ(TimeFor({{kFirst, 1}}, {}), std::nullopt);
  EXPECT_EQ(TimeFor({}, trials), Duration());
  EXPECT_EQ(TimeFor({{kFirst, 2}}, trials), Duration::Seconds(10));
  EXPECT_EQ(TimeFor({{kSecond, 2}}, trials), Duration::Seconds(2));
  // One that was never tried: the mean of all.
  EXPECT_EQ(TimeFor({{kFirst, 2}, {kThird, 1}}, trials), Duration::Seconds(16));
}

TEST(TuneSweep, ASettingIsToldByItsMedians) {
  std::vector<Trial> trials = {TrialOf(kFirst, 1, Duration::Seconds(5)),
                               TrialOf(kFirst, 2, Duration::Seconds(2)),
                               TrialOf(kFirst, 3),
                               TrialOf(kThird, 1, Duration::Seconds(3)),
                               TrialOf(kThird, 2, Duration::Seconds(4)),
                               TrialOf(kFourth, 1, Duration::Seconds(3)),
                               TrialOf(kFourth, 2)};
  trials[0].result.stale = 7;
  trials[1].result.stale = 30;
  trials[2].result.stale = 8;
  trials[3].result.accept_overflows = 1;
  trials[4].result.accept_overflows = 2;
  const std::vector<SettingOutcome> settings = InPlannedOrder(SmallPlan(), trials);
  ASSERT_THAT(settings, SizeIs(3));
  EXPECT_EQ(settings[0].setting, kFirst);
  EXPECT_EQ(settings[0].runs, 3);
  // Never is longer than any time.
  EXPECT_EQ(settings[0].all.median, Duration::Seconds(5));
  EXPECT_EQ(settings[0].stale, 8);
  EXPECT_EQ(settings[0].served, 50);
  EXPECT_EQ(settings[0].controller_p99.median, std::nullopt);
  EXPECT_EQ(settings[1].setting, kThird);
  EXPECT_EQ(settings[1].all.median, Duration::Milliseconds(3500));
  EXPECT_EQ(settings[1].accept_overflows, 1.5);
  EXPECT_EQ(settings[2].all.median, std::nullopt);
  EXPECT_EQ(settings[2].served, 49.5);
}

TEST(TuneSweep, TableAndJsonSayTheSame) {
  Trial trial = TrialOf(kThird, 1, Duration::Milliseconds(1250));
  trial.result.syn_retransmits = 41;
  trial.result.controller_p99 = Duration::Microseconds(7700);
  trial.result.storm_cpu_share = 0.5;
  const Plan plan = SmallPlan();
  std::vector<SettingOutcome> settings = InPlannedOrder(plan, {trial, TrialOf(kFourth, 1)});
  std::string table = SweepTable(plan, settings);
  EXPECT_THAT(table, testing::StartsWith("50 agents at once when the gate opens, patience 30s, "
                                         "retry immediate; floodgated on 1 core with an ecdsa "
                                         "key\n"));
  EXPECT_THAT(table, testing::ContainsRegex("\n +64 +0 +0 +1 +50 +1.25 s +1.25 s +0 +41 +0 +0 "
                                            "+7.70 ms +50%\n"));
  EXPECT_THAT(table, testing::ContainsRegex("\n +64 +500 +0 +1 +49 +never +never .* -\n"));
  EXPECT_THAT(table, Not(HasSubstr("the figures are about the storm")));
  const auto json = nlohmann::json::parse(SweepJson(plan, settings, 6));
  EXPECT_EQ(json.at("agents"), 50);
  EXPECT_EQ(json.at("trials_missing"), 6);
  ASSERT_EQ(json.at("settings").size(), 2U);
  const auto& row = json.at("settings").at(0);
  EXPECT_EQ(row.at("backlog"), 64);
  EXPECT_EQ(row.at("time_to_all_s"), 1.25);
  EXPECT_EQ(row.at("syn_retransmits"), 41);
  EXPECT_DOUBLE_EQ(row.at("controller_p99_ms").get<double>(), 7.7);
  EXPECT_EQ(row.at("storm_cpu_share"), 0.5);
  EXPECT_TRUE(json.at("settings").at(1).at("time_to_all_s").is_null());
  EXPECT_TRUE(json.at("settings").at(1).at("storm_cpu_share").is_null());
  settings[0].storm_cpu_share = 0.9;
  table = SweepTable(plan, settings);
  EXPECT_THAT(table, HasSubstr("the figures are about the storm"));
}

TEST(TuneSweep, AMedianBetweenTwoIsNotRoundedUpAndOneAgentIsOne) {
  Plan plan = SmallPlan();
  const std::vector<Trial> trials = {TrialOf(kFirst, 1, Duration::Milliseconds(850)),
                                     TrialOf(kFirst, 2)};
  EXPECT_THAT(SweepTable(plan, InPlannedOrder(plan, trials)),
              testing::ContainsRegex("\n +16 +0 +0 +2 +49\\.5 +never "));
  EXPECT_THAT(SweepTable(plan, InPlannedOrder(plan, {trials[0]})), HasSubstr(" 850 ms "));
  plan.fleet.agents = 1;
  EXPECT_THAT(SweepTable(plan, {}), testing::StartsWith("1 agent at once "));
}

TEST(TuneSweepProgress, Texts) {
  EXPECT_EQ(StepText(3, 8, {kSecond, 1}),
            "trial 3 of 8: run 1 of backlog 16, drain rate 500, handshakes 0");
  EXPECT_EQ(OutcomeText(TrialOf(kFirst, 1, Duration::Milliseconds(1250)).result),
            "50 of 50 served, 99 % after 1.25 s, all after 1.25 s");
  EXPECT_EQ(OutcomeText(TrialOf(kFirst, 1).result), "49 of 50 served, 99 % never, all never");
  EXPECT_EQ(TimeLeftText(std::nullopt), "time left not known yet");
  EXPECT_EQ(TimeLeftText(Duration()), "none left");
  EXPECT_EQ(TimeLeftText(Duration::Milliseconds(199'500)), "about 3m20s left");
}

}  // namespace
}  // namespace floodgate::tune
