// What ReadConfig says of configurations that are wrong: each fault, its place and its remedy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/config.h"
#include "core/config_keys.h"

namespace floodgate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> FaultsOf(absl::string_view text, std::vector<std::string> sets = {}) {
  std::vector<std::string> texts;
  for (const ConfigFault& fault : ReadConfig(text, "f.toml", sets).faults) {
    texts.push_back(fault.ToString());
  }
  return texts;
}

struct Case {
  const char* text;
  const char* fault;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.text;
}

// Each text has one fault, and this is all that is said about it.
class OneFaultTest : public ::testing::TestWithParam<Case> {};

TEST_P(OneFaultTest, IsToldInFull) {
  EXPECT_THAT(FaultsOf(GetParam().text), ElementsAre(GetParam().fault));
}

INSTANTIATE_TEST_SUITE_P(
    Names, OneFaultTest,
    ::testing::ValuesIn<Case>({
        {"[agnt]\n", "f.toml:1:2: agnt: there is no such section; did you mean agent?"},
        {"[http]\n",
         "f.toml:1:2: http: there is no such section; there are admin, agent, backend, controller, "
         "drain, gate, limits, runtime, tls"},
        {"[agent]\nbaklog = 1\n",
         "f.toml:2:1: agent.baklog: there is no such option; did you mean backlog?"},
        {"[drain]\nspeed = 1\n",
         "f.toml:2:1: drain.speed: there is no such option; there are rate, ramp"},
        {"[agent]\nquorum = 1\n",
         "f.toml:2:1: agent.quorum: there is no such option; did you mean gate.quorum?"},
        {"quorum = 1\n",
         "f.toml:1:1: quorum: stands outside of any section; expected it below [gate]"},
        {"listen = []\n",
         "f.toml:1:1: listen: stands outside of any section; expected it below [controller] or "
         "[agent] or [admin]"},
        {"gate = 5\n", "f.toml:1:1: gate: is an integer; expected a section, [gate]"},
        {"[[gate]]\n", "f.toml:1:3: gate: is an array; expected a section, [gate]"},
        {"[gate.quorum]\n",
         "f.toml:1:1: gate.quorum: is a table; expected an integer from 1 to 1000000"},
        {"[gate]\n\"a\\nb\" = 1\n",
         "f.toml:2:1: gate.a\\x0Ab: there is no such option; there are open_on, self_id, quorum, "
         "open_delay, rehold, rehold_after, open_anyway_after"},
    }));

INSTANTIATE_TEST_SUITE_P(
    Numbers, OneFaultTest,
    ::testing::ValuesIn<Case>({
        {"[gate]\nquorum = 0\n",
         "f.toml:2:10: gate.quorum: is 0, out of range; expected an integer from 1 to 1000000"},
        {"[gate]\nquorum = -9223372036854775808\n",
         "f.toml:2:10: gate.quorum: is -9223372036854775808, out of range; expected an integer "
         "from "
         "1 to 1000000"},
        {"[gate]\nquorum = 1.5\n",
         "f.toml:2:10: gate.quorum: is a number with a fraction; expected an integer from 1 to "
         "1000000"},
        {"[gate]\nquorum = \"2\"\n",
         "f.toml:2:10: gate.quorum: is a string; expected an integer from 1 to 1000000"},
        {"[agent]\nbacklog = 2147483648\n",
         "f.toml:2:11: agent.backlog: is 2147483648, out of range; expected an integer from 1 to "
         "2147483647"},
        {"[limits]\nsource_rate = -0.1\n",
         "f.toml:2:15: limits.source_rate: is -0.1, out of range; expected a number from 0 to "
         "1000000000"},
        {"[limits]\nsource_rate = nan\n",
         "f.toml:2:15: limits.source_rate: is nan, out of range; expected a number from 0 to "
         "1000000000"},
        {"[limits]\nsource_rate = inf\n",
         "f.toml:2:15: limits.source_rate: is inf, out of range; expected a number from 0 to "
         "1000000000"},
        {"[limits]\nsource_prefix = [33, 64]\n",
         "f.toml:2:17: limits.source_prefix: one of its bits is 33, out of range; expected two "
         "integers: bits of IPv4 (0 to 32) and of IPv6 (0 to 128), such as [32, 64]"},
        {"[limits]\nsource_prefix = [32]\n",
         "f.toml:2:17: limits.source_prefix: is an array of 1; expected two integers: bits of IPv4 "
         "(0 to 32) and of IPv6 (0 to 128), such as [32, 64]"},
        {"[admin]\nmode = 660\n",
         "f.toml:2:8: admin.mode: is an integer; expected an octal mode in a string, such as "
         "\"0660\""},
        {"[admin]\nmode = \"0668\"\n",
         "f.toml:2:8: admin.mode: is \"0668\"; expected an octal mode in a string, such as "
         "\"0660\""},
        {"[admin]\nmode = \"1777\"\n",
         "f.toml:2:8: admin.mode: is \"1777\"; expected an octal mode in a string, such as "
         "\"0660\""},
        {"[gate]\nrehold = \"yes\"\n",
         "f.toml:2:10: gate.rehold: is a string; expected true or false"},
        {"[gate]\nrehold = 2026-01-01\n",
         "f.toml:2:10: gate.rehold: is a date or time; expected true or false"},
    }));

INSTANTIATE_TEST_SUITE_P(
    Texts, OneFaultTest,
    ::testing::ValuesIn<Case>({
        {"[limits]\ndelay = \"5\"\n",
         "f.toml:2:9: limits.delay: is \"5\", which is no duration; expected a duration from "
         "\"0s\" "
         "to \"8760h\", such as \"250ms\", \"2s\" or \"1m30s\""},
        {"[limits]\ndelay = 5\n",
         "f.toml:2:9: limits.delay: is an integer without a unit; expected a duration from \"0s\" "
         "to "
         "\"8760h\", such as \"250ms\", \"2s\" or \"1m30s\""},
        {"[limits]\npatience = \"never\"\n",
         "f.toml:2:12: limits.patience: is \"never\", which is no duration; expected a duration "
         "from "
         "\"1ms\" to \"8760h\", such as \"250ms\", \"2s\" or \"1m30s\", or \"auto\""},
        {"[limits]\nhandshake_timeout = \"0s\"\n",
         "f.toml:2:21: limits.handshake_timeout: is \"0s\", out of range; expected a duration from "
         "\"1ms\" to \"8760h\", such as \"250ms\", \"2s\" or \"1m30s\""},
        {"[limits]\nover_limit = \"drop\"\n",
         "f.toml:2:14: limits.over_limit: is \"drop\"; expected one of \"delay\", \"reset\", "
         "\"queue\""},
        {"[tls]\nmin_version = 1.3\ncertificate = \"c\"\nprivate_key = \"k\"\n",
         "f.toml:2:15: tls.min_version: is a number with a fraction; expected one of \"1.2\", "
         "\"1.3\""},
        {"[agent]\nhold = \"drop\"\n",
         "f.toml:2:8: agent.hold: \"drop\" is not in this version; expected \"park\" or "
         "\"refuse\""},
        {"[backend]\nmode = \"handoff\"\n",
         "f.toml:2:8: backend.mode: \"handoff\" is not in this version; expected \"proxy\""},
        {"[runtime]\nuser = \"a\\u0000b\"\n",
         "f.toml:2:8: runtime.user: has a NUL byte in it; expected text without one"},
        {"[backend]\naddress = \"localhost\"\n",
         "f.toml:2:11: backend.address: is \"localhost\"; the port is missing; expected host:port, "
         "[v6]:port, unix:/path or unix:@name"},
        {"[agent]\ndeny = [\"10.0.0.0/33\"]\n",
         "f.toml:2:9: agent.deny: its element 1 is \"10.0.0.0/33\", whose prefix is not 0 to 32; "
         "expected a block such as \"10.0.0.0/8\" or \"2001:db8::/32\", or an address"},
        {"[agent]\ndeny = [\"example.com\"]\n",
         "f.toml:2:9: agent.deny: its element 1 is \"example.com\", which is no block of "
         "addresses; "
         "expected a block such as \"10.0.0.0/8\" or \"2001:db8::/32\", or an address"},
        {"[agent]\ndeny = \"10.0.0.0/8\"\n",
         "f.toml:2:8: agent.deny: is a string; expected an array of blocks, such as "
         "[\"10.0.0.0/8\"]"},
    }));

TEST(ConfigFaultsTest, EveryWrongElementIsToldWhereItStands) {
  EXPECT_THAT(FaultsOf("[agent]\n"
                       "listen = [\"[::]:1\", \"nowhere\",\n"
                       "          7,\n"
                       "          \"[::]:2\", \"[::]:65536\"]\n"),
              ElementsAre(HasSubstr("f.toml:2:21: agent.listen: its element 2 is \"nowhere\""),
                          HasSubstr("f.toml:3:11: agent.listen: its element 3 is an integer"),
                          HasSubstr("f.toml:4:21: agent.listen: its element 5 is \"[::]:65536\"")));
}

TEST(ConfigFaultsTest, ValuesAndRelationsAreToldInOneRun) {
  EXPECT_THAT(FaultsOf("[gate]\nopen_delay = 2\nopen_on = []\n[tls]\nprivate_key = \"k\"\n"),
              ElementsAre(HasSubstr("f.toml:2:14: gate.open_delay: "),
                          HasSubstr("f.toml:3:11: gate.open_on: is empty"),
                          HasSubstr("f.toml:4:2: tls.certificate: is missing")));
}

TEST(ConfigFaultsTest, WhatOnlyFollowsFromAFaultIsNotTold) {
  // Misspelt, so not missing.
  EXPECT_THAT(FaultsOf("[tls]\ncertificat = \"c\"\nprivate_key = \"k\"\n"),
              ElementsAre(HasSubstr("did you mean certificate?")));
  EXPECT_THAT(FaultsOf("[controler]\n[gate]\nopen_on = [\"quorum\"]\n"),
              ElementsAre(HasSubstr("did you mean controller?")));
  // The default that stands in for the wrong value is nobody's intention.
  EXPECT_THAT(FaultsOf("[agent]\nlisten = 5\n[admin]\nlisten = \"[::]:17070\"\n"),
              ElementsAre(HasSubstr("agent.listen: is an integer")));
  EXPECT_THAT(FaultsOf("[drain]\nrate = \"fast\"\nramp = \"5s\"\n"),
              ElementsAre(HasSubstr("drain.rate: is a string")));
  EXPECT_THAT(FaultsOf("[tls]\nno toml\n"), ElementsAre(HasSubstr("not TOML")));
}

TEST(ConfigFaultsTest, WhatIsNoTomlIsToldAndThatTheRestWasNotRead) {
  for (const char* text :
       {"[agent\n", "[agent]\nlisten = [\"a\"\n", "[agent]\n[agent]\n", "a = 1\na = 2\n",
        "\xff\xfe", "[gate]\nopen_delay = 2s\n", "x = \"\x01\"\n"}) {
    const std::vector<std::string> faults = FaultsOf(text);
    ASSERT_EQ(faults.size(), 1u) << text;
    EXPECT_THAT(faults[0], ::testing::MatchesRegex(
                               "f.toml:[0-9]+:[0-9]+: not TOML: .+; the rest of the file was not "
                               "looked at"));
  }
}

TEST(ConfigFaultsTest, SettingsAreCheckedEvenIfTheFileIsNoToml) {
  EXPECT_THAT(FaultsOf("[agent\n", {"gate.quorum=0"}),
              ElementsAre(HasSubstr("not TOML"), HasSubstr("--set: gate.quorum: is 0")));
}

TEST(ConfigFaultsTest, DeepNestingIsAFaultAndNoMore) {
  const std::string deep(100'000, '[');
  EXPECT_THAT(FaultsOf("[agent]\nlisten = " + deep), ElementsAre(HasSubstr("not TOML")));
  EXPECT_THAT(FaultsOf("", {"agent.listen=" + deep}),
              ElementsAre(HasSubstr("--set: agent.listen: is a string")));
}

TEST(ConfigFaultsTest, AFaultIsOneShortLine) {
  const std::string long_text(100'000, 'x');
  const std::vector<std::string> cases[] = {FaultsOf("[limits]\ndelay = \"" + long_text + "\"\n"),
                                            FaultsOf("[limits]\n" + long_text + " = 1\n"),
                                            FaultsOf("[" + long_text + "]\n"),
                                            FaultsOf("[limits]\ndelay = \"\"\"a\nb\n\"\"\"\n"),
                                            FaultsOf("[\"a\\nb\"]\n"),
                                            FaultsOf("", {"limits.delay=a\nb"}),
                                            FaultsOf("", {long_text})};
  for (const std::vector<std::string>& faults : cases) {
    ASSERT_EQ(faults.size(), 1u);
    EXPECT_THAT(faults[0], Not(HasSubstr("\n")));
    EXPECT_LT(faults[0].size(), 400u) << faults[0];
  }
}

TEST(ConfigFaultsTest, LongTextIsCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\xe2\x82\xac";  // the euro sign, three bytes
  const std::vector<std::string> faults = FaultsOf("[limits]\ndelay = \"" + text + "\"\n");
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_THAT(faults[0], HasSubstr("\xe2\x82\xac...\""));
}

TEST(ConfigSetTest, EachFaultOfASettingIsTold) {
  const struct {
    const char* set;
    const char* fault;
  } cases[] = {
      {"", "--set: \"\" is no setting; expected section.key=value"},
      {"gate.quorum", "--set: \"gate.quorum\" is no setting; expected section.key=value"},
      {"quorum=3", "--set: \"quorum=3\" is no setting; expected section.key=value"},
      {"gate=a.b", "--set: \"gate=a.b\" is no setting; expected section.key=value"},
      {"gat.quorum=3", "--set: gat: there is no such section; did you mean gate?"},
      {"gate.qorum=3", "--set: gate.qorum: there is no such option; did you mean quorum?"},
      {"gate.quorum=0",
       "--set: gate.quorum: is 0, out of range; expected an integer from 1 to 1000000"},
      {"gate.quorum=\xff", "--set: gate.quorum: is not UTF-8; expected text in UTF-8"},
      {"runtime.user=\xff", "--set: runtime.user: is not UTF-8; expected text in UTF-8"},
      {"gate.open_on=[\"soon\"]",
       "--set: gate.open_on: its element 1 is \"soon\"; expected one of \"peergrouper\", "
       "\"self-connection\", \"quorum\", \"manual\""},
      {"limits.delay=5",
       "--set: limits.delay: is an integer without a unit; expected a duration from \"0s\" to "
       "\"8760h\", such as \"250ms\", \"2s\" or \"1m30s\""},
  };
  for (const auto& c : cases) EXPECT_THAT(FaultsOf("", {c.set}), ElementsAre(c.fault));
}

TEST(ConfigSetTest, AValueNeedsNoQuotes) {
  const std::vector<std::string> sets = {"limits.delay=5s",
                                         "limits.patience=auto",
                                         "runtime.engine=epoll",
                                         "admin.mode=0600",
                                         "gate.self_id=7",
                                         "tls.certificate=/c.pem",
                                         "tls.private_key='/k'",
                                         "tls.min_version=1.3",
                                         "runtime.user=2026-01-02",
                                         "agent.hold=refuse",
                                         "gate.open_on=[\"manual\"]",
                                         "limits.source_prefix=[24, 48]",
                                         "backend.address=[::1]:80"};
  const ConfigResult result = ReadConfig("", "f.toml", sets);
  ASSERT_THAT(result.faults, IsEmpty()) << result.faults[0].ToString();
  const Options& options = result.options;
  EXPECT_EQ(options.limits.delay, Duration::Seconds(5));
  EXPECT_FALSE(options.limits.patience.has_value());
  EXPECT_EQ(options.runtime.engine, EngineChoice::kEpoll);
  EXPECT_EQ(options.admin.mode, 0600u);
  EXPECT_EQ(options.gate.self_id, "7");
  ASSERT_TRUE(options.tls.has_value());
  EXPECT_EQ(options.tls->certificate, "/c.pem");
  EXPECT_EQ(options.tls->private_key, "/k");
  EXPECT_EQ(options.tls->min_version, TlsVersion::kTls13);
  EXPECT_EQ(options.runtime.user, "2026-01-02");
  EXPECT_EQ(options.agent.hold, Hold::kRefuse);
  EXPECT_THAT(options.gate.open_on, ElementsAre(Condition::kManual));
  EXPECT_EQ(options.limits.source_prefix_v4, 24);
  EXPECT_EQ(options.backend.address.ToString(), "[::1]:80");
}

TEST(ConfigSetTest, OneSettingIsOneOption) {
  // A value cannot bring a second option or section along.
  const ConfigResult result =
      ReadConfig("", "f.toml", std::vector<std::string>{"runtime.user=1\n[gate]\nquorum = 5"});
  EXPECT_EQ(result.options.runtime.user, "1\n[gate]\nquorum = 5");
  EXPECT_EQ(result.options.gate.quorum, 2);
}

TEST(ConfigSetTest, TheLastOneWinsAndMendsWhatWasWrong) {
  const ConfigResult result = ReadConfig(
      "[gate]\nquorum = 3\n", "f.toml", std::vector<std::string>{"gate.quorum=4", "gate.quorum=5"});
  EXPECT_THAT(result.faults, IsEmpty());
  EXPECT_EQ(result.options.gate.quorum, 5);
}

TEST(ConfigSetTest, RelationsPointAtTheSettingThatBreaksThem) {
  EXPECT_THAT(FaultsOf("[agent]\nlisten = [\"[::]:1\"]\n", {"agent.listen=[]"}),
              ElementsAre("--set: agent.listen: is empty; expected at least one address"));
}

TEST(ConfigFaultsTest, ReadsTextWithCarriageReturnsAndAByteOrderMark) {
  const ConfigResult result =
      ReadConfig("\xef\xbb\xbf[gate]\r\nquorum = 3\r\n", "f.toml", std::vector<std::string>{});
  EXPECT_THAT(result.faults, IsEmpty());
  EXPECT_EQ(result.options.gate.quorum, 3);
}

// For every option, values of every TOML type: what is not taken is told at its place, and then the
// options are as if nothing had been said.
TEST(ConfigFaultsTest, AValueIsTakenOrToldAndChangesNothing) {
  const char* values[] = {"true",      "7",  "-7",       "1.5",        "\"text\"", "[]", "[7]",
                          "[true, 7]", "{}", "12:00:00", "2026-01-01", "[[]]",     "nan"};
  const std::string others = "[controller]\n[tls]\ncertificate = \"c\"\nprivate_key = \"k\"\n";
  const Options defaults = ReadConfig(others, "f.toml", std::vector<std::string>{}).options;
  for (const ConfigKey& key : Keys()) {
    int refused = 0;
    for (const char* value : values) {
      const ConfigResult read = ReadConfig(
          others, "f.toml",
          std::vector<std::string>{absl::StrCat(key.section, ".", key.name, "=", value)});
      const bool told = !read.faults.empty() && read.faults[0].key == key.full_name();
      if (!told) continue;
      ++refused;
      // A relation may be broken by a value that was taken: an empty list.
      if (absl::StrContains(read.faults[0].problem, "is empty")) continue;
      EXPECT_EQ(read.options, defaults) << key.full_name() << " = " << value;
      EXPECT_FALSE(read.faults[0].remedy.empty()) << read.faults[0].ToString();
    }
    // Text takes whatever stands there; no other type takes more than a few of these.
    const bool text = key.type == "path" || key.type == "text" || key.type == "user name";
    EXPECT_GE(refused, text ? 0 : 8) << key.full_name();
  }
}

}  // namespace
}  // namespace floodgate
