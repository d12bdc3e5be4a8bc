// The rules of floodgate-tune audit, each at the number where its answer changes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/tools/tune_rule_cases.h"
#include "tools/tune/audit_report.h"
#include "tools/tune/rules.h"

namespace floodgate::tune {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A host on which nothing is wrong for a thousand agents.
TEST(TuneRules, NothingIsFoundOnAGoodHost) {
  for (const Facts& facts : {GoodFacts(), WithDaemon()}) {
    for (const Finding& finding : Audit(facts)) {
      EXPECT_EQ(finding.severity, kOk) << finding.is;
      EXPECT_THAT(finding.changes, IsEmpty()) << finding.is;
    }
    EXPECT_FALSE(LosesAgents(Audit(facts)));
  }
}

TEST(TuneRules, SomaxconnHoldsOneMoreThanItSays) {
  Check(GoodFacts(), {{"somaxconn",
                       [](Facts& f) { f.host.somaxconn = 998; },
                       kLoses,
                       {"sysctl -w net.core.somaxconn=1000"}},
                      {"somaxconn", [](Facts& f) { f.host.somaxconn = 999; }, kOk},
                      {"somaxconn", [](Facts& f) { f.host.somaxconn = 1000; }, kOk},
                      {"somaxconn",
                       [](Facts& f) {
                         f.agents = 1;
                         f.host.somaxconn = 0;
                       },
                       kOk},
                      {"somaxconn", [](Facts& f) { f.host.somaxconn.reset(); }, kNote}});
}

TEST(TuneRules, AListenersLimitIsThatInForce) {
  const auto listener = [](Facts& f) -> ListenerFacts& { return f.daemon->agents[0]; };
  const std::vector<std::string> set = {"[agent] backlog = 1000"};
  Check(WithDaemon(), {{"listener", [&](Facts& f) { listener(f).limit = 998; }, kLoses, set},
                       {"listener", [&](Facts& f) { listener(f).limit = 999; }, kOk},
                       {"listener", [&](Facts& f) { listener(f).limit = 1000; }, kOk},
                       // Full: at its limit it takes one more.
                       {"listener", [&](Facts& f) { listener(f).depth = 1000; }, kOk},
                       {"listener", [&](Facts& f) { listener(f).depth = 1001; }, kLoses},
                       {"listener", [&](Facts& f) { listener(f).closed = true; }, kNote}});
}

TEST(TuneRules, AQueueThatFloodgatedKeepsShortIsNoFault) {
  Facts facts = WithDaemon();
  facts.daemon->agents[0].limit = 16;
  facts.daemon->waiting = 1;
  for (const char* gate : {"open", "draining"}) {
    facts.daemon->gate = gate;
    EXPECT_EQ(Find(facts, "listener").severity, kNote) << gate;
  }
  facts.daemon->gate = "holding";
  EXPECT_EQ(Find(facts, "listener").severity, kLoses);
  facts.daemon->gate = "open";
  facts.daemon->waiting = 0;
  EXPECT_EQ(Find(facts, "listener").severity, kLoses);
}

TEST(TuneRules, EveryAgentListenerIsLookedAt) {
  Facts facts = WithDaemon();
  facts.daemon->agents.push_back({.address = "10.0.0.1:17070", .depth = 0, .limit = 5});
  std::vector<Severity> severities;
  for (const Finding& finding : Audit(facts)) {
    if (finding.check == "listener") severities.push_back(finding.severity);
  }
  EXPECT_THAT(severities, ElementsAre(kOk, kLoses));
}

TEST(TuneRules, WithoutADaemonTheDefaultBacklogIsJudged) {
  const auto agents = [](int64_t count) { return [count](Facts& f) { f.agents = count; }; };
  Check(GoodFacts(), {{"listener", agents(4096), kOk},
                      {"listener", agents(4097), kOk},
                      {"listener", agents(4098), kNote, {"[agent] backlog = 4098"}}});
}

TEST(TuneRules, TheSynBacklogCountsOnlyWithoutCookies) {
  const auto set = [](int64_t value) {
    return [value](Facts& f) {
      f.host.tcp_syncookies = 0;
      f.host.tcp_max_syn_backlog = value;
    };
  };
  // A quarter, rounded down, is kept for known peers: of 1332 there are 999 for strangers.
  Check(GoodFacts(),
        {{"tcp_max_syn_backlog", set(1332), kNote, {"sysctl -w net.ipv4.tcp_max_syn_backlog=1334"}},
         {"tcp_max_syn_backlog", set(1333), kOk},
         {"tcp_max_syn_backlog", set(1334), kOk},
         {"tcp_max_syn_backlog", [](Facts& f) { f.host.tcp_max_syn_backlog = 1; }, kOk}});
}

TEST(TuneRules, CookiesBeginAtTheLimit) {
  const auto limit = [](int64_t value) { return [value](Facts& f) { f.host.somaxconn = value; }; };
  Check(GoodFacts(), {{"tcp_syncookies", limit(999), kNote},
                      {"tcp_syncookies", limit(1000), kOk},
                      {"tcp_syncookies", limit(1001), kOk}});
  const auto cookies = [](int64_t value) {
    return [value](Facts& f) { f.host.tcp_syncookies = value; };
  };
  Check(GoodFacts(),
        {{"tcp_syncookies", cookies(0), kOk},
         {"tcp_syncookies", cookies(1), kOk},
         {"tcp_syncookies", cookies(2), kNote, {"sysctl -w net.ipv4.tcp_syncookies=1"}}});
  Facts facts = WithDaemon();
  facts.daemon->agents[0].limit = 999;  // In force; somaxconn has been raised since.
  EXPECT_EQ(Find(facts, "tcp_syncookies").severity, kNote);
}

TEST(TuneRules, ResetsOnOverflowMatterWhereTheQueueIsTooShort) {
  const auto set = [](int64_t value, int64_t limit) {
    return [=](Facts& f) {
      f.host.tcp_abort_on_overflow = value;
      f.host.somaxconn = limit;
    };
  };
  const std::vector<std::string> off = {"sysctl -w net.ipv4.tcp_abort_on_overflow=0"};
  Check(GoodFacts(), {{"tcp_abort_on_overflow", set(0, 1), kOk},
                      {"tcp_abort_on_overflow", set(1, 998), kLoses, off},
                      {"tcp_abort_on_overflow", set(1, 999), kNote, off},
                      {"tcp_abort_on_overflow", set(1, 1000), kNote, off}});
}

TEST(TuneRules, SynAckRetriesAndMigration) {
  const auto retries = [](int64_t value) {
    return [value](Facts& f) { f.host.tcp_synack_retries = value; };
  };
  Check(GoodFacts(),
        {{"tcp_synack_retries", retries(2), kNote, {"sysctl -w net.ipv4.tcp_synack_retries=5"}},
         {"tcp_synack_retries", retries(3), kOk},
         {"tcp_synack_retries", retries(4), kOk},
         {"tcp_migrate_req", [](Facts& f) { f.host.tcp_migrate_req = 1; }, kOk},
         {"tcp_migrate_req", [](Facts& f) { f.host.tcp_migrate_req.reset(); }, kOk}});
  Facts facts = GoodFacts();
  EXPECT_THAT(Find(facts, "tcp_synack_retries").why, HasSubstr("63 s"));
}

TEST(TuneRules, DescriptorsNeededIsTheLeastThatServesThatMany) {
  // As Server::MakeCapacity counts.
  const auto serves = [](int64_t limit) {
    const int64_t reserve = std::clamp<int64_t>(limit / 8, 32, 1024);
    return std::max<int64_t>((limit - reserve) / 2, 1);
  };
  for (const int64_t agents : {2, 100, 112, 113, 114, 1000, 3583, 3584, 3585, 100'000}) {
    const int64_t needed = DescriptorsNeeded(agents);
    EXPECT_EQ(serves(needed), agents);
    EXPECT_LT(serves(needed - 1), agents);
  }
  EXPECT_EQ(DescriptorsNeeded(10'000), 21'024);
}

TEST(TuneRules, Descriptors) {
  const auto limit = [](int64_t value) {
    return [value](Facts& f) { f.host.descriptors_max = value; };
  };
  const int64_t needed = DescriptorsNeeded(1000);
  const std::string unit = "LimitNOFILE=" + std::to_string(needed);
  Check(GoodFacts(), {{"descriptors", limit(needed - 1), kLoses, {unit}},
                      {"descriptors", limit(needed), kOk},
                      {"descriptors", limit(needed + 1), kOk},
                      {"descriptors", limit(std::numeric_limits<int64_t>::max()), kOk},
                      {"descriptors",
                       [](Facts& f) { f.host.descriptors_max = f.host.nr_open = 1024; },
                       kLoses,
                       {"sysctl -w fs.nr_open=" + std::to_string(needed), unit}}});
}

TEST(TuneRules, LocalPorts) {
  const auto range = [](int64_t first, int64_t last, int64_t agents) {
    return [=](Facts& f) {
      f.host.local_port_first = first;
      f.host.local_port_last = last;
      f.agents = agents;
    };
  };
  const std::string sysctl = "sysctl -w net.ipv4.ip_local_port_range=";
  Check(GoodFacts(),
        {{"local_ports", range(40'000, 40'998, 1000), kLoses, {sysctl + "\"40000 65535\""}},
         {"local_ports", range(40'000, 40'999, 1000), kOk},
         {"local_ports", range(40'000, 41'000, 1000), kOk},
         {"local_ports", range(32'768, 60'999, 40'000), kLoses, {sysctl + "\"25536 65535\""}},
         // Low enough for the listeners' own ports.
         {"local_ports",
          range(32'768, 60'999, 64'512),
          kLoses,
          {sysctl + "\"1024 65535\"", "sysctl -w net.ipv4.ip_local_reserved_ports=17070-17072"}},
         {"local_ports",
          range(32'768, 60'999, 64'513),
          kLoses,
          {"[backend] address = \"unix:/run/controller.sock\""}}});
  Facts facts = GoodFacts();
  facts.agents = 100'000;
  facts.unix_backend = true;
  EXPECT_EQ(Find(facts, "local_ports").severity, kOk);
}

TEST(TuneRules, Conntrack) {
  const auto set = [](int64_t max, int64_t count) {
    return [=](Facts& f) {
      f.host.conntrack_max = max;
      f.host.conntrack_count = count;
    };
  };
  const std::string key = "sysctl -w net.netfilter.nf_conntrack_max=";
  Check(GoodFacts(), {{"nf_conntrack_max", set(1999, 50), kLoses, {key + "2050"}},
                      {"nf_conntrack_max", set(2000, 50), kOk},
                      {"nf_conntrack_max", set(2001, 50), kOk},
                      {"nf_conntrack_max", set(1999, 0), kNote, {key + "2000"}},
                      {"nf_conntrack_max", [](Facts& f) { f.host.conntrack_max.reset(); }, kOk}});
  Facts facts = GoodFacts();
  facts.unix_backend = true;
  facts.host.conntrack_max = 1000;
  EXPECT_EQ(Find(facts, "nf_conntrack_max").severity, kOk);
}

TEST(TuneRules, CountersAreNoted) {
  for (const char* check :
       {"listen_overflows", "listen_drops", "syn_queue_cookies", "syn_queue_drops"}) {
    Facts facts = GoodFacts();
    EXPECT_EQ(Find(facts, check).severity, kOk);
    facts.host.listen_overflows = facts.host.listen_drops = 1;
    facts.host.syn_queue_cookies = facts.host.syn_queue_drops = 1;
    EXPECT_EQ(Find(facts, check).severity, kNote);
    EXPECT_EQ(Find(facts, check).value, 1);
  }
}

TEST(TuneRules, AnotherNetworkNamespaceIsTold) {
  Facts facts = WithDaemon();
  facts.daemon->other_network_namespace = true;
  const Finding finding = Find(facts, "network_namespace");
  EXPECT_EQ(finding.severity, kNote);
  EXPECT_THAT(finding.why, HasSubstr("nsenter --net=/proc/77/ns/net floodgate-tune audit"));
}

TEST(TuneReport, TextAndJsonSayTheSame) {
  Facts facts = WithDaemon();
  facts.host.somaxconn = 128;
  facts.host.listen_overflows = 3;
  const std::vector<Finding> findings = Audit(facts);
  const std::string text = AuditText(facts, findings);
  EXPECT_THAT(text, HasSubstr("1000 agents at once; floodgated 0.1.0, gate holding, 0 connec"));
  EXPECT_THAT(text, HasSubstr("\nloses-agents net.core.somaxconn = 128\n"));
  EXPECT_THAT(text, HasSubstr("\n    set: sysctl -w net.core.somaxconn=1000\n"));
  EXPECT_THAT(text, HasSubstr("\nnote         TcpExt ListenOverflows = 3\n"));
  EXPECT_THAT(text, HasSubstr("\n1 would lose agents, 1 to note, 14 ok\n"));
  const auto json = nlohmann::json::parse(AuditJson(facts, findings));
  EXPECT_EQ(json.at("agents"), 1000);
  EXPECT_EQ(json.at("daemon_asked"), true);
  EXPECT_EQ(json.at("loses_agents"), true);
  ASSERT_EQ(json.at("findings").size(), findings.size());
  const auto& first = json.at("findings").at(0);
  EXPECT_EQ(first.at("check"), "somaxconn");
  EXPECT_EQ(first.at("severity"), "loses-agents");
  EXPECT_EQ(first.at("value"), 128);
  EXPECT_EQ(first.at("needed"), 999);
  EXPECT_EQ(first.at("set").at(0).at("kind"), "sysctl");
  EXPECT_EQ(first.at("set").at(0).at("key"), "net.core.somaxconn");
  EXPECT_EQ(first.at("set").at(0).at("value"), "1000");
  EXPECT_EQ(first.at("set").at(0).at("line"), "sysctl -w net.core.somaxconn=1000");
  for (const auto& finding : json.at("findings")) {
    std::set<std::string> keys;
    for (const auto& [key, value] : finding.items()) keys.insert(key);
    EXPECT_EQ(keys,
              (std::set<std::string>{"check", "severity", "is", "value", "needed", "why", "set"}));
  }
}

}  // namespace
}  // namespace floodgate::tune
