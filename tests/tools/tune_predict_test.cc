// floodgate-tune predict: what the simulation is asked, and what a handshake is measured to cost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "tools/tune/handshake_cost.h"
#include "tools/tune/predict.h"
#include "tools/tune/result_json.h"

namespace floodgate::tune {
namespace {

using testing::HasSubstr;

// Two hundred patient agents, 4 ms a handshake: 0.8 s of work.
Question SmallQuestion() {
  Question question;
  question.fleet.agents = 200;
  question.fleet.patience.time = Duration::Seconds(60);
  question.cost.handshake = PartsOf(Duration::Milliseconds(4));
  return question;
}

TEST(TunePredict, AHandshakeHasTwoParts) {
  EXPECT_EQ(PartsOf(Duration::Milliseconds(4)).hello, Duration::Microseconds(3940));
  EXPECT_EQ(PartsOf(Duration::Milliseconds(4)).finish, Duration::Microseconds(60));
  EXPECT_EQ(PartsOf(Duration::Microseconds(240)).finish, Duration::Microseconds(60));
  EXPECT_EQ(PartsOf(Duration::Microseconds(236)).finish, Duration::Microseconds(59));
  EXPECT_EQ(PartsOf(Duration::Microseconds(236)).whole(), Duration::Microseconds(236));
}

TEST(TunePredict, TheWholeFleetIsServedAsSoonAsTheHandshakesAllow) {
  const Prediction prediction = Predict(SmallQuestion(), {.backlog = 200});
  EXPECT_EQ(prediction.result.served, 200U);
  ASSERT_TRUE(prediction.result.all.has_value());
  EXPECT_GE(*prediction.result.all, Duration::Milliseconds(800));
  EXPECT_LT(*prediction.result.all, Duration::Milliseconds(1600));
  EXPECT_LE(*prediction.result.most, *prediction.result.all);
  EXPECT_EQ(prediction.goodput_ratio(), 1);
  EXPECT_EQ(prediction.wasted_handshakes(), 0U);
  EXPECT_EQ(prediction.result.syn_retransmits, 0U);
  EXPECT_GT(prediction.result.queue_depth_max, 0U);
  EXPECT_LE(prediction.result.queue_depth_max, 200U);
}

TEST(TunePredict, TheSameQuestionHasTheSameAnswer) {
  const Prediction one = Predict(SmallQuestion(), {.backlog = 16});
  const Prediction two = Predict(SmallQuestion(), {.backlog = 16});
  EXPECT_EQ(one.result.digest, two.result.digest);
  Question other = SmallQuestion();
  other.seed = 2;
  EXPECT_NE(Predict(other, {.backlog = 16}).result.digest, one.result.digest);
}

TEST(TunePredict, AShortQueueMakesThemSendTheirSynAgain) {
  Question question = SmallQuestion();
  question.fleet.agents = 3000;  // More than waiting room, handshakes in flight and queue hold.
  const Prediction small = Predict(question, {.backlog = 16});
  const Prediction large = Predict(question, {.backlog = 3000});
  EXPECT_EQ(small.result.served, 3000U);
  EXPECT_EQ(large.result.served, 3000U);
  EXPECT_GT(small.result.syn_retransmits, 0U);
  EXPECT_EQ(large.result.syn_retransmits, 0U);
  EXPECT_LE(small.result.queue_depth_max, 17U);
  EXPECT_GT(large.result.queue_depth_max, 17U);
}

TEST(TunePredict, TwoCoresAreSooner) {
  Question question = SmallQuestion();
  const Duration one = Predict(question, {.backlog = 200}).result.all.value();
  question.cores = 2;
  EXPECT_LT(Predict(question, {.backlog = 200}).result.all.value(), one * 3 / 4);
}

TEST(TunePredict, WhoNeverComesBackIsNotServed) {
  Question question = SmallQuestion();
  question.fleet.patience.time = Duration::Milliseconds(200);
  question.fleet.retry = RetryPolicy::kNone;
  question.limit = Duration::Seconds(5);
  const Prediction prediction = Predict(question, {.backlog = 200});
  EXPECT_GT(prediction.result.served, 0U);
  EXPECT_LT(prediction.result.served, 100U);  // 50 in 200 ms at the most, and what a margin allows
  EXPECT_EQ(prediction.result.all, std::nullopt);
  const auto json = nlohmann::json::parse(PredictionsJson(question, "", {prediction}));
  EXPECT_TRUE(json.at("settings").at(0).at("time_to_all_s").is_null());
  EXPECT_THAT(PredictionRow(prediction), HasSubstr("never"));
}

// They came, so "all of the work was for those that were served" would be no true word.
TEST(TunePredict, WhereNoHandshakeWasMadeNothingWasGood) {
  Question question = SmallQuestion();
  question.fleet.patience.time = Duration::Milliseconds(1);
  question.fleet.retry = RetryPolicy::kNone;
  question.limit = Duration::Seconds(5);
  question.parked = Duration::Seconds(1);
  const Prediction prediction = Predict(question, {.backlog = 200});
  ASSERT_EQ(prediction.result.served, 0U);
  ASSERT_EQ(prediction.result.hellos_answered, 0U);
  EXPECT_EQ(prediction.goodput_ratio(), 0);
  EXPECT_THAT(PredictionRow(prediction), HasSubstr(" 0.0% "));
  const auto json = nlohmann::json::parse(PredictionsJson(question, "", {prediction}));
  EXPECT_EQ(json.at("settings").at(0).at("goodput_ratio"), 0);
}

// Every figure that a trial and a prediction both have, each another one.
TEST(TunePredict, AsATrialItHasAllThatTheSimulationTells) {
  Prediction prediction{.setting = {}, .result = {}};
  sim::ColdStartResult& result = prediction.result;
  result.agents = 100;
  result.served = 90;
  result.half = Duration::Seconds(1);
  result.most = Duration::Seconds(2);
  result.all = Duration::Seconds(3);
  result.attempts = 120;
  result.gave_up = 21;
  result.stale = 22;
  result.hellos_answered = 113;
  result.syn_retransmits = 24;
  result.queue_overflows = 25;
  result.queue_depth_max = 26;
  result.timeline = {{.at = Duration::Seconds(1), .queue_depth = 7, .served = 8}};
  const nlohmann::json json = ToJson(AsTrial(prediction));
  const nlohmann::json expected = {{"agents", 100},
                                   {"served", 90},
                                   {"time_to_50_percent_s", 1.0},
                                   {"time_to_99_percent_s", 2.0},
                                   {"time_to_all_s", 3.0},
                                   {"attempts", 120},
                                   {"gave_up", 21},
                                   {"accept_overflows", 25},
                                   {"syn_retransmits", 24},
                                   {"stale", 22},
                                   {"wasted_handshakes", 23},
                                   {"queue_depth_max", 26},
                                   // What it does not tell is no zero.
                                   {"controller_tries", nullptr},
                                   {"controller_p50_ms", nullptr},
                                   {"controller_p99_ms", nullptr},
                                   {"daemon_cpu_s", nullptr},
                                   {"storm_cpu_share", nullptr},
                                   {"timeline", nlohmann::json::array({{1.0, 7, 8}})}};
  EXPECT_EQ(json, expected) << json.dump(2);
}

TEST(TunePredict, AShortQueueIsFullInTheTrialToo) {
  Question question = SmallQuestion();
  question.fleet.agents = 1000;
  const Prediction prediction = Predict(question, {.backlog = 16});
  EXPECT_GT(prediction.result.queue_overflows, 0U);
  EXPECT_EQ(AsTrial(prediction).accept_overflows, prediction.result.queue_overflows);
}

TEST(TunePredict, OneAgentIsOneAgent) {
  Question question = SmallQuestion();
  question.fleet.agents = 1;
  EXPECT_THAT(PredictionHeading(question), testing::StartsWith("1 agent at once "));
  const std::string row = PredictionRow(Predict(question, {.backlog = 16}));
  EXPECT_THAT(row, testing::ContainsRegex(" [0-9.]+ ms "));
  EXPECT_THAT(row, testing::Not(HasSubstr("0.00 s")));
}

TEST(TunePredict, JsonHasItsKeys) {
  const Question question = SmallQuestion();
  const Prediction prediction = Predict(question, {.backlog = 200});
  const auto json = nlohmann::json::parse(PredictionsJson(question, "ecdsa", {prediction}));
  EXPECT_EQ(json.at("agents"), 200);
  EXPECT_EQ(json.at("handshake_cost_us"), 4000);
  EXPECT_EQ(json.at("handshake_measured"), "ecdsa");
  EXPECT_EQ(json.at("patience"), "1m");
  EXPECT_EQ(json.at("retry"), "immediate");
  std::set<std::string> keys;
  for (const auto& [key, value] : json.at("settings").at(0).items()) keys.insert(key);
  EXPECT_EQ(keys,
            (std::set<std::string>{"backlog", "drain_rate", "handshakes", "served",
                                   "time_to_50_percent_s", "time_to_99_percent_s", "time_to_all_s",
                                   "goodput_ratio", "wasted_handshakes", "attempts", "gave_up",
                                   "stale", "syn_retransmits", "queue_depth_max", "digest"}));
}

TEST(TuneHandshakeCost, EveryKeyButTheSlowestIsMeasured) {
  for (const KeyKind kind : {KeyKind::kEcdsaP256, KeyKind::kRsa2048}) {
    const absl::StatusOr<HandshakeCost> cost = MeasureHandshake(kind);
    ASSERT_TRUE(cost.ok()) << cost.status();
    EXPECT_GT(cost->finish, Duration());
    EXPECT_GT(cost->hello, cost->finish);  // The signature is in the first part.
    EXPECT_LT(cost->whole(), Duration::Seconds(1));
  }
}

}  // namespace
}  // namespace floodgate::tune
