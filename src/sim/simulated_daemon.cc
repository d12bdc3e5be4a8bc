#include "sim/simulated_daemon.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace floodgate::sim {
namespace {

// As src/daemon/server.cc has it.
constexpr int kControllerBacklog = 4096;
// Rounds in which everything that is open must have closed when a daemon dies.
constexpr int kRoundsToDieMax = 1000;

int WorkerCount(const Options& options) {
  return std::max(options.runtime.workers, 1);
}

}  // namespace

KernelCosts MeasuredKernelCosts() {
  KernelCosts costs;
  costs.accept = Duration::Microseconds(2);
  costs.read_connection = Duration::Microseconds(1);
  costs.read_addresses = Duration::Microseconds(1);
  costs.close = Duration::Microseconds(3);
  costs.receive = Duration::Microseconds(3);
  costs.send = Duration::Microseconds(5);
  costs.connect = Duration::Microseconds(15);
  costs.wait = Duration::Microseconds(1);
  return costs;
}

SimulatedDaemon::SimulatedDaemon(Network& network, Processor& processor, Log& log,
                                 DaemonSetup setup)
    : network_(network), processor_(processor), log_(log), setup_(std::move(setup)) {
  std::vector<BoundListener> listeners = Bind();
  MakeWorkers();
  MakeGatekeeper(std::move(listeners));
}

SimulatedDaemon::~SimulatedDaemon() {
  if (alive()) Crash();
}

std::vector<BoundListener> SimulatedDaemon::Bind() {
  std::vector<BoundListener> listeners;
  const Options& options = setup_.options;
  if (options.controller.has_value()) {
    BindPort(Port::kController, options.controller->listen, listeners);
  }
  BindPort(Port::kAgent, options.agent.listen, listeners);
  return listeners;
}

void SimulatedDaemon::BindPort(Port port, const std::vector<Endpoint>& endpoints,
                               std::vector<BoundListener>& listeners) {
  for (const Endpoint& endpoint : endpoints) {
    BoundListener listener;
    listener.port = port;
    listener.fd = network_.OpenListener(endpoint.port);
    FG_CHECK(listener.fd >= 0);
    listener.address = absl::StrCat(network_.PortOf(listener.fd));
    listener.backlog = port == Port::kAgent ? setup_.options.agent.backlog : kControllerBacklog;
    listener.listening = port == Port::kController || setup_.options.agent.hold == Hold::kPark;
    if (listener.listening) {
      const int result = network_.Listen(listener.fd, listener.backlog);
      FG_CHECK(result == 0);
    }
    listeners.push_back(std::move(listener));
  }
}

std::unique_ptr<TlsContext> SimulatedDaemon::MakeTls(SimKernel& kernel) {
  if (!setup_.options.tls.has_value()) return nullptr;
  const auto charge = [this, &kernel](ScriptedTlsContext::Step step, Duration cost) {
    if (step == ScriptedTlsContext::Step::kHello) ++hellos_answered_;
    kernel.Charge(cost);
  };
  auto tls = std::make_unique<ScriptedTlsContext>(setup_.tls, setup_.tls_sizes, charge);
  if (!setup_.probes.wrap_tls) return tls;
  return setup_.probes.wrap_tls(std::move(tls));
}

std::shared_ptr<const WorkerOptions> SimulatedDaemon::MakeWorkerOptions(
    const Options& options) const {
  FG_CHECK(!options.backend.address.is_unix());
  auto made = std::make_shared<WorkerOptions>();
  made->backend = AddressOfPort(options.backend.address.port);
  made->proxy_protocol = options.backend.proxy_protocol;
  made->connect_timeout = options.backend.connect_timeout;
  made->splice = false;  // Bulk is not what is simulated.
  return made;
}

Capacity SimulatedDaemon::MakeCapacity(const Options& options) const {
  return Capacity::Of(options.limits, setup_.descriptors_max, workers_.size());
}

Kernel& SimulatedDaemon::Wrap(SimKernel& kernel, bool gatekeeper,
                              std::unique_ptr<Kernel>& wrapped) const {
  if (!setup_.probes.wrap_kernel) return kernel;
  wrapped = setup_.probes.wrap_kernel(kernel, gatekeeper);
  return *wrapped;
}

void SimulatedDaemon::MakeWorkers() {
  const std::shared_ptr<const WorkerOptions> options = MakeWorkerOptions(setup_.options);
  const uint64_t boot_id = network_.world().prng().Next();
  for (int i = 0; i < WorkerCount(setup_.options); ++i) {
    auto parts = std::make_unique<WorkerParts>();
    parts->kernel =
        std::make_unique<SimKernel>(network_, KernelOptions{}, SimKernel::Drive::kByScheduler);
    parts->kernel->set_costs(setup_.costs);
    Kernel& seen = Wrap(*parts->kernel, /*gatekeeper=*/false, parts->wrapped);
    parts->worker = std::make_unique<Worker>(seen, log_, parts->metrics, reports_, options,
                                             MakeTls(*parts->kernel), boot_id);
    Worker& worker = *parts->worker;
    parts->task = std::make_unique<LoopTask>(
        network_.world(), processor_, *parts->kernel,
        LoopTurn{.begin = [&worker](Instant until) { return worker.BeginTurn(until); },
                 .end = [&worker](Instant until) { worker.EndTurn(until); }});
    workers_.push_back(std::move(parts));
  }
}

void SimulatedDaemon::MakeGatekeeper(std::vector<BoundListener> listeners) {
  kernel_ = std::make_unique<SimKernel>(network_, KernelOptions{}, SimKernel::Drive::kByScheduler);
  kernel_->set_costs(setup_.costs);
  Gatekeeper::Setup setup;
  setup.options = std::make_shared<const Options>(setup_.options);
  setup.capacity = MakeCapacity(setup_.options);
  setup.listeners = std::move(listeners);
  for (const auto& parts : workers_) setup.workers.push_back(&parts->worker->mailbox());
  setup.own_addresses = {IpAddress::V4(0x7f000001)};
  setup.hash_seed = network_.world().prng().Next();
  setup.rebind = [this](const BoundListener& listener) {
    int port = 0;
    const bool number = absl::SimpleAtoi(listener.address, &port);
    FG_CHECK(number);
    return network_.OpenListener(static_cast<uint16_t>(port));
  };
  setup.overload = setup_.overload;
  setup.on_gate = setup_.on_gate;
  Kernel& seen = Wrap(*kernel_, /*gatekeeper=*/true, wrapped_);
  gatekeeper_ = std::make_unique<Gatekeeper>(seen, log_, reports_, std::move(setup));
  gatekeeper_task_ = std::make_unique<LoopTask>(
      network_.world(), processor_, *kernel_,
      LoopTurn{.begin = [this](Instant until) { return BeginGatekeeperTurn(until); },
               .end = [this](Instant until) { EndGatekeeperTurn(until); }});
}

Instant SimulatedDaemon::BeginGatekeeperTurn(Instant until) {
  const Instant wanted = gatekeeper_->BeginTurn(until);
  if (setup_.probes.on_turn) setup_.probes.on_turn();
  return setup_.probes.alarm ? setup_.probes.alarm(wanted) : wanted;
}

void SimulatedDaemon::EndGatekeeperTurn(Instant until) {
  gatekeeper_->EndTurn(until);
  if (setup_.probes.on_turn) setup_.probes.on_turn();
}

// --- Operators

void SimulatedDaemon::Command(OperatorAct act, Gatekeeper::Command command) {
  FG_CHECK(alive());
  if (!setup_.probes.on_act) return gatekeeper_->commands().Post(std::move(command));
  gatekeeper_->commands().Post([this, act, command = std::move(command)](Gatekeeper& gatekeeper) {
    if (setup_.probes.on_act(act, gatekeeper.Now())) command(gatekeeper);
  });
}

void SimulatedDaemon::SignalPeergrouper() {
  Command(OperatorAct::kSignal, [](Gatekeeper& gatekeeper) {
    // One id, its own as it is by default.
    const std::vector<std::string> ids = {GateOptions{}.self_id};
    const absl::Status status = gatekeeper.gate().SignalPeergrouper(ids, gatekeeper.Now());
    FG_CHECK(status.ok());
    gatekeeper.Settle();
  });
}

void SimulatedDaemon::Open() {
  Command(OperatorAct::kOpen, [](Gatekeeper& gatekeeper) {
    gatekeeper.gate().Open(gatekeeper.Now());
    gatekeeper.Settle();
  });
}

void SimulatedDaemon::Hold() {
  Command(OperatorAct::kHold, [](Gatekeeper& gatekeeper) {
    gatekeeper.gate().Hold(gatekeeper.Now());
    gatekeeper.Settle();
  });
}

void SimulatedDaemon::Reload(const Options& options) {
  setup_.options = options;
  for (const auto& parts : workers_) {
    parts->worker->mailbox().Post(
        Reconfigure{.options = MakeWorkerOptions(options), .tls = MakeTls(*parts->kernel)});
  }
  Command(OperatorAct::kReload, [shared = std::make_shared<const Options>(options),
                                 capacity = MakeCapacity(options)](Gatekeeper& gatekeeper) {
    gatekeeper.Reconfigure(shared, capacity);
    gatekeeper.Settle();
  });
}

void SimulatedDaemon::Stop(Duration grace) {
  Command(OperatorAct::kStop, [grace](Gatekeeper& gatekeeper) { gatekeeper.Stop(grace); });
}

bool SimulatedDaemon::AllClosed() const {
  return gatekeeper_->done() &&
         std::all_of(workers_.begin(), workers_.end(),
                     [](const auto& parts) { return parts->worker->connections() == 0; });
}

void SimulatedDaemon::Crash() {
  FG_CHECK(alive());
  // To its peers a process that is killed looks like one that closes all of its sockets at one
  // instant; so it runs by itself, outside the processor, until it has.
  gatekeeper_task_->Stop();
  for (const auto& parts : workers_) parts->task->Stop();
  const Instant now = network_.world().now();
  gatekeeper_->Stop({});
  for (int round = 0; !AllClosed(); ++round) {
    FG_CHECK(round < kRoundsToDieMax);
    gatekeeper_->EndAll();  // Each time: accepts that were in flight still bring connections.
    gatekeeper_->Turn(now);
    for (const auto& parts : workers_) parts->worker->Turn(now);
    while (network_.world().RunNext(now)) {
    }
  }
  gatekeeper_.reset();
  for (const auto& parts : workers_) parts->worker.reset();
}

void SimulatedDaemon::Stall(Duration time) {
  kernel_->Charge(time);
  for (const auto& parts : workers_) parts->kernel->Charge(time);
}

void SimulatedDaemon::SetFaults(const Faults& faults) {
  kernel_->set_faults(faults);
  for (const auto& parts : workers_) parts->kernel->set_faults(faults);
}

StatusSnapshot SimulatedDaemon::Status() {
  StatusSnapshot snapshot;
  gatekeeper_->FillStatus(snapshot, 0);
  return snapshot;
}

Duration SimulatedDaemon::workers_used() const {
  Duration used;
  for (const auto& parts : workers_) used = used + parts->task->used();
  return used;
}

size_t SimulatedDaemon::handles() const {
  size_t all = kernel_->handles();
  for (const auto& parts : workers_) all += parts->kernel->handles();
  return all;
}

size_t SimulatedDaemon::operations_in_flight() const {
  size_t all = kernel_->operations_in_flight();
  for (const auto& parts : workers_) all += parts->kernel->operations_in_flight();
  return all;
}

}  // namespace floodgate::sim
