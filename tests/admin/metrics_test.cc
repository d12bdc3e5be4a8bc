#include "admin/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "admin/metrics_text.h"
#include "tests/admin/exposition.h"

namespace floodgate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

StatusSnapshot Busy() {
  StatusSnapshot status;
  status.gate = GateState::kDraining;
  status.gate_open_total = Duration::Milliseconds(2500);
  status.patience = Duration::Milliseconds(1500);
  status.listeners = {
      {.port = Port::kAgent, .address = "[::]:1", .queue_depth = 12, .queue_limit = 4096},
      {.port = Port::kAgent, .address = "unix:/a", .queue_depth = 3, .queue_limit = 128},
      {.port = Port::kController, .address = "127.0.0.1:2", .queue_depth = 1, .queue_limit = 64}};
  PortCounters& agent = status.ports[static_cast<size_t>(Port::kAgent)];
  agent.accepted = 9'007'199'254'740'991;  // 2^53 - 1
  agent.admitted = 77;
  agent.refused = {1, 2, 3, 4, 5, 6, 7};
  agent.stale = 8;
  agent.waiting = 9;
  agent.delayed = 10;
  agent.handshaking = 11;
  agent.active = 12;
  agent.handshakes_completed = 60;
  agent.handshakes_resumed = 20;
  agent.handshakes_failed = 6;
  status.ports[static_cast<size_t>(Port::kController)].stale = 2;
  status.listen_overflows = 13;
  status.backend_errors = 14;
  status.bytes_to_backend = 15;
  status.bytes_to_client = 16;
  status.sources_tracked = 17;
  status.sources_evicted = 18;
  status.syn_refused = 19;
  status.queue_seconds = {
      .upper_bounds_s = {0.001, 0.25, 10}, .counts = {1, 0, 4, 2}, .sum_s = 12.5, .count = 7};
  return status;
}

// The names and labels of the contract, word for word.
const std::set<std::string>& ContractNames() {
  static const std::set<std::string> names = {"floodgate_gate_state",
                                              "floodgate_gate_open_seconds",
                                              "floodgate_listener_queue_depth",
                                              "floodgate_listener_queue_limit",
                                              "floodgate_listen_overflows_total",
                                              "floodgate_connections_accepted_total",
                                              "floodgate_connections_admitted_total",
                                              "floodgate_connections_refused_total",
                                              "floodgate_connections_stale_total",
                                              "floodgate_connections_waiting",
                                              "floodgate_connections_delayed",
                                              "floodgate_agent_patience_seconds",
                                              "floodgate_connections_active",
                                              "floodgate_connection_queue_seconds",
                                              "floodgate_handshakes_in_flight",
                                              "floodgate_handshakes_total",
                                              "floodgate_handshake_seconds",
                                              "floodgate_backend_connect_seconds",
                                              "floodgate_backend_errors_total",
                                              "floodgate_relay_bytes_total",
                                              "floodgate_sources_tracked",
                                              "floodgate_sources_evicted_total",
                                              "floodgate_syn_refused_total",
                                              "process_cpu_seconds_total",
                                              "process_open_fds",
                                              "process_max_fds",
                                              "process_virtual_memory_bytes",
                                              "process_resident_memory_bytes",
                                              "process_start_time_seconds"};
  return names;
}

TEST(Metrics, KeepEveryRuleOfTheFormat) {
  for (const StatusSnapshot& status : {StatusSnapshot(), Busy()}) {
    EXPECT_THAT(ParseExposition(MetricsText(status, ReadProcess())).faults, IsEmpty());
    EXPECT_THAT(ParseExposition(MetricsText(status, {})).faults, IsEmpty());
  }
}

TEST(Metrics, AreThoseOfTheContract) {
  const Exposition text = ParseExposition(MetricsText(Busy(), ReadProcess()));
  std::set<std::string> names;
  for (const auto& [name, family] : text.families) names.insert(name);
  EXPECT_EQ(names, ContractNames());
}

TEST(Metrics, CarryTheSnapshotsNumbers) {
  const Exposition text = ParseExposition(MetricsText(Busy(), {}));
  const auto value = [&](const std::string& name, const Exposition::Labels& labels = {}) {
    return text.Value("floodgate_" + name, labels);
  };
  EXPECT_EQ(value("gate_state", {{"state", "draining"}}), 1);
  for (const char* state : {"holding", "settling", "open", "stopping"}) {
    EXPECT_EQ(value("gate_state", {{"state", state}}), 0) << state;
  }
  EXPECT_EQ(value("gate_open_seconds"), 2.5);
  EXPECT_EQ(value("agent_patience_seconds"), 1.5);
  EXPECT_EQ(value("listener_queue_depth", {{"listener", "agent"}}), 15) << "summed over addresses";
  EXPECT_EQ(value("listener_queue_limit", {{"listener", "agent"}}), 4224);
  EXPECT_EQ(value("listener_queue_depth", {{"listener", "controller"}}), 1);
  EXPECT_EQ(value("listen_overflows_total"), 13);
  EXPECT_EQ(value("connections_accepted_total", {{"listener", "agent"}}), 9'007'199'254'740'991.0);
  EXPECT_EQ(value("connections_accepted_total", {{"listener", "controller"}}), 0);
  EXPECT_EQ(value("connections_admitted_total", {{"listener", "agent"}}), 77);
  EXPECT_EQ(value("connections_stale_total"), 10) << "over both ports";
  EXPECT_EQ(value("connections_waiting"), 9);
  EXPECT_EQ(value("connections_delayed"), 10);
  EXPECT_EQ(value("connections_active", {{"listener", "agent"}}), 12);
  EXPECT_EQ(value("handshakes_in_flight"), 11);
  EXPECT_EQ(value("handshakes_total", {{"listener", "agent"}, {"result", "full"}}), 40);
  EXPECT_EQ(value("handshakes_total", {{"listener", "agent"}, {"result", "resumed"}}), 20);
  EXPECT_EQ(value("handshakes_total", {{"listener", "agent"}, {"result", "failed"}}), 6);
  EXPECT_EQ(value("backend_errors_total"), 14);
  EXPECT_EQ(value("relay_bytes_total", {{"direction", "to_backend"}}), 15);
  EXPECT_EQ(value("relay_bytes_total", {{"direction", "to_client"}}), 16);
  EXPECT_EQ(value("sources_tracked"), 17);
  EXPECT_EQ(value("sources_evicted_total"), 18);
  EXPECT_EQ(value("syn_refused_total"), 19);
}

TEST(Metrics, CountRefusalsByReasonOnBothPorts) {
  const Exposition text = ParseExposition(MetricsText(Busy(), {}));
  double expected = 1;
  for (const absl::string_view reason : kRefusalReasonNames) {
    const std::string name(reason);
    EXPECT_EQ(text.Value("floodgate_connections_refused_total",
                         {{"listener", "agent"}, {"reason", name}}),
              expected++);
    EXPECT_EQ(text.Value("floodgate_connections_refused_total",
                         {{"listener", "controller"}, {"reason", name}}),
              0);
  }
}

TEST(Metrics, HistogramsAreCumulative) {
  const Exposition text = ParseExposition(MetricsText(Busy(), {}));
  const std::string name = "floodgate_connection_queue_seconds";
  EXPECT_EQ(text.Value(name + "_bucket", {{"le", "0.001"}}), 1);
  EXPECT_EQ(text.Value(name + "_bucket", {{"le", "0.25"}}), 1);
  EXPECT_EQ(text.Value(name + "_bucket", {{"le", "10"}}), 5);
  EXPECT_EQ(text.Value(name + "_bucket", {{"le", "+Inf"}}), 7);
  EXPECT_EQ(text.Value(name + "_sum"), 12.5);
  EXPECT_EQ(text.Value(name + "_count"), 7);
}

TEST(Metrics, AHistogramThatGrewWhileItWasReadStaysOne) {
  StatusSnapshot status;
  status.handshake_seconds = {
      .upper_bounds_s = {1, 2}, .counts = {5, 5, 5}, .sum_s = 1, .count = 9};
  const Exposition text = ParseExposition(MetricsText(status, {}));
  EXPECT_THAT(text.faults, IsEmpty());
  EXPECT_EQ(text.Value("floodgate_handshake_seconds_count"), 15);
}

TEST(Metrics, LeaveOutWhatIsNotKnown) {
  const Exposition text = ParseExposition(MetricsText(StatusSnapshot(), {}));
  EXPECT_FALSE(text.families.contains("floodgate_agent_patience_seconds"));
  EXPECT_FALSE(text.families.contains("process_max_fds"));
  EXPECT_TRUE(text.families.contains("floodgate_gate_state"));
}

TEST(Metrics, DescribeThisProcess) {
  const ProcessSnapshot process = ReadProcess();
  ASSERT_TRUE(process.open_fds && process.resident_memory_bytes && process.virtual_memory_bytes);
  EXPECT_GE(*process.open_fds, 3u);
  EXPECT_GT(*process.resident_memory_bytes, 100'000u);
  EXPECT_GT(*process.virtual_memory_bytes, *process.resident_memory_bytes);
  ASSERT_TRUE(process.start_time_seconds.has_value());
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_LE(*process.start_time_seconds, now + 2);
  EXPECT_GT(*process.start_time_seconds, now - 3600);
  EXPECT_GE(process.cpu_seconds.value_or(-1), 0);
}

TEST(MetricsWriter, EscapesLabelsAndHelp) {
  MetricsWriter writer;
  writer.Family("a", "gauge", "one\\two\nthree");
  writer.Sample({{"label", "back\\slash \"quoted\"\nnext"}}, 1);
  const std::string text = writer.Take();
  EXPECT_EQ(text,
            "# HELP a one\\\\two\\nthree\n# TYPE a gauge\n"
            "a{label=\"back\\\\slash \\\"quoted\\\"\\nnext\"} 1\n");
  EXPECT_EQ(ParseExposition(text).Value("a", {{"label", "back\\slash \"quoted\"\nnext"}}), 1);
}

// The parser of these tests must see faults, or it shows nothing.
TEST(Exposition, SeesWhatIsWrong) {
  const auto faults = [](const std::string& text) { return ParseExposition(text).faults.size(); };
  const std::string good = "# HELP a x\n# TYPE a gauge\na 1\n";
  EXPECT_EQ(faults(good), 0u);
  EXPECT_NE(faults("a 1\n"), 0u);
  EXPECT_NE(faults("# HELP a x\n# TYPE a gauge\na 1"), 0u);
  EXPECT_NE(faults(good + "a 2\n"), 0u);
  EXPECT_NE(faults(good + good), 0u);
  EXPECT_NE(faults("# HELP a x\n# TYPE a gauge\nb 1\n"), 0u);
  EXPECT_NE(faults("# HELP a x\n# TYPE a gauge\na{l=\"\\q\"} 1\n"), 0u);
  EXPECT_NE(faults("# HELP a x\n# TYPE a gauge\na one\n"), 0u);
  EXPECT_NE(faults("# HELP h x\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\n"
                   "h_sum 1\nh_count 1\n"),
            0u);
  EXPECT_NE(faults("# HELP h x\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n"),
            0u);
}

}  // namespace
}  // namespace floodgate
