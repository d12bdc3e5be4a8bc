// What happens in a checked run, all of it drawn from the seed: options, faults, clients, what
// operators do and when. Each family is there in half of the runs (swarm testing: Groce, Zhang,
// Eide, Chen, Regehr, ISSTA 2012), for a run that has everything finds least.
#ifndef FLOODGATE_SIM_CHECK_PLAN_H_
#define FLOODGATE_SIM_CHECK_PLAN_H_

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "sim/checked_host.h"
#include "sim/crowd.h"
#include "sim/oracle.h"

namespace floodgate::sim {

// Something that is done to the daemon or around it.
struct PlannedAct {
  enum class Kind : uint8_t {
    kSignal,
    kOpen,
    kHold,
    kReload,  // with smaller limits
    kStall,   // for `time`
    kCrash,   // and another one starts
    kBackendRefuses,
    kBackendListens,
    kPause,  // client `client` does nothing
    kRelease,
  };
  Instant at;
  Kind kind = Kind::kOpen;
  Duration time = {};
  size_t client = 0;
};

struct CheckPlan {
  CheckedHostSetup host;
  Promises after_reload;
  std::vector<ClientSetup> clients;
  std::vector<PlannedAct> acts;  // in order
  Instant calm_at;               // from then on nothing bad happens
  Duration serve_within = {};    // from then on, everybody who must be
  Duration grace = {};           // of the stop at the end
};

CheckPlan DrawPlan(uint64_t seed);

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_CHECK_PLAN_H_
