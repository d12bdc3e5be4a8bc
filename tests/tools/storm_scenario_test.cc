// floodgate-storm --scenario: options from a file, the shipped files among them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/tools/small_server.h"
#include "tests/tools/storm_process.h"

namespace floodgate::tools {
namespace {

using Outcomes = std::map<std::string, uint64_t>;
using testing::HasSubstr;

class StormScenario : public testing::Test {
 protected:
  // The path of a scenario with that text.
  std::string Write(const std::string& text) const {
    std::string path = directory_.File("test.toml");
    e2e::WriteFile(path, text);
    return path;
  }

  e2e::TemporaryDirectory directory_;
};

TEST_F(StormScenario, KeysAreOptions) {
  const BoundListener nobody = BindLoopback();
  const std::string path = Write("agents = 3\nmode = \"tcp\"\nretry = \"fixed\"\n" +
                                 std::string("retry-base = \"1ms\"\nattempts-max = 4\n") +
                                 "close-by-reset = true\nrequire-served = false\n" +
                                 "rate = 5e3\ntarget = [\"" + nobody.target + "\"]\n");
  const StormRun run = RunStorm({"--scenario", path});
  EXPECT_EQ(run.Outcomes(), (Outcomes{{"refused", 12}}));
  EXPECT_EQ(run.exit_code, 0);
}

TEST_F(StormScenario, TheCommandLineOverrides) {
  const BoundListener nobody = BindLoopback();
  const std::string path =
      Write("agents = 30\nmode = \"tcp\"\ntable = true\ntarget = \"127.0.0.1:1\"\n");
  // RunStorm says --json; the target of the file is another, which would be refused as well.
  const StormRun run = RunStorm({"--agents", "2", "--scenario", path, nobody.target});
  EXPECT_EQ(run.Outcomes(), (Outcomes{{"refused", 2}}));
}

TEST_F(StormScenario, MistakesAreToldWithTheirPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"agents = 5\nagnets = 6\n", "test.toml:2:1: there is no key \"agnets\""},
      {"scenario = \"other\"\n", "test.toml:1:1: there is no key \"scenario\""},
      {"help = true\n", "test.toml:1:1: there is no key \"help\""},
      {"\n\nretry = \"never\"\n", "test.toml:3:1: --retry: \"never\" is none of none, immediate"},
      {"agents = 0\n", "test.toml:1:1: --agents: Value 0 not in range 1 to 20000"},
      {"agents = true\n", "test.toml:1:1: --agents"},
      {"patience = 5\n", "test.toml:1:1: --patience: \"5\" is no patience"},
      {"[load]\nagents = 5\n", "test.toml:1:"},
      {"agents = [5]\n", "test.toml:1:1: agents must be a string, a number or true or false"},
      {"target = [1]\n", "test.toml:1:11: target must be a string"},
      {"agents = \n", "test.toml:1:"},
      {"a = 1\na = 2\n", "not TOML"},
  };
  for (const auto& [text, message] : cases) {
    const e2e::Finished run =
        e2e::RunToEnd(StormCommand({"--scenario", Write(text), "127.0.0.1:1"}));
    EXPECT_EQ(run.exit_code, 2) << text;
    EXPECT_THAT(run.errors, HasSubstr(message)) << text;
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
  }
  const e2e::Finished none = e2e::RunToEnd(StormCommand({"--scenario", "/nowhere.toml", "a:1"}));
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.errors, HasSubstr("/nowhere.toml cannot be read: No such file"));
}

TEST_F(StormScenario, WhatDoesNotFitTogetherIsTold) {
  const std::string path = Write("arrivals = \"poisson\"\n");
  const e2e::Finished run = e2e::RunToEnd(StormCommand({"--scenario", path, "127.0.0.1:1"}));
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.errors, HasSubstr("needs a --rate"));
}

TEST_F(StormScenario, ShippedOnesRun) {
  TlsServerContext tls;
  SmallServer server([&tls](int fd) { tls.Serve(fd, kAnswerOk); });
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(STORM_SCENARIOS)) {
    names.push_back(entry.path().filename());
    // Few agents for a short time, but all else is as shipped.
    const StormRun run = RunStorm({"--scenario", entry.path(), "--agents", "20", "--duration",
                                   "400ms", "--slow-over", "100ms", server.target()});
    EXPECT_EQ(run.exit_code, 0) << entry.path() << run.errors;
    EXPECT_EQ(run.errors, "");
    EXPECT_GT(run.Outcomes()["served"], 0U) << entry.path();
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre("cold-start.toml", "controller-restart.toml",
                                                   "noisy-site.toml", "half-gives-up.toml",
                                                   "slow-network.toml"));
}

}  // namespace
}  // namespace floodgate::tools
