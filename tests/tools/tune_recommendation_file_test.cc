// floodgate-tune: recommendation.json, as it is written and as the report reads it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/child_process.h"
#include "tools/tune/recommend.h"
#include "tools/tune/recommend_report.h"
#include "tools/tune/recommendation_file.h"

namespace floodgate::tune {
namespace {

using e2e::TemporaryDirectory;
using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A hundred patient agents; 4 ms a handshake, so 0.4 s of work on a core.
Wanted SmallWanted(Duration recovery) {
  Wanted wanted;
  wanted.fleet.agents = 100;
  wanted.fleet.patience.time = Duration::Seconds(60);
  wanted.cost.handshake = PartsOf(Duration::Milliseconds(4));
  wanted.key = KeyKind::kRsa4096;
  wanted.recovery = recovery;
  wanted.parked = Duration::Seconds(1);
  return wanted;
}

absl::StatusOr<std::optional<KeptRecommendation>> ReadBack(const std::string& text) {
  const TemporaryDirectory directory;
  e2e::WriteFile(directory.File(kRecommendationFile), text);
  return ReadRecommendation(directory.path());
}

TEST(TuneRecommendationFile, WhatIsWrittenIsReadBack) {
  const Wanted wanted = SmallWanted(Duration::Seconds(2));
  const Recommendation recommendation = Recommend(wanted);
  ASSERT_TRUE(recommendation.met);
  Tried tried{.fleet = wanted.fleet, .fewer = "the host is small", .result = {}};
  tried.result.agents = 90;
  tried.result.served = 89;
  tried.result.storm_cpu_share = 0.5;
  tried.storm_was_limit = true;
  const auto kept = ReadBack(RecommendationJson(wanted, recommendation, &tried));
  ASSERT_TRUE(kept.ok()) << kept.status();
  ASSERT_TRUE(kept->has_value());
  const KeptRecommendation& read = **kept;
  EXPECT_TRUE(read.met);
  EXPECT_EQ(read.fleet.agents, 100);
  EXPECT_EQ(read.cores, 1);
  EXPECT_EQ(read.cost, wanted.cost.whole());
  EXPECT_EQ(read.key, KeyKind::kRsa4096);
  EXPECT_EQ(read.recovery, Duration::Seconds(2));
  EXPECT_EQ(read.parked, Duration::Seconds(1));
  EXPECT_EQ(read.setting, recommendation.best.setting);
  ASSERT_EQ(read.settings.size(), recommendation.settings.size());
  EXPECT_EQ(read.settings[0].line, recommendation.settings[0].change.Line());
  EXPECT_EQ(read.settings[0].why, recommendation.settings[0].why);
  ASSERT_EQ(read.simulated.size(), recommendation.tried.size());
  for (size_t i = 0; i < read.simulated.size(); ++i) {
    const Judged& judged = recommendation.tried[i];
    const KeptRecommendation::Simulated& simulated = read.simulated[i];
    EXPECT_EQ(simulated.backlog, judged.setting.backlog);
    EXPECT_EQ(simulated.does_it, judged.does_it);
    EXPECT_EQ(simulated.together.all, judged.together.result.all);
    EXPECT_EQ(simulated.parked.accept_overflows, judged.parked.result.queue_overflows);
    const bool best = judged.setting == recommendation.best.setting;
    EXPECT_EQ(simulated.together.timeline.size(),
              best ? judged.together.result.timeline.size() : 0U);
    EXPECT_EQ(simulated.parked.timeline.empty(), !best);
  }
  EXPECT_THAT(read.why_not, IsEmpty());
  ASSERT_TRUE(read.tried.has_value());
  EXPECT_EQ(read.tried->fewer, "the host is small");
  EXPECT_EQ(read.tried->result.served, 89U);
  EXPECT_TRUE(read.tried->storm_was_limit);
  EXPECT_FALSE(read.tried->all_in_time);
}

TEST(TuneRecommendationFile, SoIsWhatCannotBeDone) {
  const Wanted wanted = SmallWanted(Duration::Milliseconds(100));
  const Recommendation recommendation = Recommend(wanted);
  ASSERT_FALSE(recommendation.met);
  const auto kept = ReadBack(RecommendationJson(wanted, recommendation, nullptr));
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_FALSE((*kept)->met);
  EXPECT_EQ((*kept)->why_not, recommendation.bottleneck->why);
  EXPECT_EQ((*kept)->remedies, recommendation.bottleneck->remedies);
  EXPECT_THAT((*kept)->settings, IsEmpty());
  EXPECT_FALSE((*kept)->tried.has_value());
}

TEST(TuneRecommendationFile, ADirectoryWithoutItHasNone) {
  const TemporaryDirectory directory;
  for (const std::string& path : {directory.path(), directory.File("none")}) {
    const auto kept = ReadRecommendation(path);
    ASSERT_TRUE(kept.ok()) << kept.status();
    EXPECT_FALSE(kept->has_value());
  }
  std::filesystem::create_directory(directory.File(kRecommendationFile));
  EXPECT_THAT(std::string(ReadRecommendation(directory.path()).status().message()),
              HasSubstr("recommendation.json is no file"));
}

TEST(TuneRecommendationFile, WhatIsWrongIsToldWithItsPlace) {
  const Wanted wanted = SmallWanted(Duration::Seconds(2));
  const json good = json::parse(RecommendationJson(wanted, Recommend(wanted), nullptr));
  const auto with = [&good](const std::string& where, json value) {
    json changed = good;
    changed[json::json_pointer(where)] = std::move(value);
    return changed.dump();
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "it is no JSON"},
      {good.dump().substr(0, 200), "it is no JSON"},
      {"5", "it must be an object"},
      {"{}", "\"agents\" must be there"},
      {with("/met", "yes"), "\"met\" must be true or false"},
      {with("/patience", "soon"), "\"patience\" must be such as 3s"},
      {with("/handshake_measured", "dsa"), "\"handshake_measured\" must be ecdsa"},
      {with("/backlog", 0), "\"backlog\" must be a whole number from 1 to"},
      {with("/recovery_s", -1), "\"recovery_s\" must be a time"},
      {with("/settings", json::object()), "\"settings\" must be an array"},
      {with("/settings", json::array()), "\"settings\" must be there, since \"met\" is true"},
      {with("/met", false), "\"bottleneck\" must be there, since \"met\" is false"},
      {with("/settings/1/why", nullptr), "in \"settings\"[1]: \"why\" must be a text"},
      {with("/simulated/0/parked/served", -1),
       "in \"simulated\"[0]: in \"parked\": \"served\" must be a whole number"},
      {with("/simulated/0/together/timeline", "long"),
       "in \"simulated\"[0]: in \"together\": \"timeline\" must be an array"},
      {with("/tried", json::object()), "in \"tried\": \"fleet\" must be there"},
  };
  for (const auto& [text, message] : cases) {
    const auto kept = ReadBack(text);
    EXPECT_EQ(kept.status().code(), absl::StatusCode::kInvalidArgument) << message;
    EXPECT_THAT(std::string(kept.status().message()), HasSubstr("/recommendation.json: "));
    EXPECT_THAT(std::string(kept.status().message()), HasSubstr(message));
  }
  // Files of an earlier version have no timelines.
  json old = good;
  for (json& simulated : old.at("simulated")) {
    simulated.at("together").erase("timeline");
    simulated.at("parked").erase("timeline");
  }
  const auto kept = ReadBack(old.dump());
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_THAT((*kept)->simulated, Not(IsEmpty()));
}

}  // namespace
}  // namespace floodgate::tune
