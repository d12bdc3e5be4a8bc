// Options to text and back, for options drawn at random; and what a reload makes of two of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/prng.h"
#include "core/config.h"
#include "core/config_keys.h"
#include "core/config_rules.h"
#include "core/duration.h"

namespace floodgate {
namespace {

using ::testing::IsEmpty;

// Draws options within their ranges; one draw a statement, so that a seed is the same everywhere.
class Drawer {
 public:
  explicit Drawer(uint64_t seed) : prng_(seed) {}

  Options Draw() {
    Options options;
    if (prng_.Chance(70)) options.controller = DrawController();
    options.agent.listen = DrawEndpoints(1);
    options.agent.backlog = DrawInt(1, 2'147'483'647);
    options.agent.hold = Pick({Hold::kPark, Hold::kRefuse});
    options.agent.deny = DrawBlocks();
    DrawGate(options.gate);
    options.drain.rate = DrawRate();
    options.drain.ramp = DrawDuration();
    DrawLimits(options.limits);
    if (prng_.Chance(70)) options.tls = DrawTls();
    options.backend.address = DrawEndpoint();
    options.backend.proxy_protocol = prng_.Chance(50);
    options.backend.connect_timeout = DrawDuration() + Duration::Milliseconds(1);
    options.admin.listen = DrawEndpoint();
    options.admin.mode = static_cast<uint32_t>(DrawInt(0, 0777));
    DrawRuntime(options.runtime);
    return options;
  }

 private:
  int DrawInt(int min, int max) {
    const auto width = static_cast<uint64_t>(static_cast<int64_t>(max) - min + 1);
    return static_cast<int>(min + static_cast<int64_t>(prng_.Below(width)));
  }
  template <typename T>
  T Pick(std::initializer_list<T> from) {
    return from.begin()[prng_.Below(from.size())];
  }
  Duration DrawDuration() {
    // From microseconds to most of a year, every order of magnitude alike.
    const int64_t unit = Pick<int64_t>({1, 1'000, 1'000'000, 60'000'000, 3'600'000'000});
    const auto count = static_cast<int64_t>(prng_.Below(8'000));
    return Duration::Microseconds(unit * count);
  }
  double DrawRate() {
    const double scale = Pick<double>({0, 1e-6, 0.1, 1, 1e3, 1e9});
    const auto part = static_cast<double>(prng_.Below(1'000'000'007));
    return scale * (part / 1'000'000'007);
  }
  std::string DrawText() {
    static const std::vector<std::string> pieces = {
        "a", "/", " ",    "\"",    "\\",   "'",    "#",        "=",
        "[", "]", "\n",   "\t",    "\x7f", "\x01", "\xc3\xa9", "\xf0\x9f\x98\x80",
        "0", ".", "\r\n", "\"\"\""};
    std::string text;
    const int count = DrawInt(1, 12);
    for (int i = 0; i < count; ++i) text += pieces[prng_.Below(pieces.size())];
    return text;
  }
  IpAddress DrawAddress() {
    IpAddress address;
    for (uint8_t& byte : address.bytes) byte = static_cast<uint8_t>(prng_.Next());
    const auto v4 = static_cast<uint32_t>(prng_.Next());
    return prng_.Chance(50) ? address : IpAddress::V4(v4);
  }
  std::vector<Cidr> DrawBlocks() {
    std::vector<Cidr> blocks;
    for (int left = DrawInt(0, 3); left > 0; --left) {
      const IpAddress address = DrawAddress();
      const int bits = DrawInt(0, address.is_v4() ? 32 : 128);
      blocks.push_back({Truncate(address, bits), bits});
    }
    return blocks;
  }
  Endpoint DrawEndpoint() {
    Endpoint endpoint;
    endpoint.kind =
        Pick({Endpoint::Kind::kTcp, Endpoint::Kind::kUnixPath, Endpoint::Kind::kUnixAbstract});
    if (endpoint.is_unix()) {
      endpoint.path = absl::StrCat("/", DrawText(), "x");
      return endpoint;
    }
    endpoint.host = prng_.Chance(50) ? DrawAddress().ToString() : "host-1.example.com";
    endpoint.port = static_cast<uint16_t>(DrawInt(0, 65'535));
    return endpoint;
  }
  std::vector<Endpoint> DrawEndpoints(int least) {
    std::vector<Endpoint> endpoints;
    for (int left = DrawInt(least, 3); left > 0; --left) endpoints.push_back(DrawEndpoint());
    return endpoints;
  }
  ControllerOptions DrawController() {
    ControllerOptions controller;
    controller.listen = DrawEndpoints(1);
    controller.allow = DrawBlocks();
    if (prng_.Chance(50)) controller.client_ca = DrawText();
    return controller;
  }
  void DrawGate(GateOptions& gate) {
    gate.open_on.clear();
    for (const Condition condition : {Condition::kManual, Condition::kQuorum,
                                      Condition::kSelfConnection, Condition::kPeergrouper}) {
      if (prng_.Chance(50)) gate.open_on.push_back(condition);
    }
    gate.self_id = DrawText();
    gate.quorum = DrawInt(1, 1'000'000);
    gate.open_delay = DrawDuration();
    gate.rehold = prng_.Chance(50);
    gate.rehold_after = DrawDuration();
    gate.open_anyway_after = DrawDuration();
  }
  void DrawLimits(LimitOptions& limits) {
    limits.source_rate = DrawRate();
    limits.source_burst = DrawInt(1, 1'000'000'000);
    limits.source_prefix_v4 = DrawInt(0, 32);
    limits.source_prefix_v6 = DrawInt(0, 128);
    limits.source_connections = DrawInt(0, 1'000'000'000);
    limits.sources = DrawInt(1, 100'000'000);
    limits.exempt = DrawBlocks();
    limits.over_limit = Pick({OverLimit::kDelay, OverLimit::kReset, OverLimit::kQueue});
    limits.delay = DrawDuration();
    limits.delayed = DrawInt(0, 10'000'000);
    limits.connections = DrawInt(0, 1'000'000'000);
    limits.handshakes = DrawInt(0, 10'000'000);
    limits.waiting = DrawInt(1, 10'000'000);
    if (prng_.Chance(50)) limits.patience = DrawDuration() + Duration::Milliseconds(1);
    limits.handshake_timeout = DrawDuration() + Duration::Milliseconds(1);
  }
  TlsOptions DrawTls() {
    TlsOptions tls;
    tls.certificate = DrawText();
    tls.private_key = DrawText();
    tls.min_version = Pick({TlsVersion::kTls12, TlsVersion::kTls13});
    tls.tickets = prng_.Chance(50);
    return tls;
  }
  void DrawRuntime(RuntimeOptions& runtime) {
    runtime.engine = Pick({EngineChoice::kAuto, EngineChoice::kUring, EngineChoice::kEpoll});
    runtime.workers = DrawInt(0, 255);
    runtime.log = Pick(
        {LogLevel::kTrace, LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError});
    runtime.log_format = Pick({LogFormat::kText, LogFormat::kJson});
    if (prng_.Chance(50)) runtime.user = DrawText();
    runtime.drain_timeout = DrawDuration();
    if (prng_.Chance(50)) runtime.ports_file = DrawText();
  }

  Prng prng_;
};

constexpr uint64_t kSeeds = 2'000;

// What is random breaks rules now and then; reading must break none but those.
std::vector<std::string> FaultsBesidesRules(const ConfigResult& result) {
  std::set<std::pair<std::string, std::string>> rules;
  for (const RuleFault& rule : BrokenRules(result.options)) rules.emplace(rule.key, rule.remedy);
  std::vector<std::string> others;
  for (const ConfigFault& fault : result.faults) {
    if (rules.count({fault.key, fault.remedy}) == 0) others.push_back(fault.ToString());
  }
  return others;
}

TEST(ConfigRoundTripTest, WhatIsWrittenReadsBackEqual) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Options options = Drawer(seed).Draw();
    const std::string text = WriteConfig(options);
    const ConfigResult read = ReadConfig(text, "written", {});
    ASSERT_THAT(FaultsBesidesRules(read), IsEmpty()) << "seed " << seed << "\n" << text;
    ASSERT_EQ(read.options, options) << "seed " << seed << "\n" << text;
    ASSERT_THAT(Compare(read.options, options), IsEmpty());
    ASSERT_EQ(WriteConfig(read.options), text) << "seed " << seed;
  }
}

TEST(ConfigRoundTripTest, EveryOptionIsWrittenUnlessItsSectionIsAbsent) {
  const std::string text = WriteConfig(ReadConfig("", "f", {}).options);
  for (const ConfigKey& key : Keys()) {
    const bool written = text.find(absl::StrCat("\n", key.name, " = ")) != std::string::npos;
    EXPECT_TRUE(written || IsOptionalSection(key.section)) << key.full_name();
  }
  EXPECT_NE(text.find("# [controller] is absent\n"), std::string::npos);
  EXPECT_NE(text.find("# [tls] is absent\n"), std::string::npos);
}

// What each --set of a written value does to the defaults is what the whole text does.
TEST(ConfigRoundTripTest, OptionByOptionIsAsGoodAsTheWholeText) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const Options options = Drawer(seed).Draw();
    std::vector<std::string> sets;
    for (const ConfigKey& key : Keys()) {
      if (!HasSection(options, key.section)) continue;
      sets.push_back(absl::StrCat(key.full_name(), "=", key.write(options)));
    }
    const ConfigResult read = ReadConfig("", "f", sets);
    ASSERT_THAT(FaultsBesidesRules(read), IsEmpty()) << "seed " << seed;
    ASSERT_EQ(read.options, options) << "seed " << seed;
  }
}

TEST(ConfigReloadTest, NothingDiffersFromItself) {
  const Options options = Drawer(1).Draw();
  EXPECT_THAT(Compare(options, options), IsEmpty());
  EXPECT_EQ(WithLiveKeys(options, options), options);
}

// The rules of a reload, in the words of the contract; all else is derived from the table.
TEST(ConfigReloadTest, WhatIsLiveIsWhatWasPromised) {
  const std::set<std::string> restart = {
      "controller.listen", "agent.listen", "agent.hold",         "limits.refuse_in_kernel",
      "limits.sources",    "admin.listen", "admin.mode",         "runtime.engine",
      "runtime.workers",   "runtime.user", "runtime.log_format", "runtime.ports_file"};
  std::set<std::string> found;
  for (const ConfigKey& key : Keys()) {
    if (!key.live) found.insert(key.full_name());
  }
  EXPECT_EQ(found, restart);
}

TEST(ConfigReloadTest, EachOptionThatDiffersIsNamedOnce) {
  // Of two random configurations with both sections, take over one option after the other.
  int compared = 0;
  for (uint64_t seed = 0; compared < 100; ++seed) {
    Options from = Drawer(seed).Draw();
    Options to = Drawer(seed + 1'000'000).Draw();
    AddSection(from, "controller");
    AddSection(from, "tls");
    AddSection(to, "controller");
    AddSection(to, "tls");
    ++compared;
    for (const ConfigKey& key : Keys()) {
      Options one = from;
      key.copy(to, one);
      const std::vector<KeyChange> changes = Compare(from, one);
      if (key.write(from) == key.write(to)) {
        ASSERT_THAT(changes, IsEmpty()) << key.full_name();
        continue;
      }
      ASSERT_EQ(changes.size(), 1u) << key.full_name();
      ASSERT_EQ(changes[0].key, key.full_name());
      ASSERT_EQ(changes[0].live, key.live);
      from = one;
    }
    ASSERT_EQ(from, to) << "every field has an option that copies it";
  }
}

TEST(ConfigReloadTest, LiveOptionsComeIntoForceAndTheOthersWait) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    const Options running = Drawer(seed).Draw();
    const Options wanted = Drawer(seed + 1'000'000).Draw();
    const Options merged = WithLiveKeys(running, wanted);
    std::map<std::string, bool> expected;
    for (const KeyChange& change : Compare(running, wanted)) {
      // What is still to be done afterwards is what needs a restart.
      if (!change.live) expected[change.key] = false;
    }
    std::map<std::string, bool> left;
    for (const KeyChange& change : Compare(merged, wanted)) left[change.key] = change.live;
    ASSERT_EQ(left, expected) << "seed " << seed;
    ASSERT_EQ(merged.controller.has_value(), running.controller.has_value());
    ASSERT_EQ(merged.tls.has_value(), running.tls.has_value());
  }
}

TEST(ConfigReloadTest, ASectionThatComesOrGoesIsToldOnce) {
  const Options without = ReadConfig("", "f", {}).options;
  const Options with =
      ReadConfig("[tls]\ncertificate = \"c\"\nprivate_key = \"k\"\n", "f", {}).options;
  for (const auto& [running, wanted] : {std::pair(without, with), std::pair(with, without)}) {
    const std::vector<KeyChange> changes = Compare(running, wanted);
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].key, "tls");
    EXPECT_FALSE(changes[0].live);
  }
}

TEST(DurationRoundTripTest, EveryMicrosecondReadsBack) {
  Prng prng(5);
  for (int i = 0; i < 20'000; ++i) {
    const int64_t bound = int64_t{1} << (1 + prng.Below(44));  // 2^44 us is 203 days
    const Duration duration =
        Duration::Microseconds(static_cast<int64_t>(prng.Below(static_cast<uint64_t>(bound))));
    ASSERT_EQ(ParseDuration(FormatDuration(duration)), duration) << FormatDuration(duration);
  }
}

}  // namespace
}  // namespace floodgate
