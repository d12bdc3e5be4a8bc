// A host with the front end, a backend, and fleets of agents, ready to be run: what the experiments
// and their tests have in common.
#ifndef FLOODGATE_SIM_SCENARIO_H_
#define FLOODGATE_SIM_SCENARIO_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "base/log.h"
#include "core/options.h"
#include "sim/backend.h"
#include "sim/fleet.h"
#include "sim/network.h"
#include "sim/processor.h"
#include "sim/simulated_daemon.h"
#include "sim/world.h"

namespace floodgate::sim {

inline constexpr uint16_t kAgentPort = 17070;
inline constexpr uint16_t kControllerPort = 17071;
inline constexpr uint16_t kBackendPort = 17072;

// Defaults, with the ports above, TLS, one worker, and a gate that an operator opens (no delay).
Options ScenarioOptions();
// Controllers of this host that connect to the controller port 20 times a second, patiently.
FleetSetup ControllerProbes();

struct ScenarioSetup {
  uint64_t seed = 1;
  NetworkOptions network;
  ProcessorOptions processor;
  DaemonSetup daemon{.options = ScenarioOptions()};
  BackendSetup backend{.port = kBackendPort};
  bool share_core = false;  // the backend's cost is paid on the front end's cores
};

class Scenario {
 public:
  // The daemon listens; nobody has come yet.
  explicit Scenario(const ScenarioSetup& setup);

  World& world() { return world_; }
  Network& network() { return network_; }
  Processor& processor() { return processor_; }
  SimulatedBackend& backend() { return backend_; }
  SimulatedDaemon& daemon() { return *daemon_; }
  Instant now() const { return world_.now(); }

  Fleet& AddFleet(const FleetSetup& setup);
  void RunFor(Duration time) { RunUntil(world_.now() + time); }
  void RunUntil(Instant until);
  // In steps of `step`, until `done` holds or `until` comes.
  template <typename Done>
  bool RunUntil(Instant until, Duration step, Done done) {
    while (!done()) {
      if (world_.now() >= until) return false;
      RunFor(step);
    }
    return true;
  }
  // The daemon dies; another with the same setup starts in its place.
  void RestartDaemon();

 private:
  ScenarioSetup setup_;
  NullLog log_;
  World world_;
  Network network_;
  Processor processor_;
  SimulatedBackend backend_;
  std::vector<std::unique_ptr<Fleet>> fleets_;
  std::vector<std::unique_ptr<SimulatedDaemon>> dead_;  // events name them still
  std::unique_ptr<SimulatedDaemon> daemon_;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_SCENARIO_H_
