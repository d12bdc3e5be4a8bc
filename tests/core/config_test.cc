#include "core/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "core/duration.h"

namespace floodgate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ConfigResult Read(absl::string_view text, std::vector<std::string> sets = {}) {
  return ReadConfig(text, "f.toml", sets);
}

std::vector<std::string> FaultsOf(const ConfigResult& result) {
  std::vector<std::string> texts;
  for (const ConfigFault& fault : result.faults) texts.push_back(fault.ToString());
  return texts;
}

TEST(ConfigTest, AnEmptyFileIsEveryDefault) {
  const ConfigResult result = Read("");
  EXPECT_THAT(FaultsOf(result), IsEmpty());
  EXPECT_FALSE(result.options.controller.has_value());
  EXPECT_FALSE(result.options.tls.has_value());
  EXPECT_EQ(result.options.agent.listen[0].ToString(), "[::]:17070");
  EXPECT_EQ(result.options.backend.address.ToString(), "127.0.0.1:17072");
  EXPECT_EQ(result.options.admin.listen.ToString(), "unix:/run/floodgate/admin.sock");
  EXPECT_EQ(result.options.limits.source_rate, 4.0);
  EXPECT_EQ(result.options.limits.sources, 1'000'000);
}

TEST(ConfigTest, ControllerSectionBringsItsDefaults) {
  const ConfigResult result = Read("[controller]\n");
  ASSERT_THAT(FaultsOf(result), IsEmpty());
  ASSERT_TRUE(result.options.controller.has_value());
  EXPECT_EQ(result.options.controller->listen.size(), 2u);
  EXPECT_EQ(result.options.controller->allow.size(), 2u);
}

TEST(ConfigTest, TellsEveryFaultWithItsPlaceAndItsRemedy) {
  const ConfigResult result = Read(
      "[limits]\n"
      "delay = 5\n"
      "source_burst = 0\n"
      "sorce_rate = 1\n"
      "[nonsense]\n"
      "[agent]\n"
      "listen = [\"nowhere\"]\n"
      "deny = [\"10.0.0.1/8\"]\n");
  EXPECT_THAT(
      FaultsOf(result),
      ElementsAre(
          HasSubstr("f.toml:2:9: limits.delay: is an integer without a unit; expected a "
                    "duration from \"0s\""),
          HasSubstr("f.toml:3:16: limits.source_burst: is 0, out of range; expected an "
                    "integer from 1"),
          "f.toml:4:1: limits.sorce_rate: there is no such option; did you mean "
          "source_rate?",
          HasSubstr("f.toml:5:2: nonsense: there is no such section; there are "),
          HasSubstr("f.toml:7:11: agent.listen: its element 1 is \"nowhere\"; the port is "
                    "missing"),
          "f.toml:8:9: agent.deny: its element 1 is \"10.0.0.1/8\", with bits set behind the "
          "prefix; expected \"10.0.0.0/8\" for the block, or \"10.0.0.1\" for the address"));
}

TEST(ConfigTest, NamesWhatIsNotInThisVersion) {
  const ConfigResult result = Read("[agent]\nhold = \"drop\"\n[backend]\nmode = \"handoff\"\n");
  EXPECT_THAT(FaultsOf(result),
              ElementsAre(HasSubstr("agent.hold: \"drop\" is not in this version"),
                          HasSubstr("backend.mode: \"handoff\" is not in this "
                                    "version")));
}

TEST(ConfigTest, NotTomlIsAFaultWithItsLine) {
  const ConfigResult result = Read("[agent]\nlisten = = 3\n");
  ASSERT_EQ(result.faults.size(), 1u);
  EXPECT_EQ(result.faults[0].line, 2);
  EXPECT_THAT(result.faults[0].problem, HasSubstr("not TOML"));
}

TEST(ConfigTest, SettingsGoOverTheFile) {
  const ConfigResult result =
      Read("[limits]\ndelay = \"1s\"\n",
           {"limits.delay=7s", "runtime.engine=epoll", "gate.open_on=[\"manual\"]",
            "limits.source_rate=0.5", "backend.address=unix:@there", "limits.patience=auto"});
  ASSERT_THAT(FaultsOf(result), IsEmpty());
  EXPECT_EQ(result.options.limits.delay, Duration::Seconds(7));
  EXPECT_EQ(result.options.runtime.engine, EngineChoice::kEpoll);
  EXPECT_THAT(result.options.gate.open_on, ElementsAre(Condition::kManual));
  EXPECT_EQ(result.options.limits.source_rate, 0.5);
  EXPECT_EQ(result.options.backend.address.ToString(), "unix:@there");
}

TEST(ConfigTest, FaultsOfSettingsNameThem) {
  EXPECT_THAT(FaultsOf(Read("", {"limits.delay=soon", "nothing", "limits.nothing=1"})),
              ElementsAre(HasSubstr("--set: limits.delay: is \"soon\", which is no duration"),
                          HasSubstr("--set: \"nothing\" is no setting"),
                          HasSubstr("--set: limits.nothing: there is no such option")));
}

TEST(ConfigTest, ChecksWhatOptionsMustBeToEachOther) {
  const ConfigResult result = Read(
      "[controller]\nlisten = []\nclient_ca = \"ca.pem\"\n"
      "[agent]\nlisten = [\"127.0.0.1:1\", \"127.0.0.1:1\"]\n");
  EXPECT_THAT(FaultsOf(result),
              ElementsAre(HasSubstr("f.toml:2:10: controller.listen: is empty"),
                          HasSubstr("controller.client_ca: is set, and there is no TLS"),
                          HasSubstr("agent.listen: 127.0.0.1:1 stands in agent.listen too")));
  EXPECT_THAT(FaultsOf(Read("[gate]\nopen_on = [\"quorum\"]\n")),
              ElementsAre(HasSubstr("names a condition on the controller port")));
  EXPECT_THAT(FaultsOf(Read("[tls]\n")), ElementsAre(HasSubstr("tls.certificate: is missing"),
                                                     HasSubstr("tls.private_key: is missing")));
}

TEST(ConfigTest, WhatIsWrittenReadsBackTheSame) {
  const ConfigResult first = Read(
      "[controller]\nlisten = [\"[::1]:0\", \"unix:/a b/\\\"q\\\"\"]\n"
      "[limits]\nsource_rate = 0.1\nsource_prefix = [24, 56]\npatience = \"1m30s\"\n"
      "exempt = [\"2001:db8::/32\"]\n[tls]\ncertificate = \"c\"\nprivate_key = \"k\"\n"
      "min_version = \"1.3\"\n[admin]\nmode = \"0600\"\n[drain]\nrate = 33.3\n");
  ASSERT_THAT(FaultsOf(first), IsEmpty());
  const std::string text = WriteConfig(first.options);
  const ConfigResult second = Read(text);
  ASSERT_THAT(FaultsOf(second), IsEmpty()) << text;
  EXPECT_EQ(WriteConfig(second.options), text);
  EXPECT_THAT(Compare(first.options, second.options), IsEmpty());
  for (const std::string& key : ConfigKeys()) {
    EXPECT_THAT(text, HasSubstr(key.substr(key.find('.') + 1) + " = "));
  }
}

TEST(ConfigTest, ComparesAndMergesWhatCanChangeLive) {
  const Options running = Read("[controller]\n").options;
  const Options wanted =
      Read("[controller]\n[limits]\nsource_burst = 3\n[agent]\nlisten = [\"[::]:1\"]\n").options;
  const std::vector<KeyChange> changes = Compare(running, wanted);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].key, "agent.listen");
  EXPECT_FALSE(changes[0].live);
  EXPECT_EQ(changes[1].key, "limits.source_burst");
  EXPECT_TRUE(changes[1].live);
  const Options merged = WithLiveKeys(running, wanted);
  EXPECT_EQ(merged.limits.source_burst, 3);
  EXPECT_EQ(merged.agent.listen, running.agent.listen);
}

TEST(ConfigTest, AVanishedSectionWaitsForARestart) {
  const std::vector<KeyChange> changes = Compare(Read("[controller]\n").options, Read("").options);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].key, "controller");
  EXPECT_FALSE(changes[0].live);
}

TEST(ConfigTest, TheManualHasEveryOption) {
  std::ifstream manual(FLOODGATE_MANUAL);
  const std::string text((std::istreambuf_iterator<char>(manual)), {});
  for (const std::string& key : ConfigKeys()) {
    EXPECT_THAT(text, HasSubstr("| `" + key + "` |"));
  }
}

TEST(ConfigTest, TheSampleHasNoFaults) {
  std::ifstream sample(FLOODGATE_SAMPLE);
  const std::string text((std::istreambuf_iterator<char>(sample)), {});
  const ConfigResult result = Read(text);
  EXPECT_THAT(FaultsOf(result), IsEmpty());
  EXPECT_TRUE(result.options.controller.has_value());
}

TEST(DurationTest, ReadsWhatPeopleWrite) {
  EXPECT_EQ(ParseDuration("250ms"), Duration::Milliseconds(250));
  EXPECT_EQ(ParseDuration("1m30s"), Duration::Seconds(90));
  EXPECT_EQ(ParseDuration("0s"), Duration{});
  EXPECT_EQ(ParseDuration("8760h"), Duration::Seconds(365 * 24 * 3600));
  EXPECT_EQ(ParseDuration("2h5us"), Duration::Seconds(7200) + Duration::Microseconds(5));
}

TEST(DurationTest, RefusesWhatIsNone) {
  for (const char* text : {"", "5", "s", "5 s", "-1s", "1.5s", "1s1m", "1s1s", "8761h", "5d", "1S",
                           "99999999999999999999s", "1s "}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

TEST(DurationTest, WritesWhatItReads) {
  for (const char* text : {"0s", "1us", "250ms", "2s", "1m30s", "1h1m1s1ms1us", "8760h"}) {
    EXPECT_EQ(FormatDuration(*ParseDuration(text)), text);
  }
}

}  // namespace
}  // namespace floodgate
