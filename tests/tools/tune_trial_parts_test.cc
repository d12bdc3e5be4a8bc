// floodgate-tune: the command lines of a trial, and what is read from what its programs say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "tools/storm/descriptors.h"
#include "tools/tune/trial_commands.h"
#include "tools/tune/trial_reading.h"

namespace floodgate::tune {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string After(const std::vector<std::string>& command, const std::string& option) {
  const auto found = std::find(command.begin(), command.end(), option);
  return found == command.end() || found + 1 == command.end() ? "" : *(found + 1);
}

TEST(TuneTrialCommands, TheStormHasTheCoresThatTheDaemonLeaves) {
  const CoreShares one = ShareCores({2, 5, 7}, 1);
  EXPECT_THAT(one.daemon, ElementsAre(2));
  EXPECT_THAT(one.storm, ElementsAre(5, 7));
  const CoreShares all = ShareCores({2, 5, 7}, 3);
  EXPECT_THAT(all.daemon, ElementsAre(2, 5, 7));
  EXPECT_THAT(all.storm, ElementsAre(7));
}

TEST(TuneTrialCommands, TheDaemonHasTheSetting) {
  Bench bench;
  bench.cores = 3;
  bench.floodgated = "here/floodgated";
  const std::vector<std::string> command =
      DaemonCommand({.backlog = 64, .drain_rate = 500, .handshakes = 16}, bench, 9, "unix:/a",
                    "certificate", "key");
  EXPECT_EQ(command.front(), "here/floodgated");
  EXPECT_EQ(After(command, "--notify-fd"), "9");
  for (const char* set :
       {"agent.backlog=64", "drain.rate=500", "limits.handshakes=16", "limits.source_rate=0",
        "gate.open_delay=0s", "runtime.workers=3", "admin.listen=unix:/a",
        "tls.certificate=certificate", "tls.private_key=key"}) {
    EXPECT_THAT(command, Contains(set));
  }
}

TEST(TuneTrialCommands, TheStormHasTheFleet) {
  Fleet fleet;
  fleet.agents = 300;
  fleet.patience = {.kind = sim::AgentPatience::Kind::kMix,
                    .time = Duration::Milliseconds(500),
                    .other = Duration::Seconds(30)};
  fleet.retry = RetryPolicy::kFullJitter;
  Bench bench;
  bench.storm = "here/floodgate-storm";
  bench.limit = Duration::Seconds(90);
  std::vector<std::string> command = StormCommand(fleet, bench, "127.0.0.1:5");
  EXPECT_EQ(command.front(), "here/floodgate-storm");
  EXPECT_EQ(command.back(), "127.0.0.1:5");
  EXPECT_EQ(After(command, "--agents"), "300");
  EXPECT_EQ(After(command, "--sources"), "300");
  EXPECT_EQ(After(command, "--patience"), "mix:500ms,30s");
  EXPECT_EQ(After(command, "--retry"), "full-jitter");
  EXPECT_EQ(After(command, "--duration"), "1m30s");
  EXPECT_EQ(After(command, "--interval"), "10ms");
  fleet.patience = {.kind = sim::AgentPatience::Kind::kExponential, .time = Duration::Seconds(3)};
  bench.limit = Duration::Seconds(86'400);
  command = StormCommand(fleet, bench, "127.0.0.1:5");
  EXPECT_EQ(After(command, "--patience"), "exp:3s");
  EXPECT_EQ(After(command, "--interval"), "4s320ms");  // No more than 20,000 of them.
}

// Each is a storm, which does not begin with fewer than it may have connections.
TEST(TuneTrialCommands, ATrialTakesTheDescriptorsOfItsLargestStorm) {
  uint64_t probes = 0;
  ASSERT_TRUE(absl::SimpleAtoi(After(ProbeCommand({}, "127.0.0.1:5"), "--agents"), &probes));
  const uint64_t probe = storm::DescriptorsNeeded(probes);
  EXPECT_EQ(DescriptorsOfTrial(1), probe);
  EXPECT_EQ(DescriptorsOfTrial(static_cast<int64_t>(probes)), probe);
  EXPECT_EQ(DescriptorsOfTrial(static_cast<int64_t>(probes) + 1), probe + 1);
  EXPECT_EQ(DescriptorsOfTrial(20'000), storm::DescriptorsNeeded(20'000));
  for (const int64_t agents : {250, 251, 20'000}) {
    EXPECT_EQ(AgentsOfTrial(DescriptorsOfTrial(agents)), agents);
  }
  EXPECT_EQ(AgentsOfTrial(probe - 1), 0);
  EXPECT_EQ(AgentsOfTrial(0), 0);
}

TEST(TuneTrialReading, WhatIsNotOfTheseProgramsIsAnError) {
  EXPECT_EQ(ReadPorts("{}").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReadAgentPort("[1").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(ReadStorm("").status().message()), HasSubstr("the storm's result"));
  EXPECT_THAT(std::string(ReadProbe("5").status().message()), HasSubstr("the probe's result"));
}

TEST(TuneTrialReading, PortsAndStatus) {
  const absl::StatusOr<Ports> ports =
      ReadPorts(R"({"controller":["127.0.0.1:1"],"agent":["127.0.0.1:2"],"admin":["unix:/a"]})");
  ASSERT_TRUE(ports.ok());
  EXPECT_EQ(ports->controller, "127.0.0.1:1");
  EXPECT_EQ(ports->agent, "127.0.0.1:2");
  const absl::StatusOr<StatusReading> status = ReadAgentPort(R"({
    "gate":{"state":"draining"},
    "listeners":[{"name":"controller","queue":{"depth":1,"limit":9}},
                 {"name":"agent","queue":{"depth":2,"limit":9}},
                 {"name":"agent","queue":{"depth":3,"limit":9}}],
    "ports":{"agent":{"connections":{"waiting":0,"stale":7},
                      "handshakes":{"in_flight":0,"begun":11}}},
    "listen_overflows":13})");
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_TRUE(status->gate_is_open);
  EXPECT_EQ(status->queue_depth, 5U);
  EXPECT_EQ(status->stale, 7U);
  EXPECT_EQ(status->begun, 11U);
  EXPECT_EQ(status->overflows, 13U);
  EXPECT_FALSE(status->idle());
}

json StormJson() {
  return json::parse(R"({
    "started_monotonic_s":100.5,"elapsed_s":0.25,"ended_by":"done","agents_served":50,
    "time_to_50_percent_s":0.1,"time_to_99_percent_s":0.2,"time_to_all_s":null,
    "attempts":60,"syn_retransmits":null,"cpu_share":0.5,
    "outcomes":{"served":50,"no_port":0,"patience_in_connect":1,"patience_in_handshake":2,
                "patience_in_answer":4},
    "timeline":[{"t_s":0,"served":20},{"t_s":0.1,"served":25},{"t_s":0.2,"served":5}]})");
}

TEST(TuneTrialReading, TheStorm) {
  const absl::StatusOr<StormReading> storm = ReadStorm(StormJson().dump());
  ASSERT_TRUE(storm.ok()) << storm.status();
  EXPECT_EQ(storm->started, Instant{100'500'000'000});
  EXPECT_TRUE(storm->everybody_ended);
  EXPECT_EQ(storm->half, Duration::Milliseconds(100));
  EXPECT_EQ(storm->all, std::nullopt);
  EXPECT_EQ(storm->gave_up, 7U);
  EXPECT_EQ(storm->syn_retransmits, 0U);
  ASSERT_THAT(storm->timeline, SizeIs(3));
  EXPECT_EQ(storm->timeline[0].at, Duration::Milliseconds(100));
  EXPECT_EQ(storm->timeline[1].served, 45U);
  EXPECT_EQ(storm->timeline[2].at, Duration::Milliseconds(250));
  EXPECT_EQ(storm->timeline[2].served, 50U);
}

TEST(TuneTrialReading, AStormThatLackedPortsSaysNothing) {
  json storm = StormJson();
  storm["outcomes"]["no_port"] = 3;
  const absl::Status status = ReadStorm(storm.dump()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("ip_local_port_range"));
}

// `failed` of a hundred tries, and one that was under way.
ProbeReading Probe(int failed) {
  const json probe = {{"attempts", 101},
                      {"outcomes", {{"served", 100 - failed}, {"unfinished", 1}}},
                      {"latency_ms", {{"served", {{"p50", 2.5}, {"p99", 8.0}}}}}};
  const absl::StatusOr<ProbeReading> reading = ReadProbe(probe.dump());
  EXPECT_TRUE(reading.ok()) << reading.status();
  return *reading;
}

TEST(TuneTrialReading, FailedTriesCountAsTheSlowest) {
  EXPECT_EQ(Probe(0).tries, 100U);
  EXPECT_EQ(Probe(0).p50, Duration::Microseconds(2500));
  EXPECT_EQ(Probe(1).p99, Duration::Milliseconds(8));
  EXPECT_EQ(Probe(2).p99, std::nullopt);
  EXPECT_EQ(Probe(50).p50, Duration::Microseconds(2500));
  EXPECT_EQ(Probe(51).p50, std::nullopt);
  EXPECT_EQ(Probe(100).p50, std::nullopt);
}

TEST(TuneTrialReading, ResultIsPutTogether) {
  Fleet fleet;
  fleet.agents = 50;
  const StormReading storm = *ReadStorm(StormJson().dump());
  const auto sample = [&storm](Duration at, uint64_t depth, uint64_t overflows) {
    return StatusSample{.at = storm.started + at,
                        .reading = {.queue_depth = depth, .overflows = overflows}};
  };
  const std::vector<StatusSample> samples = {
      sample(Duration::Milliseconds(-60), 99, 10), sample(Duration::Milliseconds(40), 30, 11),
      sample(Duration::Milliseconds(100), 17, 12), sample(Duration::Milliseconds(260), 98, 13)};
  const StatusReading end{.begun = 54, .stale = 6, .overflows = 14};
  const TrialResult result = MakeResult(fleet, storm, Probe(0), samples, end);
  EXPECT_EQ(result.agents, 50U);
  EXPECT_EQ(result.served, 50U);
  EXPECT_EQ(result.half, storm.half);
  EXPECT_EQ(result.accept_overflows, 4U);
  EXPECT_EQ(result.stale, 6U);
  EXPECT_EQ(result.wasted_handshakes, 4U);
  EXPECT_EQ(result.queue_depth_max, 30U);  // Not what was seen outside of the storm.
  EXPECT_EQ(result.controller_tries, 100U);
  ASSERT_THAT(result.timeline, SizeIs(3));
  EXPECT_EQ(result.timeline[0].at, Duration::Milliseconds(40));
  EXPECT_EQ(result.timeline[0].served, 0U);
  EXPECT_EQ(result.timeline[1].queue_depth, 17U);
  EXPECT_EQ(result.timeline[1].served, 20U);
  EXPECT_EQ(result.timeline[2].at, storm.elapsed);
  EXPECT_EQ(result.timeline[2].served, 50U);
}

TEST(TuneTrialReading, NeighboursInATimelineBecomeOne) {
  std::vector<TrialMoment> moments;
  for (int64_t i = 0; i < 7; ++i) {
    moments.push_back({.at = Duration::Seconds(i),
                       .queue_depth = static_cast<uint64_t>(i == 3 ? 9 : 1),
                       .served = static_cast<uint64_t>(i)});
  }
  EXPECT_THAT(Thin({}, 3), IsEmpty());
  EXPECT_THAT(Thin(moments, 7), SizeIs(7));
  const std::vector<TrialMoment> fewer = Thin(moments, 3);
  ASSERT_THAT(fewer, SizeIs(3));
  EXPECT_EQ(fewer[0].at, Duration::Seconds(2));
  EXPECT_EQ(fewer[0].queue_depth, 1U);
  EXPECT_EQ(fewer[1].at, Duration::Seconds(5));
  EXPECT_EQ(fewer[1].queue_depth, 9U);
  EXPECT_EQ(fewer[1].served, 5U);
  EXPECT_EQ(fewer[2].at, Duration::Seconds(6));
}

}  // namespace
}  // namespace floodgate::tune
