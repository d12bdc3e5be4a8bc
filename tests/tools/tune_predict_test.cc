// floodgate-tune predict: what the simulation is asked, and what a handshake is measured to cost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "tools/tune/handshake_cost.h"
#include "tools/tune/predict.h"

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
