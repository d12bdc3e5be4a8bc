// What becomes of the work under lasting overload: how much of what the server could have answered
// reaches a client that is still there (docs/DESIGN.md, "Goodput is the measure").
#ifndef FLOODGATE_SIM_OVERLOAD_H_
#define FLOODGATE_SIM_OVERLOAD_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "base/time.h"
#include "sim/fleet.h"
#include "sim/scenario.h"

namespace floodgate::sim {

// Agents a second that the server serves at most, measured: agents without end, of endless
// patience, with the controllers' probes beside them.
struct ServerCapacity {
  uint64_t served = 0;
  Duration window;

  double per_second() const { return static_cast<double>(served) / window.seconds(); }
  // Between arrivals, for a load of so many per cent. REQUIRES: served > 0.
  Duration GapAt(uint32_t load_pct) const;
  // How many can be served in that time.
  uint64_t In(Duration time) const;
};
ServerCapacity MeasureCapacity(const ScenarioSetup& setup);

struct OverloadSetup {
  ScenarioSetup scenario;
  FleetSetup fleet{.port = kAgentPort};  // all but its gap
  uint32_t load_pct = 100;
  Duration warm_up;  // before anything is counted; 0: two patiences, 3 s to 20 s
  Duration window = Duration::Seconds(20);  // what is counted
};

struct OverloadResult {
  uint32_t load_pct = 0;
  AgentPatience patience;
  RetryPolicy retry = RetryPolicy::kNone;
  // What could have been answered in the window: all who were there, as far as the capacity goes.
  uint64_t possible = 0;
  // All in the window.
  uint64_t arrived = 0;
  uint64_t attempts = 0;
  uint64_t served = 0;
  uint64_t gave_up = 0;
  uint64_t reset = 0;                  // connections that the server ended, the agents say
  uint64_t stale = 0;                  // found gone before any TLS was spent
  uint64_t wasted_hellos = 0;          // the expensive step was made, and nobody was served
  Duration age_p50, age_p90, age_p99;  // connect to answer, of those served
  Duration controller_p50, controller_p99, controller_max;
  uint64_t controllers_unserved = 0;       // of those that came in the window, 10 s after it
  Duration gatekeeper_used, workers_used;  // CPU
  uint64_t digest = 0;

  double goodput() const {
    return possible == 0 ? 0 : static_cast<double>(served) / static_cast<double>(possible);
  }
};
OverloadResult RunOverload(const OverloadSetup& setup, const ServerCapacity& capacity);

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_OVERLOAD_H_
