#include "sim/scenario.h"

#include <utility>

namespace floodgate::sim {
namespace {

BackendSetup BackendOf(const ScenarioSetup& setup, Processor& processor) {
  BackendSetup backend = setup.backend;
  backend.proxy_header = setup.daemon.options.backend.proxy_protocol;
  if (setup.share_core) backend.processor = &processor;
  return backend;
}

Endpoint OnPort(uint16_t port) {
  return {.kind = Endpoint::Kind::kTcp, .host = "127.0.0.1", .port = port, .path = ""};
}

}  // namespace

Options ScenarioOptions() {
  Options options;
  options.controller.emplace();
  options.controller->listen = {OnPort(kControllerPort)};
  options.controller->allow = {{.base = IpAddress::V4(0x7f000000), .bits = 8}};
  options.agent.listen = {OnPort(kAgentPort)};
  options.gate.open_on = {Condition::kManual};
  options.gate.open_delay = {};
  options.tls.emplace();
  options.backend.address = OnPort(kBackendPort);
  options.runtime.workers = 1;
  return options;
}

FleetSetup ControllerProbes() {
  FleetSetup probes;
  probes.port = kControllerPort;
  probes.arrivals = Arrivals::kUniform;
  probes.gap = Duration::Milliseconds(50);
  probes.patience.time = Duration::Seconds(10);
  probes.one_way = Duration::Microseconds(20);
  probes.one_way_spread = {};
  probes.exponential_syn_pct = 0;
  probes.address = 0x7f000001;
  probes.one_address = true;
  return probes;
}

Scenario::Scenario(const ScenarioSetup& setup)
    : setup_(setup),
      world_(setup.seed),
      network_(world_, setup.network),
      processor_(world_, setup.processor),
      backend_(network_, BackendOf(setup, processor_)),
      daemon_(std::make_unique<SimulatedDaemon>(network_, processor_, log_, setup.daemon)) {}

Fleet& Scenario::AddFleet(const FleetSetup& setup) {
  fleets_.push_back(std::make_unique<Fleet>(network_, setup));
  return *fleets_.back();
}

void Scenario::RunUntil(Instant until) {
  while (world_.RunNext(until)) {
  }
}

void Scenario::RestartDaemon() {
  daemon_->Crash();
  dead_.push_back(std::move(daemon_));
  daemon_ = std::make_unique<SimulatedDaemon>(network_, processor_, log_, setup_.daemon);
}

}  // namespace floodgate::sim
