// floodgate-tune recommend and predict --validate as processes, with small storms of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/e2e/child_process.h"

namespace floodgate::tools {
namespace {

using e2e::Finished;
using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

// It measures for seconds, and on a busy machine for longer than other programs may take.
constexpr std::chrono::minutes kTunePatience{2};

e2e::ChildProcess Start(const std::string& words, const e2e::TemporaryDirectory& directory) {
  std::vector<std::string> arguments = {TUNE_PATH};
  for (const absl::string_view word : absl::StrSplit(words, ' ', absl::SkipEmpty())) {
    arguments.emplace_back(word);
  }
  return e2e::ChildProcess({.arguments = arguments,
                            .output_path = directory.File("output"),
                            .errors_path = directory.File("errors"),
                            .descriptors_max = std::nullopt});
}

Finished Tune(const std::string& words) {
  const e2e::TemporaryDirectory directory;
  e2e::ChildProcess child = Start(words, directory);
  const std::optional<int> status = child.Wait(kTunePatience);
  EXPECT_TRUE(status.has_value()) << words << ": did not end in time";
  return {.exit_code = status.has_value() ? WEXITSTATUS(*status) : -1,
          .output = e2e::ReadFile(directory.File("output")),
          .errors = e2e::ReadFile(directory.File("errors"))};
}

const std::string kPrograms =
    absl::StrCat(" --floodgated ", FLOODGATED_PATH, " --storm ", STORM_PATH);

TEST(TuneRecommendProcess, WhatItWritesIsAConfigurationThatFloodgatedTakes) {
  const e2e::TemporaryDirectory directory;
  const std::string out = directory.File("new/settings");
  const Finished run =
      Tune(absl::StrCat("recommend --agents 700 --cores 1 --patience 30s --recovery 5s --parked 1s "
                        "--handshake-cost 4ms --out ",
                        out));
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  EXPECT_THAT(run.output, StartsWith("700 agents, patience 30s, retry immediate; 1 core, "));
  EXPECT_THAT(run.output, HasSubstr("\n[agent] backlog = "));
  EXPECT_THAT(run.output, HasSubstr("\nsysctl -w net.core.somaxconn=4096\n"));
  const std::string file = directory.File("floodgate.toml");
  e2e::WriteFile(file, absl::StrCat(e2e::ReadFile(out + "/floodgate.toml"),
                                    "\n[backend]\naddress = \"127.0.0.1:17072\"\n"));
  const Finished check = e2e::RunToEnd({FLOODGATED_PATH, "--config", file, "--check"});
  EXPECT_EQ(check.exit_code, 0) << check.errors << e2e::ReadFile(file);
  EXPECT_THAT(e2e::ReadFile(out + "/90-floodgate.conf"),
              HasSubstr("\nnet.core.somaxconn = 4096\n"));
  const json document = json::parse(e2e::ReadFile(out + "/recommendation.json"));
  EXPECT_EQ(document.at("met"), true);
  const Finished printed = e2e::RunToEnd({FLOODGATED_PATH, "--config", file, "--print-config"});
  EXPECT_THAT(printed.output,
              HasSubstr(absl::StrCat("backlog = ", document.at("backlog").get<int>())));
}

TEST(TuneRecommendProcess, WhatCannotBeDoneIsToldAndNoSettingIsWritten) {
  const e2e::TemporaryDirectory directory;
  e2e::WriteFile(directory.File("floodgate.toml"), "of an earlier question");
  const Finished run =
      Tune(absl::StrCat("recommend --agents 700 --cores 1 --patience 30s --recovery 1s --parked 1s "
                        "--handshake-cost 4ms --json --out ",
                        directory.path()));
  EXPECT_EQ(run.exit_code, 1);
  const json document = json::parse(run.output);
  EXPECT_EQ(document.at("met"), false);
  EXPECT_THAT(document.at("bottleneck").at("why"), HasSubstr("The CPU is the bound."));
  EXPECT_FALSE(document.at("bottleneck").at("remedies").empty());
  EXPECT_EQ(e2e::ReadFile(directory.File("floodgate.toml")), "");
  EXPECT_EQ(json::parse(e2e::ReadFile(directory.File("recommendation.json"))), document);
}

TEST(TuneRecommendProcess, ARecommendationIsTriedWithARealStorm) {
  const Finished run = Tune(absl::StrCat(
      "recommend --agents 80 --cores 1 --patience 60s --recovery 60s --parked 1s --try --json",
      kPrograms));
  const json document = json::parse(run.output, nullptr, /*allow_exceptions=*/false);
  if (run.errors.find("a core of its own") != std::string::npos ||
      run.errors.find("one of its own") != std::string::npos) {
    EXPECT_EQ(run.exit_code, 1);  // This host has a single core, and it says so.
    return;
  }
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  const json& tried = document.at("tried");
  EXPECT_EQ(tried.at("all_in_time"), true);
  EXPECT_EQ(tried.at("result").at("served"), 80);
  EXPECT_GT(document.at("other_cost_us"), 0);
}

TEST(TuneRecommendProcess, ATrialThatCannotBeMadeLosesNoRecommendation) {
  const e2e::TemporaryDirectory directory;
  const std::string out = directory.File("settings");
  const Finished run = Tune(absl::StrCat(
      "recommend --agents 100 --cores 1 --patience 60s --recovery 60s --try ", "--floodgated ",
      directory.File("absent"), " --storm ", STORM_PATH, " --out ", out));
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.output, HasSubstr("\n[agent] backlog = "));
  EXPECT_THAT(run.errors, StartsWith("floodgate-tune: "));
  const json document = json::parse(e2e::ReadFile(out + "/recommendation.json"));
  EXPECT_EQ(document.at("met"), true);
  EXPECT_TRUE(document.at("tried").is_null());
  EXPECT_TRUE(std::filesystem::exists(out + "/floodgate.toml"));
}

TEST(TuneValidateProcess, EachSettingIsPredictedAndMeasuredAndKept) {
  const e2e::TemporaryDirectory directory;
  const Finished run = Tune(absl::StrCat(
      "predict --agents 60 --cores 1 --patience 60s --handshake-cost measure --backlog 32,64 "
      "--validate --json --out ",
      directory.path(), kPrograms));
  if (run.errors.find("one of its own") != std::string::npos) {
    EXPECT_EQ(run.exit_code, 1);
    return;
  }
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  const json document = json::parse(run.output);
  ASSERT_EQ(document.at("comparisons").size(), 2U);
  for (const json& comparison : document.at("comparisons")) {
    EXPECT_EQ(comparison.at("measured").at("served"), 60);
    EXPECT_EQ(comparison.at("predicted").at("served"), 60);
    EXPECT_FALSE(comparison.at("predicted").at("timeline").empty());
  }
  const std::string kept = e2e::ReadFile(directory.File("comparisons.jsonl"));
  EXPECT_EQ(std::count(kept.begin(), kept.end(), '\n'), 2);
}

TEST(TuneValidateProcess, MoreCoresThanTheHostHasAreNotCompared) {
  const Finished run = Tune(absl::StrCat(
      "predict --agents 20 --cores 64 --patience 60s --handshake-cost measure --validate",
      kPrograms));
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.output, HasSubstr("20/     20"));
  EXPECT_THAT(run.errors, HasSubstr("nothing is compared"));
}

TEST(TuneInterrupted, WhatMeasuresEndsItsProgramsAndHasTheExitStatusOfShells) {
  const e2e::TemporaryDirectory directory;
  // It never tells its ports, so that it is still waited for when the signal comes.
  const std::string program = directory.File("floodgated");
  e2e::WriteFile(program, "#!/bin/sh\nexec tail -f /dev/null\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const std::string question = "--agents 50 --cores 1 --patience 10s --handshake-cost measure";
  for (const std::string& command :
       {"predict " + question, "recommend --recovery 9s " + question}) {
    for (const int signal : {SIGINT, SIGTERM}) {
      const e2e::TemporaryDirectory said;
      e2e::ChildProcess child =
          Start(absl::StrCat(command, " --storm ", STORM_PATH, " --floodgated ", program), said);
      ASSERT_TRUE(e2e::Eventually([&] { return !e2e::ChildrenOf(child.pid()).empty(); }))
          << e2e::ReadFile(said.File("errors"));
      child.Signal(signal);
      const std::optional<int> status = child.Wait();
      ASSERT_TRUE(status.has_value()) << command << ": did not end in time";
      ASSERT_TRUE(WIFEXITED(*status)) << command;
      EXPECT_EQ(WEXITSTATUS(*status), 128 + signal) << command;
      EXPECT_EQ(e2e::ReadFile(said.File("errors")), "floodgate-tune: interrupted\n");
      EXPECT_EQ(e2e::ReadFile(said.File("output")), "");
    }
  }
}

// It once waited for the end of the simulation, and then went on.
TEST(TuneInterrupted, WhatSimulatesEndsAtOnce) {
  std::string backlogs = "1000";
  for (int backlog = 1001; backlog < 1050; ++backlog) absl::StrAppend(&backlogs, ",", backlog);
  const e2e::TemporaryDirectory said;
  e2e::ChildProcess child = Start(
      absl::StrCat("predict --agents 100000 --cores 1 --patience 60s --handshake-cost measure "
                   "--floodgated /bin/false --backlog ",
                   backlogs),
      said);
  ASSERT_TRUE(e2e::Eventually([&] {
    return absl::StrContains(e2e::ReadFile(said.File("output")), "100,000 agents at once");
  })) << e2e::ReadFile(said.File("errors"));
  child.Signal(SIGINT);
  const std::optional<int> status = child.Wait();
  ASSERT_TRUE(status.has_value()) << "did not end in time";
  EXPECT_TRUE(WIFSIGNALED(*status) && WTERMSIG(*status) == SIGINT) << *status;
}

TEST(TuneOut, ADirectoryThatCannotBeMadeIsToldBeforeAnythingIsMeasuredOrSimulated) {
  const std::string question =
      " --agents 50 --cores 1 --patience 10s --handshake-cost measure --out /proc/nothing";
  for (const char* command : {"recommend --recovery 9s", "predict --validate"}) {
    const Finished run = Tune(absl::StrCat(command, question, kPrograms));
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_EQ(run.output, "");
    EXPECT_THAT(run.errors, StartsWith("floodgate-tune: --out: /proc/nothing cannot be made: "));
  }
}

TEST(TuneRecommendUsage, MistakesAreToldWithTheirRemedy) {
  const std::string question = "recommend --agents 50 --cores 1 --patience 10s";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {question, "--recovery is required"},
      {question + " --recovery soon", "\"soon\" is no duration of 1us to 24h; write whole numbers"},
      {question + " --recovery 9s --parked 1h1us", "no duration of 1us to 1h"},
      {question + " --recovery 9s --handshake-cost 4ms --try", "takes --handshake-cost measure"},
      {"predict --agents 5 --cores 1 --patience 9s --handshake-cost 4ms --validate",
       "takes --handshake-cost measure"},
      {"predict --agents 5 --cores 1 --patience 9s --handshake-cost measure --out /tmp",
       "give both"},
  };
  for (const auto& [words, message] : cases) {
    const Finished run = Tune(words);
    EXPECT_EQ(run.exit_code, 2) << message;
    EXPECT_THAT(run.errors, HasSubstr(message));
  }
}

}  // namespace
}  // namespace floodgate::tools
