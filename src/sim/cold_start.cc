#include "sim/cold_start.h"

#include <algorithm>

namespace floodgate::sim {
namespace {

// Arrivals closer than this may pass each other on their way and in the handshake's flights.
constexpr Duration kSameTime = Duration::Milliseconds(250);
constexpr Duration kStep = Duration::Milliseconds(100);
constexpr Duration kLook = Duration::Milliseconds(5);

void MeasureOrder(const Fleet& fleet, ParkedResult& result) {
  Instant latest;
  for (const Served& served : fleet.served()) {
    const Duration behind = latest - served.arrived;
    if (behind > kSameTime) {
      ++result.overtaken;
      result.overtaken_by_max = std::max(result.overtaken_by_max, behind);
    }
    latest = std::max(latest, served.arrived);
  }
}

// When that many had been served, from `signal`.
std::optional<Duration> WhenServed(const Fleet& fleet, uint64_t count, Instant signal) {
  if (count == 0 || fleet.served().size() < count) return std::nullopt;
  return fleet.served()[count - 1].answered - signal;
}

// One step, looking at the agent port's queue all the while.
void StepWithQueue(Scenario& scenario, uint64_t& depth_max) {
  for (Duration passed; passed < kStep; passed = passed + kLook) {
    scenario.RunFor(kLook);
    for (const ListenerSnapshot& listener : scenario.daemon().Status().listeners) {
      if (listener.port != Port::kAgent) continue;
      depth_max = std::max<uint64_t>(depth_max, listener.queue_depth);
    }
  }
}

}  // namespace

ParkedResult RunParked(const ParkedSetup& setup) {
  Scenario scenario(setup.scenario);
  FleetSetup parked_setup = setup.fleet;
  parked_setup.arrivals = Arrivals::kUniform;
  parked_setup.agents_max = setup.agents;
  parked_setup.gap =
      setup.arrive_within / static_cast<int64_t>(std::max<uint64_t>(setup.agents, 1));
  Fleet& parked = scenario.AddFleet(parked_setup);
  parked.Start();
  scenario.RunFor(setup.parked);

  const Instant opened = scenario.now();
  scenario.daemon().Open();
  FleetSetup newcomers_setup = setup.fleet;
  newcomers_setup.address += static_cast<uint32_t>(setup.agents);
  newcomers_setup.gap = setup.newcomers_gap;
  if (setup.newcomers_gap.ns <= 0) newcomers_setup.agents_max = 0;
  Fleet& newcomers = scenario.AddFleet(newcomers_setup);
  newcomers.Start();
  scenario.RunFor(setup.newcomers_for);
  newcomers.StopArriving();
  // Everybody has been served or has left by then, but those who begin again.
  scenario.RunUntil(scenario.now() + setup.fleet.patience.Longest() + Duration::Seconds(10), kStep,
                    [&] { return parked.unserved() == 0 && newcomers.unserved() == 0; });

  ParkedResult result;
  result.agents = parked.counters().arrived;
  result.served = parked.counters().served;
  result.newcomers = newcomers.counters().arrived;
  result.newcomers_served = newcomers.counters().served;
  if (!parked.served().empty()) result.drained_after = parked.served().back().answered - opened;
  MeasureOrder(parked, result);
  result.syn_retransmits = scenario.network().syn_retransmits();
  result.digest = scenario.world().digest();
  return result;
}

ColdStartResult RunColdStart(const ColdStartSetup& setup) {
  Scenario scenario(setup.scenario);
  FleetSetup fleet_setup = setup.fleet;
  fleet_setup.arrivals = Arrivals::kAllAtOnce;
  fleet_setup.agents_max = setup.agents;
  Fleet& fleet = scenario.AddFleet(fleet_setup);
  fleet.Start();
  scenario.RunFor(setup.signal_after);
  const Instant signal = scenario.now();
  scenario.daemon().Open();
  ColdStartResult result;
  while (fleet.unserved() > 0 && scenario.now() < signal + setup.limit) {
    StepWithQueue(scenario, result.queue_depth_max);
  }

  result.agents = fleet.counters().arrived;
  result.served = fleet.counters().served;
  result.half = WhenServed(fleet, (setup.agents + 1) / 2, signal);
  result.most = WhenServed(fleet, (setup.agents * 99 + 99) / 100, signal);
  result.all = WhenServed(fleet, setup.agents, signal);
  result.attempts = fleet.counters().attempts;
  result.refused = fleet.counters().refused;
  result.gave_up = fleet.counters().gave_up;
  result.stale = scenario.daemon().Status().ports[static_cast<size_t>(Port::kAgent)].stale;
  result.hellos_answered = scenario.daemon().hellos_answered();
  result.syn_retransmits = scenario.network().syn_retransmits();
  result.digest = scenario.world().digest();
  return result;
}

}  // namespace floodgate::sim
