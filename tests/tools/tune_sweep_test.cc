// floodgate-tune sweep as a process: real storms, small ones, against floodgated processes that it
// starts itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/fd.h"
#include "tests/e2e/child_process.h"

namespace floodgate::tools {
namespace {

using e2e::ChildProcess;
using e2e::ChildrenOf;
using e2e::Finished;
using e2e::ReadFile;
using e2e::TemporaryDirectory;
using nlohmann::json;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

// Two settings, one run; agents that wait as long as a loaded machine needs.
std::vector<std::string> Sweep(const std::string& out, const std::vector<std::string>& further = {},
                               const std::string& backlogs = "8,64") {
  std::vector<std::string> command = {
      TUNE_PATH, "sweep", "--agents", "50",       "--backlog",    backlogs,
      "--cores", "1",     "--limit",  "40s",      "--patience",   "20s",
      "--out",   out,     "--storm",  STORM_PATH, "--floodgated", FLOODGATED_PATH};
  command.insert(command.end(), further.begin(), further.end());
  return command;
}

// A sweep may take longer than other programs that tests run.
constexpr std::chrono::milliseconds kSweepPatience{100'000};

Finished RunSweep(const std::vector<std::string>& command,
                  std::optional<uint64_t> descriptors_max = std::nullopt) {
  const TemporaryDirectory directory;
  ChildProcess sweep({.arguments = command,
                      .output_path = directory.File("output"),
                      .errors_path = directory.File("errors"),
                      .descriptors_max = descriptors_max});
  const std::optional<int> status = sweep.Wait(kSweepPatience);
  e2e::Require(status.has_value(), "the sweep did not end in time");
  return {.exit_code = WIFEXITED(*status) ? WEXITSTATUS(*status) : 128 + WTERMSIG(*status),
          .output = ReadFile(directory.File("output")),
          .errors = ReadFile(directory.File("errors"))};
}

std::vector<json> Lines(const std::string& path) {
  std::vector<json> lines;
  const std::string text = ReadFile(path);
  size_t begin = 0;
  for (size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(json::parse(text.substr(begin, end - begin)));
  }
  return lines;
}

void ExpectWhole(const json& trial) {
  EXPECT_EQ(trial.at("agents"), 50);
  EXPECT_EQ(trial.at("served"), 50);
  const double half = trial.at("time_to_50_percent_s");
  const double most = trial.at("time_to_99_percent_s");
  const double all = trial.at("time_to_all_s");
  EXPECT_GT(half, 0);
  EXPECT_LE(half, most);
  EXPECT_LE(most, all);
  EXPECT_GE(trial.at("attempts"), 50);
  const json& timeline = trial.at("timeline");
  ASSERT_FALSE(timeline.empty());
  EXPECT_EQ(timeline.back().at(2), 50);
  EXPECT_GE(timeline.back().at(0), all);
}

// What is left of its temporary files.
bool IsEmpty(const TemporaryDirectory& directory) {
  return std::filesystem::is_empty(directory.path());
}

// Its temporary files go there instead of where everybody's are.
class TuneSweepProcess : public testing::Test {
 protected:
  TuneSweepProcess() { ::setenv("TMPDIR", temporary_.path().c_str(), 1); }
  ~TuneSweepProcess() override { ::unsetenv("TMPDIR"); }

  TemporaryDirectory directory_;
  TemporaryDirectory temporary_;
};

TEST_F(TuneSweepProcess, EachSettingIsTriedAndASecondTimeNothingIsLeftToDo) {
  const std::string out = directory_.File("made/by/it");
  const Finished run = RunSweep(Sweep(out));
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  EXPECT_THAT(run.output, StartsWith("50 agents at once when the gate opens, patience 20s, "));
  EXPECT_THAT(run.errors, HasSubstr("trial 1 of 2: run 1 of backlog 8, drain rate 0, "));
  EXPECT_THAT(run.errors, HasSubstr("trial 2 of 2: run 1 of backlog 64, drain rate 0, "));
  const std::vector<json> lines = Lines(out + "/trials.jsonl");
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines[0].at("plan").at("backlogs"), json({8, 64}));
  EXPECT_EQ(lines[1].at("trial").at("backlog"), 8);
  EXPECT_EQ(lines[2].at("trial").at("backlog"), 64);
  ExpectWhole(lines[1].at("trial"));
  ExpectWhole(lines[2].at("trial"));
  // One more than its limit at the most.
  EXPECT_LE(lines[1].at("trial").at("queue_depth_max"), 9);
  EXPECT_TRUE(IsEmpty(temporary_));

  const Finished again = RunSweep(Sweep(out, {"--json"}));
  EXPECT_EQ(again.exit_code, 0) << again.errors;
  EXPECT_EQ(again.errors, "");
  const json document = json::parse(again.output);
  EXPECT_EQ(document.at("trials_missing"), 0);
  ASSERT_THAT(document.at("settings"), SizeIs(2));
  EXPECT_EQ(document.at("settings").at(0).at("time_to_all_s"),
            lines[1].at("trial").at("time_to_all_s"));
  EXPECT_THAT(Lines(out + "/trials.jsonl"), SizeIs(3));

  const Finished other = RunSweep(Sweep(out, {"--handshakes", "4"}));
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_EQ(other.output, "");
  EXPECT_THAT(other.errors, HasSubstr("--handshakes is 0 there and 4 here"));
}

TEST_F(TuneSweepProcess, CtrlCEndsItWithWhatThereIsAndTheNextGoesOn) {
  const std::string out = directory_.File("out");
  const std::string errors = directory_.File("errors");
  // The first is short. The second drains five agents a second: it is there to be broken off.
  const std::vector<std::string> command = Sweep(out, {"--drain-rate", "0,5", "--json"}, "64");
  {
    ChildProcess sweep({.arguments = command,
                        .output_path = directory_.File("output"),
                        .errors_path = errors,
                        .descriptors_max = std::nullopt});
    ASSERT_TRUE(e2e::Eventually([&] {
      return absl::StrContains(ReadFile(errors), "trial 1 of 2") &&
             !ChildrenOf(sweep.pid()).empty();
    })) << ReadFile(errors);
    sweep.Signal(SIGINT);
    const std::optional<int> status = sweep.Wait();
    ASSERT_TRUE(status.has_value()) << "it did not end in time";
    EXPECT_EQ(WEXITSTATUS(*status), 130) << ReadFile(errors);
  }
  EXPECT_THAT(ReadFile(errors), HasSubstr("interrupted; 1 of 2 trials is in "));
  const json document = json::parse(ReadFile(directory_.File("output")));
  EXPECT_EQ(document.at("trials_missing"), 1);
  EXPECT_THAT(document.at("settings"), SizeIs(1));
  ASSERT_THAT(Lines(out + "/trials.jsonl"), SizeIs(2));
  EXPECT_TRUE(IsEmpty(temporary_));

  const Finished rest = RunSweep(command);
  EXPECT_EQ(rest.exit_code, 0) << rest.errors;
  EXPECT_THAT(rest.errors, HasSubstr("trial 2 of 2: run 1 of backlog 64, drain rate 5, "));
  const std::vector<json> lines = Lines(out + "/trials.jsonl");
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines[2].at("trial").at("drain_rate"), 5);
}

TEST_F(TuneSweepProcess, ItsProgramsEndWithItHoweverItEnds) {
  ChildProcess sweep({.arguments = Sweep(directory_.File("out"), {"--drain-rate", "5"}),
                      .output_path = directory_.File("output"),
                      .errors_path = directory_.File("errors"),
                      .descriptors_max = std::nullopt});
  // floodgated, the storm and the probe.
  std::vector<pid_t> children;
  ASSERT_TRUE(e2e::Eventually([&] {
    children = ChildrenOf(sweep.pid());
    return children.size() == 3;
  })) << ReadFile(directory_.File("errors"));
  std::vector<OwnedFd> ends;
  for (const pid_t child : children) {
    ends.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    ASSERT_TRUE(ends.back().valid());
  }
  sweep.Signal(SIGKILL);
  for (const OwnedFd& end : ends) {
    pollfd ended{.fd = end.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&ended, 1, e2e::Deadline().left_ms()), 1) << "it still runs";
  }
}

TEST_F(TuneSweepProcess, WhoIsNotInWithinTheLimitIsNotIn) {
  const std::string out = directory_.File("out");
  std::vector<std::string> command = Sweep(out, {"--drain-rate", "5"}, "64");
  *(std::find(command.begin(), command.end(), "--limit") + 1) = "2s";
  const Finished run = RunSweep(command);
  EXPECT_EQ(run.exit_code, 0) << run.errors;
  EXPECT_THAT(run.output, HasSubstr(" never "));
  const std::vector<json> lines = Lines(out + "/trials.jsonl");
  ASSERT_THAT(lines, SizeIs(2));
  const json& trial = lines[1].at("trial");
  EXPECT_LT(trial.at("served"), 50);
  EXPECT_TRUE(trial.at("time_to_99_percent_s").is_null());
  EXPECT_TRUE(trial.at("time_to_all_s").is_null());
  // The storm's end made them leave: nobody's patience was over.
  EXPECT_EQ(trial.at("gave_up"), 0);
}

TEST_F(TuneSweepProcess, WhatKeepsItFromRunningIsToldWithItsRemedy) {
  const std::string out = directory_.File("out");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--storm", "/nowhere/storm"}, "--storm: /nowhere/storm is no file that may be run"},
      {{"--floodgated", directory_.path()}, "is no file that may be run; give the path of"},
      {{"--floodgated", "/bin/false"}, "/bin/false ended with exit status 1; it said: nothing"},
      {{"--out", "/proc/nothing"}, "--out: the directory /proc/nothing cannot be made"},
  };
  for (const auto& [options, message] : cases) {
    std::vector<std::string> command = Sweep(out);
    const auto replaced = std::find(command.begin(), command.end(), options[0]);
    ASSERT_NE(replaced, command.end());
    *(replaced + 1) = options[1];
    const Finished run = RunSweep(command);
    EXPECT_EQ(run.exit_code, 1) << message;
    EXPECT_EQ(run.output, "");
    EXPECT_THAT(run.errors, HasSubstr(message));
  }
  EXPECT_TRUE(IsEmpty(temporary_));
}

// What it asks for is what its programs need: one less and they would not begin. 50 agents are
// fewer than the probe of the controller port has, 300 are more.
TEST_F(TuneSweepProcess, TooFewDescriptorsAreToldBeforeTheFirstTrial) {
  const std::vector<std::pair<std::string, uint64_t>> cases = {{"50", 266}, {"300", 316}};
  for (const auto& [agents, needed] : cases) {
    const std::string out = directory_.File(agents);
    std::vector<std::string> command = Sweep(out, {}, "512");
    *(std::find(command.begin(), command.end(), "--agents") + 1) = agents;
    const Finished refused = RunSweep(command, needed - 1);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_EQ(refused.output, "");
    EXPECT_THAT(refused.errors, HasSubstr(absl::StrCat("ulimit -n ", needed)));
    EXPECT_FALSE(std::filesystem::exists(out));
    const Finished run = RunSweep(command, needed);
    EXPECT_EQ(run.exit_code, 0) << run.errors;
    ASSERT_THAT(Lines(out + "/trials.jsonl"), SizeIs(2));
    EXPECT_EQ(absl::StrCat(Lines(out + "/trials.jsonl")[1].at("trial").at("served").get<int>()),
              agents);
  }
}

TEST_F(TuneSweepProcess, BadUsage) {
  const std::string out = directory_.File("out");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"sweep", "--agents", "5"}, "--out is required"},
      {{"sweep", "--out", out}, "--agents is required"},
      {{"sweep", "--agents", "20001", "--out", out}, "20000 at the most"},
      {{"sweep", "--agents", "5", "--out", out, "--backlog", "0"}, "not in range 1 to 1000000"},
      {{"sweep", "--agents", "5", "--out", out, "--backlog", "64,8,64"}, "64 is given twice"},
      {{"sweep", "--agents", "5", "--out", out, "--drain-rate", "fast"}, "--drain-rate"},
      {{"sweep", "--agents", "5", "--out", out, "--runs", "0"}, "not in range 1 to 1000"},
      {{"sweep", "--agents", "5", "--out", out, "--limit", "0s"}, "no duration of 1us to 24h"},
      {{"sweep", "--agents", "5", "--out", out, "--patience", "long"}, "write 3s, exp:3s"},
      {{"sweep", "--agents", "5", "--out", out, "--key", "dsa"}, "--key"},
  };
  for (const auto& [arguments, message] : cases) {
    std::vector<std::string> command = {TUNE_PATH};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const Finished run = RunSweep(command);
    EXPECT_EQ(run.exit_code, 2) << message;
    EXPECT_EQ(run.output, "");
    EXPECT_THAT(run.errors, StartsWith("floodgate-tune: "));
    EXPECT_THAT(run.errors, HasSubstr(message));
    EXPECT_FALSE(std::filesystem::exists(out));
  }
}

}  // namespace
}  // namespace floodgate::tools
