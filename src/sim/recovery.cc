#include "sim/recovery.h"

#include <algorithm>

#include "sim/percentiles.h"

namespace floodgate::sim {
namespace {

// How long those who came last are waited for.
Duration Tail(const FleetSetup& fleet) {
  return std::min(fleet.patience.Longest(), Duration::Seconds(30)) + Duration::Seconds(1);
}

Duration MeasureIdle(const RecoverySetup& setup, const ServerCapacity& capacity) {
  Scenario scenario(setup.scenario);
  scenario.daemon().Open();
  FleetSetup calm = setup.fleet;
  calm.gap = capacity.GapAt(setup.calm_pct);
  Fleet& fleet = scenario.AddFleet(calm);
  fleet.Start();
  scenario.RunFor(setup.watched);
  fleet.StopArriving();
  scenario.RunFor(Tail(setup.fleet));
  std::vector<Duration> times;
  for (uint32_t i = 0; i < fleet.counters().arrived; ++i) times.push_back(fleet.waited(i));
  return Percentile(times, 990);
}

std::vector<RecoveryBucket> Buckets(const RecoverySetup& setup, const Fleet& fleet, Instant from) {
  const auto count = static_cast<size_t>(setup.watched.ns / setup.bucket.ns);
  std::vector<RecoveryBucket> buckets(count);
  std::vector<std::vector<Duration>> times(count);
  for (uint32_t agent = 0; agent < fleet.counters().arrived; ++agent) {
    if (fleet.arrived(agent) < from) continue;
    const auto i = static_cast<size_t>((fleet.arrived(agent) - from).ns / setup.bucket.ns);
    if (i < count) times[i].push_back(fleet.waited(agent));
  }
  for (const Served& served : fleet.served()) {
    if (served.arrived < from) continue;
    const auto i = static_cast<size_t>((served.arrived - from).ns / setup.bucket.ns);
    if (i < count) ++buckets[i].served;
  }
  for (size_t i = 0; i < count; ++i) {
    buckets[i].after = setup.bucket * static_cast<int64_t>(i);
    buckets[i].arrived = times[i].size();
    buckets[i].p99 = Percentile(times[i], 990);
  }
  return buckets;
}

}  // namespace

RecoveryResult RunRecovery(const RecoverySetup& setup, const ServerCapacity& capacity) {
  RecoveryResult result;
  result.idle_p99 = MeasureIdle(setup, capacity);
  Scenario scenario(setup.scenario);
  scenario.daemon().Open();
  FleetSetup storm = setup.fleet;
  storm.gap = capacity.GapAt(setup.storm_pct);
  Fleet& fleet = scenario.AddFleet(storm);
  fleet.Start();
  scenario.RunFor(setup.storm);
  const Instant calm_from = scenario.now();
  fleet.SetGap(capacity.GapAt(setup.calm_pct));
  scenario.RunFor(setup.watched + Tail(setup.fleet));
  result.buckets = Buckets(setup, fleet, calm_from);
  for (auto bucket = result.buckets.rbegin(); bucket != result.buckets.rend(); ++bucket) {
    if (bucket->p99 > result.idle_p99 * 2) break;
    result.recovered_after = bucket->after;
  }
  result.digest = scenario.world().digest();
  return result;
}

}  // namespace floodgate::sim
