#include "tools/tune/admission_cost.h"

#include <algorithm>

#include "sim/cold_start.h"

namespace floodgate::tune {
namespace {

constexpr uint64_t kSampleAgents = 1000;

// What the simulation charges for an agent besides the handshake, by itself.
Duration SimulatedRest(const HandshakeCost& handshake) {
  sim::ColdStartSetup setup;
  setup.agents = kSampleAgents;
  setup.signal_after = {};
  setup.fleet.patience.time = Duration::Seconds(3600);
  setup.scenario.daemon.tls.hello = handshake.hello;
  setup.scenario.daemon.tls.finish = handshake.finish;
  const sim::ColdStartResult result = sim::RunColdStart(setup);
  const auto served = static_cast<int64_t>(std::max<uint64_t>(result.served, 1));
  return std::max(result.daemon_used / served - handshake.whole(), Duration::Microseconds(1));
}

}  // namespace

void SetCosts(const AdmissionCost& cost, sim::DaemonSetup& daemon) {
  const int64_t simulated_ns = SimulatedRest(cost.handshake).ns;
  const auto scale = [&](Duration& part) { part = part * cost.rest.ns / simulated_ns; };
  sim::KernelCosts& kernel = daemon.costs;
  for (Duration* part :
       {&kernel.accept, &kernel.read_connection, &kernel.read_addresses, &kernel.close,
        &kernel.receive, &kernel.send, &kernel.connect, &kernel.wait, &daemon.tls.record}) {
    scale(*part);
  }
  daemon.tls.hello = cost.handshake.hello;
  daemon.tls.finish = cost.handshake.finish;
}

}  // namespace floodgate::tune
