// The gate's two promises: agents that wait behind it are served when it opens, in their order, and
// a fleet is connected again sooner when it was parked than when it was refused.
#ifndef FLOODGATE_SIM_COLD_START_H_
#define FLOODGATE_SIM_COLD_START_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "sim/fleet.h"
#include "sim/scenario.h"

namespace floodgate::sim {

struct ParkedSetup {
  ScenarioSetup scenario;
  FleetSetup fleet{.port = kAgentPort};  // all but its arrivals
  uint64_t agents = 5000;
  Duration arrive_within = Duration::Seconds(2);  // one after the other
  Duration parked = Duration::Seconds(60);        // then the gate opens
  // Newcomers from then on, of the same patience, one each; zero: nobody.
  Duration newcomers_gap = Duration::Milliseconds(20);
  Duration newcomers_for = Duration::Seconds(20);
};

struct ParkedResult {
  uint64_t agents = 0;
  uint64_t served = 0;  // of those parked
  uint64_t newcomers = 0;
  uint64_t newcomers_served = 0;
  // Those parked, from the opening: when the last was served.
  Duration drained_after;
  // Those parked who were served after one that had come later, by more than what a round trip
  // explains; and how much later at the most.
  uint64_t overtaken = 0;
  Duration overtaken_by_max;
  uint64_t syn_retransmits = 0;
  uint64_t digest = 0;
};

ParkedResult RunParked(const ParkedSetup& setup);

struct ColdStartSetup {
  ScenarioSetup scenario;
  FleetSetup fleet{.port = kAgentPort};  // all at once, at the beginning
  uint64_t agents = 5000;
  // Controllers of this host, patiently, from the signal on. nullopt: none come.
  std::optional<FleetSetup> probes;
  Duration signal_after = Duration::Seconds(5);
  Duration limit = Duration::Seconds(600);  // after the signal
};

// A look at a cold start. Looking changes nothing of what happens.
struct ColdStartMoment {
  Duration at;               // from the signal
  uint64_t queue_depth = 0;  // of the agent port's accept queue
  uint64_t served = 0;
};
inline constexpr size_t kColdStartMomentsMax = 200;

struct ColdStartResult {
  uint64_t agents = 0;
  uint64_t served = 0;
  // From the signal, until that share of the fleet had been served. nullopt: never.
  std::optional<Duration> half, most, all;  // 50, 99 and 100 per cent
  uint64_t attempts = 0;
  uint64_t refused = 0;
  uint64_t gave_up = 0;
  uint64_t stale = 0;            // found gone before any TLS was spent
  uint64_t hellos_answered = 0;  // expensive steps of handshakes that were made
  uint64_t syn_retransmits = 0;
  uint64_t queue_overflows = 0;  // SYNs, and ACKs that end a handshake, dropped at a full queue
  uint64_t queue_depth_max = 0;  // of the agent port's accept queue, looked at every 5 ms
  Duration daemon_used;          // CPU time of all of the front end's threads
  uint64_t probes_served = 0;    // of the controllers
  std::vector<ColdStartMoment> timeline;  // evenly spaced, at most kColdStartMomentsMax
  uint64_t digest = 0;
};

ColdStartResult RunColdStart(const ColdStartSetup& setup);

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_COLD_START_H_
