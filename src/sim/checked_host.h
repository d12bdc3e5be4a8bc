// A host with a daemon that is looked at: what all checked runs have in common.
#ifndef FLOODGATE_SIM_CHECKED_HOST_H_
#define FLOODGATE_SIM_CHECKED_HOST_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "sim/checking_backend.h"
#include "sim/ledger.h"
#include "sim/mutants.h"
#include "sim/network.h"
#include "sim/oracle.h"
#include "sim/processor.h"
#include "sim/simulated_daemon.h"
#include "sim/verdict.h"
#include "sim/world.h"

namespace floodgate::sim {

struct CheckedHostSetup {
  NetworkOptions network = {};
  ProcessorOptions processor = {};
  TlsCosts tls_costs = {};
  uint64_t descriptors_max = 20'000;
  Faults faults = {};
  Promises promises;
  CheckingBackendSetup backend;
};

class CheckedHost {
 public:
  using Trace = std::function<void(const std::string&)>;
  // The daemon, with the mutant in it, listens. `mutant` outlives the host.
  CheckedHost(uint64_t seed, const CheckedHostSetup& setup, const Mutant& mutant, Trace trace);

  World& world() { return world_; }
  Verdict& verdict() { return verdict_; }
  Network& network() { return network_; }
  Oracle& oracle() { return oracle_; }
  Ledger& ledger() { return ledger_; }
  CheckingBackend& backend() { return backend_; }
  SimulatedDaemon& daemon() { return *daemon_; }

  // The daemon dies; another one starts. REQUIRES: as SimulatedDaemon::Crash.
  void RestartDaemon();
  void Reload(const Promises& promises);
  // Until then, or until a rule is broken.
  void RunUntil(Instant until);
  void RunFor(Duration time) { RunUntil(world_.now() + time); }
  // In steps, until `done` holds (true), or until then, or until a rule is broken.
  template <typename Done>
  bool RunUntil(Instant until, Done done) {
    while (!done()) {
      if (verdict_.failed() || world_.now() >= until) return false;
      RunFor(kStep);
    }
    return true;
  }
  // Stops the daemon, and looks whether it leaves anything behind. Clients have left by then, or
  // leave when they are reset.
  void StopAndCheck(Duration grace);

 private:
  static constexpr Duration kStep = Duration::Milliseconds(20);

  void StartDaemon();
  std::unique_ptr<Kernel> Wrap(SimKernel& kernel, bool gatekeeper);
  DaemonProbes Probes();
  void CheckNothingLeft();

  CheckedHostSetup setup_;
  const Mutant& mutant_;
  NullLog log_;
  World world_;
  Verdict verdict_;
  Network network_;
  Processor processor_;
  Oracle oracle_;
  Ledger ledger_;
  CheckingBackend backend_;
  std::vector<std::unique_ptr<SimulatedDaemon>> dead_;  // events name them still
  std::unique_ptr<SimulatedDaemon> daemon_;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_CHECKED_HOST_H_
