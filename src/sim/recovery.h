// How soon the front end is itself again when an overload is over.
#ifndef FLOODGATE_SIM_RECOVERY_H_
#define FLOODGATE_SIM_RECOVERY_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "sim/fleet.h"
#include "sim/overload.h"
#include "sim/scenario.h"

namespace floodgate::sim {

struct RecoverySetup {
  ScenarioSetup scenario;
  FleetSetup fleet{.port = kAgentPort};  // all but its gap
  uint32_t storm_pct = 1000;
  uint32_t calm_pct = 50;
  Duration storm = Duration::Seconds(30);
  Duration watched = Duration::Seconds(60);  // after it
  Duration bucket = Duration::Seconds(2);    // new agents are taken together by their arrival
};

// New agents that arrived in one bucket.
struct RecoveryBucket {
  Duration after;  // from the end of the storm to the beginning of the bucket
  uint64_t arrived = 0;
  uint64_t served = 0;
  // From the first connect to the answer. Who left counts with the time that it stayed: nobody
  // could have served those sooner who leave at once.
  Duration p99;
};

struct RecoveryResult {
  Duration idle_p99;  // at the calm load, without any storm
  // From the end of the storm until every bucket's p99 is within twice the idle one. nullopt: not
  // while it was watched.
  std::optional<Duration> recovered_after;
  std::vector<RecoveryBucket> buckets;
  uint64_t digest = 0;
};

RecoveryResult RunRecovery(const RecoverySetup& setup, const ServerCapacity& capacity);

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_RECOVERY_H_
