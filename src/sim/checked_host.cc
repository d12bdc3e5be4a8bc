#include "sim/checked_host.h"

#include <utility>

#include "sim/watched_kernel.h"

namespace floodgate::sim {
namespace {

// From the end of the grace until all is closed.
constexpr Duration kStopWithin = Duration::Seconds(10);
// More is a loop: the largest run has a tenth of them.
constexpr uint64_t kEventsMax = 2'000'000;

// The kernel that a thread of the daemon sees: the mutant's, before the watched one.
class LayeredKernel final : public ForwardingKernel {
 public:
  LayeredKernel(std::unique_ptr<Kernel> watched, std::unique_ptr<Kernel> spoiled)
      : ForwardingKernel(spoiled != nullptr ? *spoiled : *watched),
        watched_(std::move(watched)),
        spoiled_(std::move(spoiled)) {}

 private:
  std::unique_ptr<Kernel> watched_;
  std::unique_ptr<Kernel> spoiled_;
};

}  // namespace

CheckedHost::CheckedHost(uint64_t seed, const CheckedHostSetup& setup, const Mutant& mutant,
                         Trace trace)
    : setup_(setup),
      mutant_(mutant),
      world_(seed),
      verdict_(world_, std::move(trace)),
      network_(world_, setup.network),
      processor_(world_, setup.processor),
      oracle_(network_, verdict_),
      ledger_(verdict_),
      backend_(network_, ledger_, verdict_, setup.backend) {
  StartDaemon();
}

std::unique_ptr<Kernel> CheckedHost::Wrap(SimKernel& kernel, bool gatekeeper) {
  const auto role = gatekeeper ? WatchedKernel::Role::kGatekeeper : WatchedKernel::Role::kWorker;
  auto watched = std::make_unique<WatchedKernel>(kernel, network_, oracle_, verdict_, role);
  std::unique_ptr<Kernel> spoiled = SpoilKernel(mutant_, *watched);
  return std::make_unique<LayeredKernel>(std::move(watched), std::move(spoiled));
}

DaemonProbes CheckedHost::Probes() {
  DaemonProbes probes;
  probes.wrap_kernel = [this](SimKernel& kernel, bool gatekeeper) {
    return Wrap(kernel, gatekeeper);
  };
  probes.wrap_tls = [this](std::unique_ptr<TlsContext> tls) {
    return SpoilTls(mutant_, std::move(tls));
  };
  probes.on_act = [this](OperatorAct act, Instant now) {
    oracle_.OnAct(act, now);
    return !Loses(mutant_, act);
  };
  probes.on_turn = [this] { oracle_.OnTurn(daemon_->Status()); };
  if (mutant_.spoil != Spoil::kTimersLost) return probes;
  probes.alarm = [this](Instant until) { return until > world_.now() ? Instant::Never() : until; };
  return probes;
}

void CheckedHost::StartDaemon() {
  DaemonSetup setup;
  setup.options = setup_.promises.options;
  if (mutant_.options != nullptr) mutant_.options(setup.options);
  setup.tls = setup_.tls_costs;
  setup.descriptors_max = setup_.descriptors_max;
  setup.overload.rule = mutant_.rule;
  setup.probes = Probes();
  oracle_.OnStart(setup_.promises);
  daemon_ = std::make_unique<SimulatedDaemon>(network_, processor_, log_, std::move(setup));
  daemon_->SetFaults(setup_.faults);
}

void CheckedHost::RestartDaemon() {
  verdict_.Tell("daemon", "crashes");
  oracle_.OnAct(OperatorAct::kStop, world_.now());
  daemon_->Crash();
  oracle_.OnEnd();
  dead_.push_back(std::move(daemon_));
  StartDaemon();
}

void CheckedHost::Reload(const Promises& promises) {
  setup_.promises = promises;
  oracle_.ExpectReload(promises);
  Options options = promises.options;
  if (mutant_.options != nullptr) mutant_.options(options);
  daemon_->Reload(options);
}

void CheckedHost::RunUntil(Instant until) {
  while (!verdict_.failed() && world_.RunNext(until)) {
    if (world_.events_run() > kEventsMax) verdict_.Fail("unserved", "it spins");
  }
}

void CheckedHost::StopAndCheck(Duration grace) {
  if (verdict_.failed()) return;
  daemon_->Stop(grace);
  const auto idle = [this] {
    return daemon_->done() && daemon_->handles() == 0 && daemon_->operations_in_flight() == 0;
  };
  if (!RunUntil(world_.now() + grace + kStopWithin, idle)) {
    verdict_.Fail("left-open", daemon_->handles(), " handles, ", daemon_->operations_in_flight(),
                  " operations", daemon_->done() ? "" : ", and it has not stopped");
  }
  if (!verdict_.failed()) CheckNothingLeft();
}

void CheckedHost::CheckNothingLeft() {
  const StatusSnapshot status = daemon_->Status();
  for (const PortCounters& port : status.ports) {
    if (port.waiting + port.delayed + port.handshaking + port.active == 0) continue;
    verdict_.Fail("left-open", port.waiting, " wait, ", port.delayed, " are delayed, ",
                  port.handshaking, " shake hands, ", port.active, " are active");
  }
  oracle_.OnEnd();
  backend_.End();
  RunFor(kStopWithin);
  if (network_.open_ends() > 0) verdict_.Fail("left-open", network_.open_ends(), " ends");
}

}  // namespace floodgate::sim
