#include "sim/cold_start.h"

#include <algorithm>
#include <utility>

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

// Moments at even distances, as many as are asked for at the most: when there would be more, every
// other one goes and the distance doubles.
class Timeline {
 public:
  void Add(const ColdStartMoment& moment) {
    if (looks_++ % every_ != 0) return;
    if (moments_.size() == kColdStartMomentsMax) {
      // The first stays; so does what is a multiple of twice the distance.
      for (size_t i = 0; 2 * i < moments_.size(); ++i) moments_[i] = moments_[2 * i];
      moments_.resize(moments_.size() / 2);
      every_ *= 2;
      if ((looks_ - 1) % every_ != 0) return;
    }
    moments_.push_back(moment);
  }
  std::vector<ColdStartMoment> Take() { return std::move(moments_); }

 private:
  std::vector<ColdStartMoment> moments_;
  uint64_t looks_ = 0;
  uint64_t every_ = 1;
};

uint64_t AgentQueueDepth(Scenario& scenario) {
  uint64_t depth = 0;
  for (const ListenerSnapshot& listener : scenario.daemon().Status().listeners) {
    if (listener.port == Port::kAgent) depth += static_cast<uint64_t>(listener.queue_depth);
  }
  return depth;
}

// Looks at the agent port's queue all the while, until the whole fleet is served or `end` has come.
void RunWithQueue(Scenario& scenario, const Fleet& fleet, Instant signal, Instant end,
                  Timeline& timeline, uint64_t& depth_max) {
  while (fleet.unserved() > 0 && scenario.now() < end) {
    scenario.RunFor(std::min(kLook, end - scenario.now()));
    const uint64_t depth = AgentQueueDepth(scenario);
    depth_max = std::max(depth_max, depth);
    timeline.Add(
        {.at = scenario.now() - signal, .queue_depth = depth, .served = fleet.counters().served});
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
  Fleet* probes = setup.probes.has_value() ? &scenario.AddFleet(*setup.probes) : nullptr;
  if (probes != nullptr) probes->Start();
  ColdStartResult result;
  Timeline timeline;
  timeline.Add({.at = {}, .queue_depth = AgentQueueDepth(scenario), .served = 0});
  RunWithQueue(scenario, fleet, signal, signal + setup.limit, timeline, result.queue_depth_max);

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
  result.queue_overflows = scenario.network().queue_overflows();
  result.daemon_used = scenario.daemon().gatekeeper_used() + scenario.daemon().workers_used();
  if (probes != nullptr) result.probes_served = probes->counters().served;
  result.timeline = timeline.Take();
  result.digest = scenario.world().digest();
  return result;
}

}  // namespace floodgate::sim
