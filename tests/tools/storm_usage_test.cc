// The command line of floodgate-storm: help is complete, mistakes are told with their remedy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/tools/small_server.h"
#include "tests/tools/storm_process.h"

namespace floodgate::tools {
namespace {

using testing::HasSubstr;

// The long options that a text of help begins lines with.
std::set<std::string> OptionsIn(const std::string& help) {
  std::set<std::string> options;
  for (const absl::string_view line : absl::StrSplit(help, '\n')) {
    const size_t begin = line.find_first_not_of(' ');
    const size_t dashes = line.find("--");
    if (begin != 2 || dashes == line.npos || dashes > 5) continue;
    options.emplace(line.substr(dashes, line.find_first_of(" =,", dashes) - dashes));
  }
  return options;
}

// A value that each option accepts; "" for flags.
const std::map<std::string, std::string> kValues = {
    {"--agents", "2"},
    {"--sources", "127.1.0.0/24"},
    {"--arrivals", "together"},
    {"--rate", "100.5"},
    {"--wave-every", "2s"},
    {"--concurrency", "1"},
    {"--attempts", "3"},
    {"--mode", "tls"},
    {"--hold", "1ms"},
    {"--heartbeat", "10s"},
    {"--reconnect", ""},
    {"--duration", "5s"},
    {"--patience", "1m30s"},
    {"--connect-timeout", "1s"},
    {"--handshake-timeout", "1s"},
    {"--first-byte-timeout", "250ms"},
    {"--retry", "none"},
    {"--retry-base", "10ms"},
    {"--retry-cap", "1s"},
    {"--attempts-max", "2"},
    {"--give-up", "50"},
    {"--give-up-after", "10ms"},
    {"--silent", "10"},
    {"--garbage", "10"},
    {"--reset", "10"},
    {"--slow", "10"},
    {"--slow-over", "10ms"},
    {"--close-by-reset", ""},
    {"--server-name", "example.com"},
    {"--path", "/x?y"},
    {"--tls-version", "1.2"},
    {"--seed", "18446744073709551615"},
    {"--cpu", "0"},
    {"--interval", "100ms"},
    {"--csv", "/dev/null"},
    {"--table", ""},
    {"--json", ""},
    {"--quiet", ""},
    {"--require-served", ""},
};

TEST(StormUsage, HelpNamesEveryOptionAndEachIsAccepted) {
  const e2e::Finished help = e2e::RunToEnd(StormCommand({"--help"}));
  ASSERT_EQ(help.exit_code, 0);
  std::set<std::string> expected = {"--help", "--version"};
  for (const auto& [option, value] : kValues) expected.insert(option);
  expected.insert("--scenario");  // storm_scenario_test.cc
  EXPECT_EQ(OptionsIn(help.output), expected);
  const BoundListener nobody = BindLoopback();
  for (const auto& [option, value] : kValues) {
    std::vector<std::string> arguments = {option};
    if (!value.empty()) arguments.push_back(value);
    if (option != "--agents") arguments.insert(arguments.end(), {"--agents", "1"});
    arguments.push_back(nobody.target);
    const e2e::Finished run = e2e::RunToEnd(StormCommand(arguments));
    EXPECT_EQ(run.exit_code, option == "--require-served" ? 1 : 0) << option << run.errors;
    EXPECT_EQ(run.errors, "") << option;
    EXPECT_EQ(run.output.empty(), option == "--quiet") << option;
  }
}

TEST(StormUsage, TheManualNamesEveryOptionAndEveryFigure) {
  const std::string manual = e2e::ReadFile(STORM_MANUAL);
  for (const auto& [option, value] : kValues) {
    EXPECT_TRUE(absl::StrContains(manual, "`" + option) ||
                absl::StrContains(manual, " " + option + " "))
        << option;
  }
  const BoundListener nobody = BindLoopback();
  const StormRun run = RunStorm({"--agents", "1", nobody.target});
  for (const auto& [key, value] : run.json.items()) {
    if (key == "version") continue;
    EXPECT_TRUE(absl::StrContains(manual, "`" + key)) << key;
  }
  for (const auto& [key, value] : run.json.at("timeline").at(0).items()) {
    EXPECT_TRUE(absl::StrContains(manual, "`" + key + "`")) << key;
  }
  for (const auto& [key, value] : run.json.at("latency_ms").items()) {
    EXPECT_TRUE(absl::StrContains(manual, "| `" + key + "` |")) << key;
  }
}

TEST(StormUsage, TableAndJsonSayTheSame) {
  SmallServer server([](int fd) { AnswerHttp(fd, kAnswerOk); });
  const e2e::Finished table =
      e2e::RunToEnd(StormCommand({"--mode", "http", "--agents", "3", server.target()}));
  EXPECT_THAT(table.output, HasSubstr("agents        3, served 3\n"));
  EXPECT_THAT(table.output, HasSubstr("attempts      3 (0 of them retries), 3 connected"));
  EXPECT_THAT(table.output, testing::ContainsRegex("\nall served    after [0-9.]+ s, 99 % of"));
  EXPECT_THAT(table.output, testing::ContainsRegex("\n  served +3  served within"));
}

TEST(StormUsage, MistakesAreToldWithTheirRemedy) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "target is required"},
      {{"nohost"}, "nohost: the port is missing; expected host:port"},
      {{"127.0.0.1:0"}, "give the port"},
      {{"--mode", "udp", "127.0.0.1:1"}, "none of tcp, wait, hello, tls, tls-resumed, http"},
      {{"--retry", "never", "127.0.0.1:1"},
       "none of none, immediate, fixed, exponential, full-jitter, decorrelated-jitter"},
      {{"--agents", "20001", "127.0.0.1:1"}, "not in range 1 to 20000"},
      {{"--agents", "0", "127.0.0.1:1"}, "not in range 1 to 20000"},
      {{"--sources", "0", "127.0.0.1:1"}, "nor a block such as 127.1.0.0/16"},
      {{"--sources", "5", "unix:@nobody"}, "unix sockets have no source addresses"},
      {{"--hold", "soon", "127.0.0.1:1"}, "write 250ms, 2s, 1m30s, 0s or forever"},
      {{"--patience", "5", "127.0.0.1:1"}, "write 250ms, 2s or 1m30s"},
      {{"--patience", "0s", "127.0.0.1:1"}, "lets nobody be served"},
      {{"--patience", "exp:0s", "127.0.0.1:1"}, "lets nobody be served"},
      {{"--patience", "mix:1s,", "127.0.0.1:1"}, "exp:1s, or mix:500ms,30s"},
      {{"--arrivals", "never", "127.0.0.1:1"}, "none of together, uniform, poisson, waves"},
      {{"--arrivals", "poisson", "127.0.0.1:1"}, "needs a --rate"},
      {{"--arrivals", "together", "--rate", "5", "127.0.0.1:1"}, "leave one out"},
      {{"--arrivals", "uniform", "--rate", "5", "--concurrency", "2", "127.0.0.1:1"},
       "agents arrive whatever is under way"},
      {{"--wave-every", "0s", "127.0.0.1:1"}, "is no wave"},
      {{"--interval", "0s", "127.0.0.1:1"}, "is no interval"},
      {{"--interval", "1us", "127.0.0.1:1"}, "more than 1000000 pieces"},
      {{"--duration", "0s", "127.0.0.1:1"}, "is no storm"},
      {{"--retry-base", "1m", "127.0.0.1:1"}, "longer than --retry-cap"},
      {{"--silent", "60", "--reset", "41", "127.0.0.1:1"}, "more than 100 %"},
      {{"--give-up", "101", "127.0.0.1:1"}, "not in range 0 to 100"},
      {{"--path", "/a b", "127.0.0.1:1"}, "printable ASCII without spaces"},
      {{"--tls-version", "1.1", "127.0.0.1:1"}, "none of 1.2, 1.3"},
      {{"--json", "--quiet", "127.0.0.1:1"}, "excludes"},
      {{"--rate", "nan", "127.0.0.1:1"}, "is no finite number"},
      {{"--rate", "inf", "127.0.0.1:1"}, "--rate"},
      {{"--seed", "-1", "127.0.0.1:1"}, "write 0 to 18446744073709551615"},
      {{"--frobnicate", "127.0.0.1:1"}, "--frobnicate"},
  };
  for (const auto& [arguments, message] : cases) {
    const e2e::Finished run = e2e::RunToEnd(StormCommand(arguments));
    EXPECT_EQ(run.exit_code, 2) << message;
    EXPECT_THAT(run.errors, HasSubstr(message));
    EXPECT_THAT(run.errors, testing::StartsWith("floodgate-storm: "));
    EXPECT_EQ(run.output, "");
  }
}

TEST(StormUsage, SaysWhatIsPossibleWhenTheHostCannot) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--sources", "5", "192.0.2.1:80"}, "127.1.0.1 cannot be used towards 192.0.2.1:80"},
      {{"--sources", "5", "[::1]:80"}, "of the target's family"},
      {{"--sources", "192.0.2.0/24", "127.0.0.1:80"}, "192.0.2.1 cannot be used"},
      {{"--csv", "/nowhere/at/all.csv", "127.0.0.1:80"}, "--csv: /nowhere/at/all.csv cannot be"},
      {{"--cpu", "1023", "127.0.0.1:80"}, "--cpu 1023"},
  };
  for (const auto& [arguments, message] : cases) {
    const e2e::Finished run = e2e::RunToEnd(StormCommand(arguments));
    EXPECT_EQ(run.exit_code, 1) << message;
    EXPECT_THAT(run.errors, HasSubstr(message));
  }
}

// Results were once lost in silence on a full disk.
TEST(StormUsage, ResultsThatCannotBeWrittenAreAFailure) {
  const BoundListener nobody = BindLoopback();
  for (const char* form : {"--json", "--table"}) {
    // By the shell, which knows how to redirect.
    const e2e::Finished run = e2e::RunToEnd({"sh", "-c",
                                             absl::StrCat(StormCommand({})[0], " --agents 1 ", form,
                                                          " ", nobody.target, " > /dev/full")});
    EXPECT_EQ(run.exit_code, 1) << form;
    EXPECT_THAT(run.errors, HasSubstr("floodgate-storm: cannot write to standard output; "));
  }
}

TEST(StormUsage, SaysHowManyAgentsTheDescriptorsAllow) {
  const e2e::TemporaryDirectory directory;
  e2e::ChildProcess storm({.arguments = StormCommand({"--agents", "200", "127.0.0.1:9"}),
                           .output_path = directory.File("output"),
                           .errors_path = directory.File("errors"),
                           .inherited_fd = -1,
                           .descriptors_max = 64});
  const std::optional<int> status = storm.Wait();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(WEXITSTATUS(*status), 1);
  EXPECT_THAT(e2e::ReadFile(directory.File("errors")),
              HasSubstr("200 connections at a time need 216 descriptors, and the hard limit is 64: "
                        "48 agents are possible"));
}

}  // namespace
}  // namespace floodgate::tools
