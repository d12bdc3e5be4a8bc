#include "sim/overload.h"

#include <algorithm>

#include "base/check.h"
#include "sim/percentiles.h"

namespace floodgate::sim {
namespace {

constexpr Duration kCapacityWarmUp = Duration::Seconds(3);
constexpr Duration kCapacityWindow = Duration::Seconds(20);
// Longer than any run.
constexpr Duration kEndless = Duration::Seconds(int64_t{24} * 3600);
constexpr Duration kProbesTail = Duration::Seconds(10);

// What counts, as it stands at one moment.
struct Reading {
  FleetCounters fleet;
  size_t served = 0;
  uint64_t unserved = 0;
  uint64_t controllers_served = 0;
  uint64_t stale = 0;
  uint64_t hellos = 0;
  Duration gatekeeper_used, workers_used;
};

Reading Read(SimulatedDaemon& daemon, const Fleet& fleet, const Fleet& controllers) {
  Reading reading;
  reading.fleet = fleet.counters();
  reading.served = fleet.served().size();
  reading.unserved = fleet.unserved();
  reading.controllers_served = controllers.counters().served;
  reading.stale = daemon.Status().ports[static_cast<size_t>(Port::kAgent)].stale;
  reading.hellos = daemon.hellos_answered();
  reading.gatekeeper_used = daemon.gatekeeper_used();
  reading.workers_used = daemon.workers_used();
  return reading;
}

void Count(const Reading& before, const Reading& after, OverloadResult& result) {
  result.arrived = after.fleet.arrived - before.fleet.arrived;
  result.attempts = after.fleet.attempts - before.fleet.attempts;
  result.served = after.fleet.served - before.fleet.served;
  result.gave_up = after.fleet.gave_up - before.fleet.gave_up;
  result.reset = after.fleet.reset - before.fleet.reset;
  result.stale = after.stale - before.stale;
  const uint64_t hellos = after.hellos - before.hellos;
  const uint64_t useful = result.served + after.controllers_served - before.controllers_served;
  result.wasted_hellos = hellos > useful ? hellos - useful : 0;
  result.gatekeeper_used = after.gatekeeper_used - before.gatekeeper_used;
  result.workers_used = after.workers_used - before.workers_used;
}

void MeasureAges(const Fleet& fleet, size_t from, size_t to, OverloadResult& result) {
  std::vector<Duration> ages;
  ages.reserve(to - from);
  for (size_t i = from; i < to; ++i) {
    ages.push_back(fleet.served()[i].answered - fleet.served()[i].began);
  }
  result.age_p50 = Percentile(ages, 500);
  result.age_p90 = Percentile(ages, 900);
  result.age_p99 = Percentile(ages, 990);
}

void MeasureControllers(const Fleet& controllers, Instant from, Instant to,
                        OverloadResult& result) {
  uint64_t came = 0;
  for (uint32_t i = 0; i < controllers.counters().arrived; ++i) {
    if (controllers.arrived(i) >= from && controllers.arrived(i) < to) ++came;
  }
  std::vector<Duration> times;
  for (const Served& served : controllers.served()) {
    if (served.arrived < from || served.arrived >= to) continue;
    times.push_back(served.answered - served.arrived);
  }
  result.controllers_unserved = came - times.size();
  result.controller_p50 = Percentile(times, 500);
  result.controller_p99 = Percentile(times, 990);
  result.controller_max = Percentile(times, 1000);
}

Duration WarmUp(const OverloadSetup& setup) {
  if (setup.warm_up.ns > 0) return setup.warm_up;
  return std::clamp(setup.fleet.patience.Longest() * 2, Duration::Seconds(3),
                    Duration::Seconds(20));
}

}  // namespace

Duration ServerCapacity::GapAt(uint32_t load_pct) const {
  FG_CHECK(served > 0 && load_pct > 0);
  return window * 100 / static_cast<int64_t>(served * load_pct);
}

uint64_t ServerCapacity::In(Duration time) const {
  return static_cast<uint64_t>(time.ns) * served / static_cast<uint64_t>(window.ns);
}

ServerCapacity MeasureCapacity(const ScenarioSetup& setup) {
  Scenario scenario(setup);
  scenario.daemon().Open();
  scenario.AddFleet(ControllerProbes()).Start();
  FleetSetup endless{.port = kAgentPort, .tls = setup.daemon.options.tls.has_value()};
  endless.patience.time = kEndless;
  // The handshake is most of the work; four times what it alone would allow is more than enough.
  endless.gap =
      std::max((setup.daemon.tls.hello + setup.daemon.tls.finish) / 4 / setup.processor.cores,
               Duration::Microseconds(20));
  Fleet& fleet = scenario.AddFleet(endless);
  fleet.Start();
  scenario.RunFor(kCapacityWarmUp);
  const uint64_t before = fleet.counters().served;
  scenario.RunFor(kCapacityWindow);
  return {.served = fleet.counters().served - before, .window = kCapacityWindow};
}

OverloadResult RunOverload(const OverloadSetup& setup, const ServerCapacity& capacity) {
  Scenario scenario(setup.scenario);
  scenario.daemon().Open();
  Fleet& controllers = scenario.AddFleet(ControllerProbes());
  controllers.Start();
  FleetSetup fleet_setup = setup.fleet;
  fleet_setup.gap = capacity.GapAt(setup.load_pct);
  Fleet& fleet = scenario.AddFleet(fleet_setup);
  fleet.Start();
  scenario.RunFor(WarmUp(setup));

  const Instant from = scenario.now();
  const Reading before = Read(scenario.daemon(), fleet, controllers);
  scenario.RunFor(setup.window);
  const Reading after = Read(scenario.daemon(), fleet, controllers);

  OverloadResult result;
  result.load_pct = setup.load_pct;
  result.patience = fleet_setup.patience;
  result.retry = fleet_setup.retry;
  Count(before, after, result);
  result.possible = std::min(capacity.In(setup.window), before.unserved + result.arrived);
  MeasureAges(fleet, before.served, after.served, result);
  fleet.StopArriving();
  const Instant to = from + setup.window;
  scenario.RunFor(kProbesTail);
  MeasureControllers(controllers, from, to, result);
  result.digest = scenario.world().digest();
  return result;
}

}  // namespace floodgate::sim
