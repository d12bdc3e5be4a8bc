// floodgate-tune recommend and predict --validate: the search, its words, and what is made of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "tools/tune/measured_cost.h"
#include "tools/tune/recommend.h"
#include "tools/tune/recommend_report.h"
#include "tools/tune/recommend_settings.h"
#include "tools/tune/validate.h"

namespace floodgate::tune {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Three hundred patient agents; 4 ms a handshake, so 1.25 s of work on a core.
Wanted SmallWanted() {
  Wanted wanted;
  wanted.fleet.agents = 300;
  wanted.fleet.patience.time = Duration::Seconds(60);
  wanted.cost.handshake = PartsOf(Duration::Milliseconds(4));
  wanted.recovery = Duration::Seconds(2);
  wanted.parked = Duration::Seconds(3);
  return wanted;
}

TEST(TuneRecommend, TheSmallestQueueThatDoesItIsRecommended) {
  size_t told = 0;
  const Recommendation recommendation =
      Recommend(SmallWanted(), [&told](const Judged&) { ++told; });
  ASSERT_TRUE(recommendation.met);
  EXPECT_EQ(told, recommendation.tried.size());
  EXPECT_FALSE(recommendation.bottleneck.has_value());
  const Judged& best = recommendation.best;
  EXPECT_TRUE(best.does_it);
  EXPECT_EQ(best.together.result.served, 300U);
  EXPECT_EQ(best.parked.result.served, 300U);
  EXPECT_LE(*best.parked.result.all, Duration::Seconds(2));
  EXPECT_EQ(best.setting.drain_rate, 0);
  bool smaller = false;
  for (const Judged& judged : recommendation.tried) {
    if (judged.setting.backlog >= best.setting.backlog) continue;
    smaller = true;
    EXPECT_FALSE(judged.does_it) << judged.setting.backlog;
  }
  EXPECT_TRUE(smaller);
  EXPECT_NEAR(static_cast<double>(recommendation.admissions_per_second), 239, 2);
}

TEST(TuneRecommend, TheSameQuestionHasTheSameAnswer) {
  const std::string one = RecommendationJson(SmallWanted(), Recommend(SmallWanted()), nullptr);
  EXPECT_EQ(RecommendationJson(SmallWanted(), Recommend(SmallWanted()), nullptr), one);
}

TEST(TuneRecommend, WhereTheCpuIsTheBoundItSaysHowManyCoresAreNot) {
  Wanted wanted = SmallWanted();
  wanted.recovery = Duration::Milliseconds(800);
  const Recommendation recommendation = Recommend(wanted);
  ASSERT_FALSE(recommendation.met);
  EXPECT_THAT(recommendation.settings, IsEmpty());
  ASSERT_TRUE(recommendation.bottleneck.has_value());
  EXPECT_EQ(recommendation.bottleneck->bound, Bound::kCpu);
  EXPECT_THAT(recommendation.bottleneck->why, HasSubstr("The CPU is the bound."));
  EXPECT_THAT(recommendation.bottleneck->why, HasSubstr("1 core admits 239 agents a second"));
  const std::string text = RecommendationText(wanted, recommendation);
  EXPECT_THAT(text, testing::ContainsRegex("2 cores: all are in after [0-9]+ ms\\."));
  EXPECT_THAT(text, HasSubstr("A certificate with an ECDSA P-256 key: 428 us an agent"));
  EXPECT_THAT(text, HasSubstr("A recovery time of 2 s: "));
}

TEST(TuneRecommend, AnEcdsaKeyIsNoRemedyForOne) {
  Wanted wanted = SmallWanted();
  wanted.cost.handshake = PartsOf(Duration::Microseconds(250));
  wanted.recovery = Duration::Milliseconds(10);
  const Recommendation recommendation = Recommend(wanted);
  ASSERT_FALSE(recommendation.met);
  EXPECT_THAT(RecommendationText(wanted, recommendation), Not(HasSubstr("ECDSA")));
}

TEST(TuneRecommend, WhereNobodyComesAgainPatienceIsTheBound) {
  Wanted wanted = SmallWanted();
  wanted.fleet.patience.time = Duration::Milliseconds(500);
  wanted.fleet.retry = RetryPolicy::kNone;
  const Recommendation recommendation = Recommend(wanted);
  ASSERT_FALSE(recommendation.met);
  EXPECT_EQ(recommendation.bottleneck->bound, Bound::kPatience);
  EXPECT_THAT(recommendation.bottleneck->why, HasSubstr("patience is the bound"));
  EXPECT_THAT(RecommendationText(wanted, recommendation), HasSubstr("Agents that wait for 5.00 s"));
}

// It once said that patience was the bound, beside a table of settings that were in in time.
TEST(TuneRecommend, WhereAFullQueueDecidesItSaysSo) {
  Wanted wanted = SmallWanted();
  wanted.fleet.agents = 700;
  wanted.fleet.patience.time = Duration::Seconds(3);
  wanted.recovery = Duration::Seconds(4);
  wanted.parked = Duration::Seconds(10);
  const Recommendation recommendation = Recommend(wanted);
  ASSERT_FALSE(recommendation.met);
  EXPECT_EQ(recommendation.bottleneck->bound, Bound::kFullQueue);
  int in_time = 0;
  for (const Judged& judged : recommendation.tried) {
    const std::string row = RecommendationRow(judged);
    EXPECT_THAT(row, HasSubstr(judged.in_time ? "too full\n" : "too late\n"));
    if (judged.in_time) in_time = std::max(in_time, judged.setting.backlog);
  }
  ASSERT_GT(in_time, 0);
  const std::string text = RecommendationText(wanted, recommendation);
  EXPECT_THAT(text, Not(HasSubstr("No setting has all of them in")));
  EXPECT_THAT(text, HasSubstr("Some have all of them in within 4s, but a queue that is full too"));
  EXPECT_THAT(text, HasSubstr("The rule about a full queue decides"));
  EXPECT_THAT(text, HasSubstr("a backlog of " + std::to_string(in_time) + " all are in after 2."));
  EXPECT_THAT(text, Not(HasSubstr("patience is the bound")));
  const auto json = nlohmann::json::parse(RecommendationJson(wanted, recommendation, nullptr));
  EXPECT_EQ(json.at("bottleneck").at("bound"), "full-queue");
  EXPECT_EQ(json.at("simulated").back().at("in_time"), false);
  EXPECT_EQ(json.at("simulated").back().at("backlog"), 700);
}

TEST(TuneRecommend, FilesHoldTheSettingsWithTheirReasons) {
  Wanted wanted = SmallWanted();
  wanted.fleet.agents = 600;
  wanted.recovery = Duration::Seconds(4);
  const Recommendation recommendation = Recommend(wanted);
  ASSERT_TRUE(recommendation.met);
  const std::string toml = TomlFragment(wanted, recommendation);
  EXPECT_THAT(toml, HasSubstr("\n[agent]\n# With it all are in after "));
  EXPECT_THAT(toml, HasSubstr("\nbacklog = "));
  EXPECT_THAT(toml, HasSubstr("\n[drain]\n"));
  EXPECT_THAT(toml, HasSubstr("LimitNOFILE="));
  const std::string sysctl = SysctlFile(wanted, recommendation);
  EXPECT_THAT(sysctl, HasSubstr("\nnet.core.somaxconn = 4096\n"));
  EXPECT_THAT(sysctl, HasSubstr("\nnet.ipv4.tcp_abort_on_overflow = 0\n"));
  // What Linux has by default is enough.
  EXPECT_THAT(sysctl, Not(HasSubstr("ip_local_port_range")));
  EXPECT_THAT(sysctl, Not(HasSubstr("nf_conntrack_max")));
}

TEST(TuneRecommend, ALargeFleetNeedsPortsAndTrackedConnections) {
  Wanted wanted = SmallWanted();
  const Recommendation small = Recommend(wanted);
  wanted.fleet.agents = 200'000;
  wanted.unix_backend = true;
  std::string keys;
  for (const Reasoned& setting : SettingsFor(wanted, small)) keys += setting.change.key + "\n";
  EXPECT_THAT(keys, Not(HasSubstr("ip_local_port_range")));
  wanted.unix_backend = false;
  keys.clear();
  for (const Reasoned& setting : SettingsFor(wanted, small)) keys += setting.change.key + "\n";
  EXPECT_THAT(keys, HasSubstr("net.netfilter.nf_conntrack_max\n"));
  EXPECT_THAT(keys, HasSubstr("backend.address\n"));  // No host has so many ports.
  EXPECT_THAT(keys, HasSubstr("LimitNOFILE\n"));
}

// "waited for 0 s", "after 0.0 s" and "1 agents" say nothing.
TEST(TuneRecommend, ShortTimesHaveTheirDigitsAndOneIsOne) {
  Wanted wanted = SmallWanted();
  wanted.fleet.agents = 1;
  wanted.recovery = Duration::Seconds(1);
  wanted.parked = Duration::Milliseconds(200);
  const Recommendation recommendation = Recommend(wanted);
  ASSERT_TRUE(recommendation.met);
  std::string text = RecommendationHeading(wanted);
  for (const Reasoned& setting : recommendation.settings) {
    // That of the unit is the audit's.
    if (setting.change.kind != Change::Kind::kUnit) text += setting.why + "\n";
  }
  EXPECT_THAT(text, testing::StartsWith("1 agent, patience 1m, "));
  EXPECT_THAT(recommendation.settings[0].why, HasSubstr("if it has waited for 200 ms then"));
  EXPECT_THAT(recommendation.settings[0].why,
              testing::ContainsRegex("all are in after [0-9.]+ ms if the fleet comes"));
  for (const char* wrong : {"1 agents", " 0 s", " 0.0 s", "1 cores"}) {
    EXPECT_THAT(text, Not(HasSubstr(wrong)));
  }
}

TEST(TuneRecommend, ATrialThatWasTooSlowLostNobody) {
  Tried tried{.fleet = {}, .fewer = "", .result = {}};
  tried.fleet.agents = 1;
  tried.result.agents = tried.result.served = 1;
  tried.result.gave_up = 1;
  tried.result.all = tried.result.most = Duration::Milliseconds(2'500);
  EXPECT_THAT(TriedText(SmallWanted(), tried),
              testing::AllOf(HasSubstr("a real storm of 1 agent: 1 served, 99 % after 2.50 s, all "
                                       "after 2.50 s, 1 attempt given up, 0 SYNs sent again"),
                             HasSubstr("No agent was lost, but not all were in within 2s.")));
  tried.result.served = 0;
  tried.result.all = tried.result.most = std::nullopt;
  EXPECT_THAT(TriedText(SmallWanted(), tried),
              testing::AllOf(HasSubstr("99 % never, all never"),
                             HasSubstr("1 agent was lost; 2s was asked for.")));
}

TEST(TuneRecommend, JsonHasItsKeys) {
  const Wanted wanted = SmallWanted();
  const auto json = nlohmann::json::parse(RecommendationJson(wanted, Recommend(wanted), nullptr));
  EXPECT_EQ(json.at("agents"), 300);
  EXPECT_EQ(json.at("met"), true);
  EXPECT_EQ(json.at("recovery_s"), 2);
  EXPECT_GT(json.at("backlog"), 0);
  EXPECT_TRUE(json.at("bottleneck").is_null());
  EXPECT_TRUE(json.at("tried").is_null());
  EXPECT_EQ(json.at("settings").at(0).at("key"), "agent.backlog");
  EXPECT_FALSE(json.at("simulated").empty());
}

// --- predict --validate

TEST(TuneValidate, WhatAHostBears) {
  Fleet fleet;
  fleet.agents = 5000;
  EXPECT_EQ(WhatIsBorne(fleet, 1, 2, 20'000).agents, 5000);
  EXPECT_THAT(WhatIsBorne(fleet, 1, 2, 20'000).fewer, IsEmpty());
  EXPECT_EQ(WhatIsBorne(fleet, 1, 2, 1024).agents, 1008);
  EXPECT_THAT(WhatIsBorne(fleet, 1, 2, 1024).fewer, HasSubstr("open files is 1024"));
  EXPECT_THAT(WhatIsBorne(fleet, 2, 2, 20'000).impossible, HasSubstr("one of its own"));
  EXPECT_THAT(WhatIsBorne(fleet, 1, 2, 265).impossible, HasSubstr("a trial takes 266 at least"));
  fleet.agents = 100'000;
  EXPECT_EQ(WhatIsBorne(fleet, 1, 2, 1'000'000).agents, 20'000);
}

Comparison SomeComparison() {
  Comparison comparison;
  comparison.measured.agents = comparison.predicted.agents = 10;
  comparison.measured.most = Duration::Seconds(10);
  comparison.predicted.most = Duration::Seconds(9);
  comparison.measured.storm_cpu_share = 0.2;
  return comparison;
}

TEST(TuneValidate, TheRatioIsOfTheTimesToNinetyNinePercent) {
  Comparison comparison = SomeComparison();
  EXPECT_DOUBLE_EQ(Ratio(comparison).value(), 0.9);
  EXPECT_THAT(ComparisonText(comparison), HasSubstr("predicted is 0.90 of measured"));
  EXPECT_THAT(ComparisonText(comparison), HasSubstr(" overflows "));
  comparison.predicted.accept_overflows = 4321;
  comparison.measured.accept_overflows = 8765;
  EXPECT_THAT(ComparisonText(comparison), testing::ContainsRegex("predicted .* 4321 .*\n.* 8765 "));
  comparison.measured.most.reset();
  EXPECT_EQ(Ratio(comparison), std::nullopt);
}

TEST(TuneValidate, NothingIsClaimedWhereTheStormWasTheLimit) {
  Comparison comparison = SomeComparison();
  comparison.measured.storm_cpu_share = 0.97;
  EXPECT_EQ(Ratio(comparison), std::nullopt);
  EXPECT_THAT(ComparisonText(comparison),
              HasSubstr("the storm was the limit, it used 97 % of its core"));
  const auto json = nlohmann::json::parse(ComparisonsJson({}, "", {comparison}));
  EXPECT_TRUE(json.at("comparisons").at(0).at("ratio_99_percent").is_null());
  EXPECT_EQ(json.at("comparisons").at(0).at("storm_was_limit"), true);
}

TEST(TuneMeasuredCost, TheRestIsWhatTheHandshakeLeaves) {
  const HandshakeCost handshake = PartsOf(Duration::Microseconds(200));
  TrialResult result;
  result.served = 90;
  result.controller_tries = 10;
  EXPECT_EQ(RestOf(result, handshake), Duration());
  result.daemon_cpu = Duration::Milliseconds(50);
  EXPECT_EQ(RestOf(result, handshake), Duration::Microseconds(300));
  result.daemon_cpu = Duration::Milliseconds(1);
  EXPECT_EQ(RestOf(result, handshake), Duration::Microseconds(20));
}

}  // namespace
}  // namespace floodgate::tune
