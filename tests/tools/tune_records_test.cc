// floodgate-tune: the files of a sweep.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/e2e/child_process.h"
#include "tools/tune/records.h"
#include "tools/tune/result_json.h"

namespace floodgate::tune {
namespace {

using e2e::ReadFile;
using e2e::TemporaryDirectory;
using e2e::WriteFile;
using testing::HasSubstr;
using testing::SizeIs;

Plan SmallPlan() {
  Plan plan;
  plan.fleet = {.agents = 50,
                .patience = {.kind = sim::AgentPatience::Kind::kMix,
                             .time = Duration::Milliseconds(500),
                             .other = Duration::Seconds(30)},
                .retry = RetryPolicy::kFullJitter};
  plan.cores = 2;
  plan.key = KeyKind::kRsa2048;
  plan.limit = Duration::Milliseconds(90'500);
  plan.backlogs = {16, 64};
  plan.drain_rates = {0, 500};
  plan.handshakes = {0};
  plan.runs = 3;
  plan.version = "0.1.0";
  plan.kernel = "6.1";
  plan.processor = "an \"engine\"";
  plan.started = "2026-01-02T03:04:05Z";
  plan.somaxconn = 4096;
  plan.host_cores = 4;
  return plan;
}

TrialResult FullResult() {
  TrialResult result;
  result.agents = 50;
  result.served = 49;
  result.half = Duration::Nanoseconds(123'456'789);
  result.most = Duration::Nanoseconds(1'000'000'001);
  result.attempts = 61;
  result.gave_up = 12;
  result.accept_overflows = 3;
  result.syn_retransmits = 4;
  result.stale = 5;
  result.wasted_handshakes = 6;
  result.queue_depth_max = 17;
  result.controller_tries = 20;
  result.controller_p50 = Duration::Nanoseconds(1'234'567);
  result.storm_cpu_share = 0.25;
  result.timeline = {{.at = Duration::Milliseconds(50), .queue_depth = 17, .served = 2},
                     {.at = Duration::Milliseconds(100), .queue_depth = 0, .served = 49}};
  return result;
}

// Everything that a result has is in its JSON.
void ExpectSame(const TrialResult& one, const TrialResult& other) {
  EXPECT_EQ(ToJson(one).dump(), ToJson(other).dump());
}

TEST(TuneRecords, WhatIsWrittenIsReadBack) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(AppendPlan(directory.path(), SmallPlan()).ok());
  const Setting setting{.backlog = 64, .drain_rate = 500, .handshakes = 16};
  ASSERT_TRUE(AppendTrial(directory.path(), {setting, 2, FullResult()}).ok());
  ASSERT_TRUE(AppendTrial(directory.path(), {setting, 3, TrialResult()}).ok());
  Comparison comparison;
  comparison.setting = setting;
  comparison.fleet = SmallPlan().fleet;
  comparison.key = KeyKind::kRsa4096;
  comparison.handshake_cost = Duration::Nanoseconds(4'000'250);
  comparison.measured = FullResult();
  ASSERT_TRUE(AppendComparison(directory.path(), comparison).ok());

  const absl::StatusOr<Records> records = ReadRecords(directory.path());
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_TRUE(records->plan.has_value());
  EXPECT_EQ(records->plan->fleet.agents, 50);
  EXPECT_EQ(records->plan->fleet.patience.kind, sim::AgentPatience::Kind::kMix);
  EXPECT_EQ(records->plan->fleet.patience.other, Duration::Seconds(30));
  EXPECT_EQ(records->plan->fleet.retry, RetryPolicy::kFullJitter);
  EXPECT_EQ(records->plan->cores, 2);
  EXPECT_EQ(records->plan->key, KeyKind::kRsa2048);
  EXPECT_EQ(records->plan->limit, Duration::Milliseconds(90'500));
  EXPECT_EQ(records->plan->backlogs, (std::vector<int>{16, 64}));
  EXPECT_EQ(records->plan->drain_rates, (std::vector<int>{0, 500}));
  EXPECT_EQ(records->plan->handshakes, (std::vector<int>{0}));
  EXPECT_EQ(records->plan->runs, 3);
  EXPECT_EQ(records->plan->processor, "an \"engine\"");
  EXPECT_EQ(records->plan->started, "2026-01-02T03:04:05Z");
  EXPECT_EQ(records->plan->somaxconn, 4096);
  EXPECT_EQ(records->plan->host_cores, 4);
  ASSERT_THAT(records->trials, SizeIs(2));
  EXPECT_EQ(records->trials[0].setting, setting);
  EXPECT_EQ(records->trials[0].run, 2);
  EXPECT_EQ(records->trials[0].result.half, FullResult().half);
  EXPECT_EQ(records->trials[0].result.most, FullResult().most);
  EXPECT_EQ(records->trials[0].result.all, std::nullopt);
  EXPECT_EQ(records->trials[0].result.controller_p50, FullResult().controller_p50);
  ExpectSame(records->trials[0].result, FullResult());
  ExpectSame(records->trials[1].result, TrialResult());
  ASSERT_THAT(records->comparisons, SizeIs(1));
  EXPECT_EQ(records->comparisons[0].setting, setting);
  EXPECT_EQ(records->comparisons[0].key, KeyKind::kRsa4096);
  EXPECT_EQ(records->comparisons[0].handshake_cost, comparison.handshake_cost);
  EXPECT_EQ(records->comparisons[0].fleet.agents, 50);
  ExpectSame(records->comparisons[0].measured, FullResult());
  // A prediction has no value there, which is not zero.
  EXPECT_EQ(records->comparisons[0].predicted.storm_cpu_share, std::nullopt);
  EXPECT_EQ(records->comparisons[0].predicted.controller_tries, std::nullopt);
  EXPECT_THAT(ReadFile(directory.File("comparisons.jsonl")), HasSubstr("\"storm_cpu_share\":null"));
}

TEST(TuneRecords, ADirectoryWithoutThemIsEmpty) {
  const TemporaryDirectory directory;
  for (const std::string& path : {directory.path(), directory.File("none")}) {
    const absl::StatusOr<Records> records = ReadRecords(path);
    ASSERT_TRUE(records.ok()) << records.status();
    EXPECT_FALSE(records->plan.has_value());
    EXPECT_THAT(records->trials, SizeIs(0));
    EXPECT_THAT(records->comparisons, SizeIs(0));
  }
}

TEST(TuneRecords, ADirectoryInPlaceOfAFileIsAnError) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory.File("trials.jsonl"));
  const absl::StatusOr<Records> records = ReadRecords(directory.path());
  EXPECT_TRUE(absl::IsInvalidArgument(records.status())) << records.status();
  EXPECT_THAT(std::string(records.status().message()), HasSubstr("trials.jsonl is no file"));
}

TEST(TuneRecords, NothingIsWrittenWithoutADirectory) {
  const TemporaryDirectory directory;
  const absl::Status status = AppendPlan(directory.File("none"), SmallPlan());
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("none/trials.jsonl cannot be written"));
}

TEST(TuneRecords, ALineThatWasCutOffIsIgnoredAndWrittenAgain) {
  const TemporaryDirectory directory;
  const std::string path = directory.File("trials.jsonl");
  ASSERT_TRUE(AppendPlan(directory.path(), SmallPlan()).ok());
  ASSERT_TRUE(AppendTrial(directory.path(), {Setting(), 1, FullResult()}).ok());
  const std::string whole = ReadFile(path);
  WriteFile(path, whole.substr(0, whole.size() - 20));
  absl::StatusOr<Records> records = ReadRecords(directory.path());
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_TRUE(records->plan.has_value());
  EXPECT_THAT(records->trials, SizeIs(0));
  ASSERT_TRUE(AppendTrial(directory.path(), {Setting(), 1, FullResult()}).ok());
  EXPECT_EQ(ReadFile(path), whole);
  // Even if nothing but its beginning is there.
  WriteFile(path, "{\"pl");
  records = ReadRecords(directory.path());
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_FALSE(records->plan.has_value());
  ASSERT_TRUE(AppendPlan(directory.path(), SmallPlan()).ok());
  EXPECT_EQ(ReadFile(path), whole.substr(0, whole.find('\n') + 1));
}

TEST(TuneRecords, AWrongLineIsToldWithFileAndNumber) {
  const TemporaryDirectory directory;
  const std::string path = directory.File("trials.jsonl");
  ASSERT_TRUE(AppendPlan(directory.path(), SmallPlan()).ok());
  const std::string plan = ReadFile(path);
  ASSERT_TRUE(AppendTrial(directory.path(), {Setting(), 1, FullResult()}).ok());
  const std::string trial = ReadFile(path).substr(plan.size());
  const auto replaced = [&trial](const std::string& what, const std::string& with) {
    std::string line = trial;
    line.replace(line.find(what), what.size(), with);
    return line;
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"nothing\n", ":1: the line is no JSON"},
      {trial, ":1: the line must be {\"plan\": {...}}"},
      {"{\"plan\": 5}\n", ":1: \"agents\" must be there"},
      {plan + plan, ":2: the line must be {\"trial\": {...}}"},
      {plan + trial + "[]\n", ":3: the line must be {\"trial\": {...}}"},
      {plan + replaced("\"run\":1", "\"run\":0"), ":2: \"run\" must be a whole number from 1 to"},
      {plan + replaced("\"stale\":5", "\"stale\":-5"), ":2: \"stale\" must be a whole number"},
      {plan + replaced("\"stale\":5", "\"stale\":1e3"), ":2: \"stale\" must be a whole number"},
      {plan + replaced("\"time_to_all_s\":null", "\"time_to_all_s\":-1"),
       ":2: \"time_to_all_s\" must be a time that is not negative"},
      {plan + replaced("[0.05,", "[0.5,"), ":2: \"timeline\" must be an array"},
  };
  for (const auto& [text, message] : cases) {
    WriteFile(path, text);
    const absl::StatusOr<Records> records = ReadRecords(directory.path());
    EXPECT_EQ(records.status().code(), absl::StatusCode::kInvalidArgument) << message;
    EXPECT_THAT(std::string(records.status().message()), HasSubstr(absl::StrCat(path, message)));
  }
}

}  // namespace
}  // namespace floodgate::tune
