// The rules of floodgate-tune audit about room for connections: limits.connections, and memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/tools/tune_rule_cases.h"
#include "tools/tune/rules.h"

namespace floodgate::tune {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(TuneRules, ConnectionsBeyondTheLimitAreNotServed) {
  const auto limit = [](std::optional<int64_t> value) {
    return [value](Facts& f) { f.daemon->connections_limit = value; };
  };
  const std::vector<std::string> set = {"[limits] connections = 1000"};
  Check(WithDaemon(), {{"connections", limit(10), kLoses, set},
                       {"connections", limit(999), kLoses, set},
                       {"connections", limit(1000), kOk},
                       {"connections", limit(1001), kOk},
                       {"connections", limit(0), kOk},  // No limit of its own.
                       {"connections", limit(std::nullopt), kNote}});
  Facts facts = WithDaemon();
  facts.daemon->connections_limit = 10;
  const Finding finding = Find(facts, "connections");
  EXPECT_EQ(finding.is, "limits.connections = 10");
  EXPECT_THAT(finding.why, HasSubstr("of 1000 agents 990 are not served until others leave"));
  EXPECT_EQ(finding.value, 10);
  EXPECT_EQ(finding.needed, 1000);
  EXPECT_THAT(Find(GoodFacts(), "connections").is, HasSubstr("not known without --admin"));
}

// The two findings do not ask for different values of one key.
TEST(TuneRules, ConnectionsAreNotRaisedBeyondWhatMemoryBears) {
  Facts facts = WithDaemon();
  facts.host.memory_available_bytes = 600 * kBytesPerConnection;
  facts.daemon->connections_limit = 10;
  EXPECT_THAT(Lines(Find(facts, "connections")), ElementsAre("[limits] connections = 600"));
  EXPECT_EQ(Find(facts, "memory").severity, kLoses);
  EXPECT_THAT(Lines(Find(facts, "memory")), IsEmpty());
  EXPECT_THAT(Find(facts, "memory").why, HasSubstr("limits.connections = 10 keeps floodgated"));
  facts.daemon->connections_limit = 601;
  EXPECT_THAT(Lines(Find(facts, "connections")), IsEmpty());
  EXPECT_THAT(Find(facts, "connections").why, HasSubstr("memory for 600 connections"));
  EXPECT_THAT(Lines(Find(facts, "memory")), ElementsAre("[limits] connections = 600"));
}

TEST(TuneRules, Memory) {
  const auto available = [](int64_t connections, int64_t more) {
    return
        [=](Facts& f) { f.host.memory_available_bytes = connections * kBytesPerConnection + more; };
  };
  Check(GoodFacts(), {{"memory", available(1000, -1), kLoses, {"[limits] connections = 999"}},
                      {"memory", available(1000, 0), kOk},
                      {"memory", available(1000, 1), kOk}});
  Facts facts = WithDaemon();  // Those who are served have their memory already.
  facts.daemon->active = 400;
  available(600, 0)(facts);
  EXPECT_EQ(Find(facts, "memory").severity, kOk);
  available(600, -1)(facts);
  EXPECT_EQ(Find(facts, "memory").severity, kLoses);
}

TEST(TuneRules, TheSmallestLimitOfMemoryIsTheBound) {
  const std::string file = "/sys/fs/cgroup/system.slice/floodgated.service/memory.max";
  const auto group = [&file](int64_t available) {
    return [&file, available](Facts& f) {
      f.host.memory_limit =
          MemoryLimit{.file = file, .limit_bytes = int64_t{64} << 20, .available_bytes = available};
    };
  };
  Check(GoodFacts(),
        {{"memory", group(1000 * kBytesPerConnection - 1), kLoses, {"[limits] connections = 999"}},
         {"memory", group(1000 * kBytesPerConnection), kOk},
         {"memory",
          [&](Facts& f) {  // Nothing is known of the host.
            group(0)(f);
            f.host.memory_available_bytes.reset();
          },
          kLoses,
          {"[limits] connections = 1"}}});
  Facts facts = GoodFacts();
  group(int64_t{16} << 20)(facts);
  Finding finding = Find(facts, "memory");
  EXPECT_EQ(finding.is, "memory available: 16 MiB, which " + file + " = 64 MiB leaves");
  // 1000 take 23.2 MiB, and 16 of the 64 are left.
  EXPECT_THAT(finding.why, HasSubstr("raise that limit to 72 MiB or more"));
  EXPECT_EQ(finding.value, int64_t{16} << 20);
  // The host has less than the group would leave.
  facts.host.memory_available_bytes = int64_t{8} << 20;
  finding = Find(facts, "memory");
  EXPECT_EQ(finding.is, "memory available: 8 MiB");
  EXPECT_THAT(finding.why, HasSubstr("More memory is the remedy"));
}

TEST(TuneRules, OfADaemonWhoseProcessIsNotKnownTheGroupIsNotEither) {
  Facts facts = WithDaemon();
  EXPECT_THAT(Find(facts, "memory").why, Not(HasSubstr("control group")));
  facts.daemon->pid.reset();
  EXPECT_THAT(Find(facts, "memory").why, HasSubstr("the control group is not known"));
}

}  // namespace
}  // namespace floodgate::tune
