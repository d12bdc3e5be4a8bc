#include "tools/sim/command_line.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/child_process.h"
#include "tools/sim/choices.h"
#include "tools/sim/report.h"

namespace floodgate::sim {
namespace {

std::optional<Command> Read(std::vector<std::string> arguments, int* exit_code) {
  arguments.insert(arguments.begin(), "floodgate-sim");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  return ReadCommandLine(static_cast<int>(argv.size()), argv.data(), exit_code);
}

TEST(SimCommandLineTest, HelpAndVersionEndWellAndMistakesWithTwo) {
  int exit_code = -1;
  testing::internal::CaptureStdout();
  EXPECT_FALSE(Read({"--help"}, &exit_code).has_value());
  EXPECT_EQ(exit_code, 0);
  EXPECT_FALSE(Read({"--version"}, &exit_code).has_value());
  EXPECT_EQ(exit_code, 0);
  const std::string shown = testing::internal::GetCapturedStdout();
  for (const char* experiment : {"overload", "recovery", "parked", "fleet"}) {
    EXPECT_NE(shown.find(experiment), std::string::npos) << experiment;
  }
  testing::internal::CaptureStderr();
  const std::vector<std::vector<std::string>> mistakes = {
      {},
      {"storm"},
      {"overload", "--load", "0"},
      {"overload", "--patience", "1"},
      {"overload", "--retry", "sometimes"},
      {"overload", "--window", "0s"},
      {"overload", "--set", "limits.waiting=none"},
      {"overload", "--retry-base", "2s", "--retry-cap", "1s"},
      {"fleet", "--hold", "drop"},
      {"fleet", "--agents", "1000001"},
      {"overload", "--seed", "-1"},
      {"overload", "--seed=18446744073709551616"},
      {"check", "--seed=-1"},
      {"check", "--first=-1"}};
  for (const std::vector<std::string>& mistake : mistakes) {
    exit_code = -1;
    EXPECT_FALSE(Read(mistake, &exit_code).has_value());
    EXPECT_EQ(exit_code, 2) << (mistake.empty() ? "nothing" : mistake.back());
  }
  const std::string errors = testing::internal::GetCapturedStderr();
  EXPECT_NE(errors.find("--help"), std::string::npos);
  EXPECT_EQ(errors.find("--set: --set"), std::string::npos) << "said twice: " << errors;
}

TEST(SimCommandLineTest, ResultsThatCannotBeWrittenAreAFailure) {
  // By the shell, which knows how to redirect.
  const e2e::Finished run = e2e::RunToEnd({"sh", "-c", SIM_PATH " check --seeds 1 > /dev/full"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_NE(run.errors.find("cannot write to standard output"), std::string::npos) << run.errors;
}

TEST(SimCommandLineTest, EachExperimentHasDefaultsOfItsOwn) {
  int exit_code = -1;
  const std::optional<Command> overload = Read({"overload"}, &exit_code);
  ASSERT_TRUE(overload.has_value());
  EXPECT_EQ(overload->loads_pct, (std::vector<uint32_t>{50, 100, 130, 250, 500, 1000, 2000}));
  EXPECT_EQ(overload->patiences.size(), 3u);
  EXPECT_EQ(overload->retries.size(), 3u);
  const std::optional<Command> parked = Read({"parked"}, &exit_code);
  ASSERT_TRUE(parked.has_value());
  ASSERT_EQ(parked->patiences.size(), 1u);
  EXPECT_EQ(parked->patiences.front().time, Duration::Seconds(90));
  const std::optional<Command> fleet = Read({"fleet"}, &exit_code);
  ASSERT_TRUE(fleet.has_value());
  EXPECT_EQ(fleet->retries, (std::vector<RetryPolicy>{RetryPolicy::kImmediate}));
  EXPECT_EQ(fleet->holds, (std::vector<Hold>{Hold::kPark, Hold::kRefuse}));
}

TEST(SimCommandLineTest, WhatIsGivenIsTaken) {
  int exit_code = -1;
  const std::optional<Command> command = Read({"overload",
                                               "--seed",
                                               "7",
                                               "--json",
                                               "--load",
                                               "1.5,3x",
                                               "--patience",
                                               "exp:2s,1s/20s",
                                               "--retry",
                                               "fixed",
                                               "--handshake",
                                               "250us",
                                               "--cores",
                                               "2",
                                               "--set",
                                               "runtime.workers=2",
                                               "--set",
                                               "agent.backlog=100",
                                               "--backend-cost",
                                               "1ms"},
                                              &exit_code);
  ASSERT_TRUE(command.has_value());
  EXPECT_TRUE(command->json);
  EXPECT_EQ(command->scenario.seed, 7u);
  EXPECT_EQ(command->loads_pct, (std::vector<uint32_t>{150, 300}));
  EXPECT_EQ(command->scenario.daemon.tls.hello, Duration::Microseconds(250));
  EXPECT_EQ(command->scenario.daemon.options.runtime.workers, 2);
  EXPECT_EQ(command->scenario.daemon.options.agent.backlog, 100);
  EXPECT_EQ(command->scenario.processor.cores, 2);
  EXPECT_TRUE(command->scenario.share_core);
  ASSERT_EQ(command->patiences.size(), 2u);
  EXPECT_EQ(command->patiences[1].other, Duration::Seconds(20));
}

TEST(SimChoicesTest, PatiencesAreReadBackAsTheyAreWritten) {
  for (const char* text : {"1s", "exp:1m30s", "500ms/30s"}) {
    const auto patience = ParsePatience(text);
    ASSERT_TRUE(patience.has_value()) << text;
    EXPECT_EQ(PatienceText(*patience), text);
  }
  for (const char* text : {"", "0s", "exp:", "exp:0s", "1s/", "1s/2s/3s", "-1s"}) {
    EXPECT_FALSE(ParsePatience(text).has_value()) << text;
  }
}

TEST(SimReportTest, TheJsonHasEveryRunOfEachExperiment) {
  const ServerCapacity capacity{.served = 4000, .window = Duration::Seconds(20)};
  OverloadResult overload;
  overload.load_pct = 130;
  overload.possible = 4000;
  overload.served = 3000;
  const auto overloads = nlohmann::json::parse(OverloadJson(capacity, {overload, overload}));
  EXPECT_EQ(overloads["capacity_per_second"], 200.0);
  ASSERT_EQ(overloads["runs"].size(), 2u);
  EXPECT_EQ(overloads["runs"][0]["goodput"], 0.75);
  sim::Run<RecoveryResult> recovery;
  recovery.result.buckets.resize(3);
  const auto recoveries = nlohmann::json::parse(RecoveryJson({recovery}));
  EXPECT_EQ(recoveries["runs"][0]["buckets"].size(), 3u);
  EXPECT_TRUE(recoveries["runs"][0]["recovered_after_ms"].is_null());
  EXPECT_EQ(nlohmann::json::parse(ParkedJson({sim::Run<ParkedResult>{}}))["runs"].size(), 1u);
  EXPECT_EQ(nlohmann::json::parse(ColdStartJson({}))["runs"].size(), 0u);
}

}  // namespace
}  // namespace floodgate::sim
