#include "sim/fleet.h"

#include <gtest/gtest.h>

#include "sim/cold_start.h"
#include "sim/scenario.h"

namespace floodgate::sim {
namespace {

FleetSetup Agents(uint64_t count) {
  FleetSetup setup;
  setup.port = kAgentPort;
  setup.arrivals = Arrivals::kUniform;
  setup.gap = Duration::Milliseconds(20);
  setup.agents_max = count;
  return setup;
}

TEST(FleetTest, AgentsAreServedOneByOneWhereThereIsTime) {
  Scenario scenario({});
  scenario.daemon().Open();
  Fleet& fleet = scenario.AddFleet(Agents(50));
  fleet.Start();
  scenario.RunFor(Duration::Seconds(3));
  EXPECT_EQ(fleet.counters().served, 50u);
  EXPECT_EQ(fleet.counters().attempts, 50u);
  EXPECT_EQ(scenario.backend().answered(), 50u);
  EXPECT_EQ(scenario.daemon().hellos_answered(), 50u);
  ASSERT_EQ(fleet.served().size(), 50u);
  for (const Served& served : fleet.served()) {
    // Three round trips and a handshake at the least; nobody else is there.
    EXPECT_GT(served.answered - served.began, Duration::Microseconds(4300 + 6 * 250));
    EXPECT_LT(served.answered - served.began, Duration::Milliseconds(30));
  }
  const PortCounters agents = scenario.daemon().Status().ports[static_cast<size_t>(Port::kAgent)];
  EXPECT_EQ(agents.accepted, 50u);
  EXPECT_EQ(agents.admitted, 50u);
}

TEST(FleetTest, PatienceEndsAnAttemptAndRetriesFollowThePolicy) {
  Scenario scenario({});  // The gate stays shut.
  FleetSetup setup = Agents(20);
  setup.arrivals = Arrivals::kAllAtOnce;
  setup.patience.time = Duration::Seconds(1);
  setup.retry = RetryPolicy::kExponential;
  setup.retry_base = Duration::Seconds(1);
  setup.retry_cap = Duration::Seconds(3);
  Fleet& fleet = scenario.AddFleet(setup);
  fleet.Start();
  // Attempts begin at 0, then 1 s of patience and a delay each: of 1, 2, 3, 3 s.
  for (const auto& [at_s, attempts] : {std::pair(1, 20u), {3, 40u}, {6, 60u}, {10, 80u}}) {
    scenario.RunUntil(Instant{} + Duration::Seconds(at_s) - Duration::Milliseconds(1));
    EXPECT_EQ(fleet.counters().attempts, attempts) << "before " << at_s << " s";
  }
  EXPECT_EQ(fleet.counters().gave_up, 60u);
  EXPECT_EQ(fleet.unserved(), 20u);
}

TEST(FleetTest, WithoutRetriesWhoLeavesIsGone) {
  Scenario scenario({});
  Fleet& fleet = scenario.AddFleet(Agents(20));
  fleet.Start();
  scenario.RunFor(Duration::Seconds(3));
  EXPECT_EQ(fleet.counters().gave_up, 20u);
  EXPECT_EQ(fleet.unserved(), 0u);
  EXPECT_EQ(fleet.counters().served, 0u);
}

TEST(FleetTest, WhereNobodyListensAgentsAreRefusedAndPauseBeforeTheyComeAgain) {
  ScenarioSetup setup;
  setup.daemon.options.agent.hold = Hold::kRefuse;
  Scenario scenario(setup);
  FleetSetup agents = Agents(10);
  agents.arrivals = Arrivals::kAllAtOnce;
  agents.retry = RetryPolicy::kImmediate;
  Fleet& fleet = scenario.AddFleet(agents);
  fleet.Start();
  scenario.RunFor(Duration::Seconds(1));
  // A round trip of 0.5 to 1 ms and a pause of 0.3 ms each.
  EXPECT_GT(fleet.counters().refused, 10u * 750);
  EXPECT_LT(fleet.counters().refused, 10u * 1260);
  EXPECT_EQ(fleet.counters().gave_up, 0u);
}

TEST(FleetTest, ArrivalsByPoissonComeAtTheirRateAndNotEvenly) {
  Scenario scenario({});
  FleetSetup setup = Agents(UINT32_MAX);
  setup.arrivals = Arrivals::kPoisson;
  setup.gap = Duration::Milliseconds(1);
  Fleet& fleet = scenario.AddFleet(setup);
  fleet.Start();
  scenario.RunFor(Duration::Seconds(5));
  EXPECT_NEAR(static_cast<double>(fleet.counters().arrived), 5000, 250);
  int close = 0;
  for (uint32_t i = 1; i < fleet.counters().arrived; ++i) {
    close += fleet.arrived(i) - fleet.arrived(i - 1) < setup.gap ? 1 : 0;
  }
  // 1 - 1/e of the gaps are below the mean.
  EXPECT_NEAR(close / static_cast<double>(fleet.counters().arrived), 0.632, 0.03);
}

TEST(FleetTest, OfAMixHalfOfTheAgentsArePatient) {
  Scenario scenario({});
  FleetSetup setup = Agents(1000);
  setup.arrivals = Arrivals::kAllAtOnce;
  setup.patience = {.kind = AgentPatience::Kind::kMix,
                    .time = Duration::Milliseconds(500),
                    .other = Duration::Seconds(30)};
  Fleet& fleet = scenario.AddFleet(setup);
  fleet.Start();
  scenario.RunFor(Duration::Seconds(2));
  EXPECT_NEAR(static_cast<double>(fleet.counters().gave_up), 500, 60);
}

TEST(FleetTest, AColdStartServesEveryAgentInOneAttempt) {
  ColdStartSetup setup;
  setup.agents = 500;
  setup.fleet.patience.time = Duration::Seconds(30);
  const ColdStartResult result = RunColdStart(setup);
  EXPECT_EQ(result.served, 500u);
  EXPECT_EQ(result.attempts, 500u);
  ASSERT_TRUE(result.all.has_value());
  // 4.3 ms each is 2.2 s; the rest of the work is a little more.
  EXPECT_GT(*result.all, Duration::Milliseconds(2150));
  EXPECT_LT(*result.all, Duration::Milliseconds(2700));
}

TEST(FleetTest, AColdStartHasATimelineOfItsQueueAndOfThoseServed) {
  ColdStartSetup setup;
  setup.agents = 700;
  setup.fleet.patience.time = Duration::Seconds(60);
  setup.signal_after = Duration::Seconds(1);
  const ColdStartResult result = RunColdStart(setup);
  // Looked at every 5 ms for 3 s and more, so some looks had to go.
  ASSERT_GT(result.timeline.size(), kColdStartMomentsMax / 2);
  ASSERT_LE(result.timeline.size(), kColdStartMomentsMax);
  EXPECT_EQ(result.timeline.front().at, Duration());
  EXPECT_EQ(result.timeline.front().queue_depth, 700u);
  EXPECT_EQ(result.timeline.front().served, 0u);
  const Duration distance = result.timeline[1].at;
  for (size_t i = 1; i < result.timeline.size(); ++i) {
    EXPECT_EQ(result.timeline[i].at, distance * static_cast<int64_t>(i));
    EXPECT_GE(result.timeline[i].served, result.timeline[i - 1].served);
    EXPECT_LE(result.timeline[i].queue_depth, result.queue_depth_max);
  }
  EXPECT_GT(result.timeline.back().at, *result.all - distance);
  EXPECT_GT(result.daemon_used, Duration::Milliseconds(700 * 4));
}

TEST(FleetTest, ControllersThatComeMeanwhileTakeTheirTime) {
  ColdStartSetup setup;
  setup.agents = 300;
  setup.fleet.patience.time = Duration::Seconds(60);
  const ColdStartResult alone = RunColdStart(setup);
  setup.probes = ControllerProbes();
  const ColdStartResult together = RunColdStart(setup);
  EXPECT_EQ(alone.probes_served, 0u);
  EXPECT_GT(together.probes_served, 20u);
  EXPECT_GT(*together.all, *alone.all);
}

// Over loopback connect(2) is all of the handshake, so a queue that is full drops SYNs alone, and
// those who were refused by it come again a second later.
TEST(FleetTest, OverLoopbackNobodyIsHalfOpen) {
  ColdStartSetup setup;
  setup.agents = 120;
  setup.signal_after = {};
  setup.fleet.patience.time = Duration::Seconds(300);
  setup.fleet.exponential_syn_pct = 0;
  setup.scenario.daemon.options.agent.backlog = 16;
  const ColdStartResult far = RunColdStart(setup);
  setup.fleet.loopback = true;
  const ColdStartResult loopback = RunColdStart(setup);
  EXPECT_EQ(loopback.served, 120u);
  EXPECT_GT(loopback.syn_retransmits, far.syn_retransmits);
  EXPECT_EQ(loopback.queue_overflows, loopback.syn_retransmits);
  EXPECT_GT(far.queue_overflows, far.syn_retransmits);
}

TEST(FleetTest, AgentsOfOneHostBeginOneAfterTheOther) {
  Scenario scenario({});
  scenario.daemon().Open();
  FleetSetup setup = Agents(10);
  setup.arrivals = Arrivals::kAllAtOnce;
  setup.patience.time = Duration::Seconds(30);
  setup.host.emplace();
  setup.host->connect = Duration::Milliseconds(1);
  Fleet& fleet = scenario.AddFleet(setup);
  fleet.Start();
  scenario.RunFor(Duration::Microseconds(3500));
  EXPECT_EQ(fleet.counters().attempts, 3u);
  scenario.RunFor(Duration::Seconds(1));
  ASSERT_EQ(fleet.served().size(), 10u);
  for (const Served& served : fleet.served()) {
    EXPECT_EQ(served.began - served.arrived,
              Duration::Milliseconds(static_cast<int64_t>(served.agent) + 1));
  }
}

TEST(FleetTest, ParkedAgentsAreServedInTheOrderOfTheirArrival) {
  ParkedSetup setup;
  setup.agents = 500;
  setup.fleet.patience.time = Duration::Seconds(30);
  setup.parked = Duration::Seconds(10);
  setup.newcomers_for = Duration::Seconds(2);
  const ParkedResult result = RunParked(setup);
  EXPECT_EQ(result.served, 500u);
  EXPECT_EQ(result.overtaken, 0u);
  EXPECT_GT(result.newcomers, 50u);
  EXPECT_EQ(result.newcomers_served, result.newcomers);
}

TEST(FleetTest, ACrashResetsEverybodyAndTheNextLifeServesThem) {
  Scenario scenario({});
  scenario.daemon().Open();
  FleetSetup setup = Agents(300);
  setup.arrivals = Arrivals::kAllAtOnce;
  setup.patience.time = Duration::Seconds(30);
  setup.retry = RetryPolicy::kFullJitter;
  Fleet& fleet = scenario.AddFleet(setup);
  fleet.Start();
  scenario.RunFor(Duration::Milliseconds(500));
  const uint64_t before = fleet.counters().served;
  EXPECT_GT(before, 50u);
  scenario.RestartDaemon();
  scenario.daemon().Open();
  scenario.RunFor(Duration::Seconds(10));
  EXPECT_EQ(fleet.counters().served, 300u);
  EXPECT_EQ(fleet.counters().gave_up, 0u);
  EXPECT_GE(fleet.counters().reset + fleet.counters().refused, 300 - before);
}

// Whatever is in flight: accepts, handshakes, controllers that wait.
TEST(FleetTest, ACrashInTheMidstOfAnyTurnLeavesNothingOpen) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    ScenarioSetup scenario_setup;
    scenario_setup.seed = seed;
    Scenario scenario(scenario_setup);
    scenario.daemon().Open();
    FleetSetup setup = Agents(UINT32_MAX);
    setup.arrivals = Arrivals::kPoisson;
    setup.gap = Duration::Microseconds(200);
    Fleet& fleet = scenario.AddFleet(setup);
    fleet.Start();
    FleetSetup controllers_setup = ControllerProbes();
    controllers_setup.gap = Duration::Milliseconds(2);
    Fleet& controllers = scenario.AddFleet(controllers_setup);
    controllers.Start();
    scenario.RunFor(Duration::Milliseconds(100) +
                    Duration::Microseconds(137) * static_cast<int64_t>(seed));
    scenario.daemon().Crash();
    fleet.StopArriving();
    controllers.StopArriving();
    scenario.RunFor(Duration::Seconds(2));
    EXPECT_EQ(fleet.unserved() + controllers.unserved(), 0u) << "seed " << seed;
    EXPECT_EQ(scenario.network().open_ends(), 1u) << "the backend's listener; seed " << seed;
  }
}

TEST(FleetTest, AGracefulStopServesThoseWhoWereTaken) {
  Scenario scenario({});
  scenario.daemon().Open();
  FleetSetup setup = Agents(300);
  setup.arrivals = Arrivals::kAllAtOnce;
  setup.patience.time = Duration::Seconds(30);
  Fleet& fleet = scenario.AddFleet(setup);
  fleet.Start();
  scenario.RunFor(Duration::Milliseconds(500));
  scenario.daemon().Stop(Duration::Seconds(5));
  EXPECT_TRUE(scenario.RunUntil(scenario.now() + Duration::Seconds(5), Duration::Milliseconds(10),
                                [&] { return scenario.daemon().done(); }));
  EXPECT_GT(fleet.counters().served, 100u);
  scenario.RunFor(Duration::Milliseconds(10));
  EXPECT_EQ(fleet.unserved(), 0u) << "the others were reset, and know it";
}

}  // namespace
}  // namespace floodgate::sim
