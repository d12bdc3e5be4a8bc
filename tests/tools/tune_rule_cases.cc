#include "tests/tools/tune_rule_cases.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace floodgate::tune {

Facts GoodFacts() {
  Facts facts;
  facts.agents = 1000;
  facts.host = {.somaxconn = 1000,
                .tcp_max_syn_backlog = 2048,
                .tcp_syncookies = 1,
                .tcp_abort_on_overflow = 0,
                .tcp_synack_retries = 5,
                .tcp_migrate_req = 0,
                .local_port_first = 32'768,
                .local_port_last = 60'999,
                .conntrack_max = 2000,
                .conntrack_count = 50,
                .listen_overflows = 0,
                .listen_drops = 0,
                .syn_queue_cookies = 0,
                .syn_queue_drops = 0,
                .descriptors_max = 20'000,
                .descriptors_of = "this shell",
                .nr_open = 1'048'576,
                .memory_available_bytes = int64_t{1} << 30};
  return facts;
}

Facts WithDaemon() {
  Facts facts = GoodFacts();
  facts.daemon = DaemonFacts{.version = "0.1.0",
                             .gate = "holding",
                             .agents = {{.address = "[::]:17070", .depth = 12, .limit = 1000}},
                             .connections_limit = 0,
                             .pid = 77};
  return facts;
}

Finding Find(const Facts& facts, const std::string& check) {
  for (Finding& finding : Audit(facts)) {
    if (finding.check == check) return finding;
  }
  ADD_FAILURE() << "no finding " << check;
  return {};
}

std::vector<std::string> Lines(const Finding& finding) {
  std::vector<std::string> lines;
  for (const Change& change : finding.changes) lines.push_back(change.Line());
  return lines;
}

void Check(const Facts& good, const std::vector<Case>& cases) {
  for (size_t i = 0; i < cases.size(); ++i) {
    Facts facts = good;
    cases[i].set(facts);
    const Finding finding = Find(facts, cases[i].check);
    EXPECT_EQ(finding.severity, cases[i].severity) << i << ": " << finding.is << finding.why;
    EXPECT_EQ(Lines(finding), cases[i].lines) << i;
    EXPECT_NE(finding.why, "") << i;
  }
}

}  // namespace floodgate::tune
