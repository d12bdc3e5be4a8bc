#include "sim/check.h"

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/log.h"
#include "sim/check_plan.h"
#include "sim/scenario.h"
#include "sim/simulated_daemon.h"
#include "sim/watched_kernel.h"

namespace floodgate::sim {
namespace {

constexpr Mutant kNoMutant = {.name = "none", .what = "nothing"};
constexpr Duration kStep = Duration::Milliseconds(20);
// From the end of the grace until all is closed.
constexpr Duration kStopWithin = Duration::Seconds(10);
// More is a loop.
constexpr uint64_t kEventsMax = 20'000'000;

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

class Check {
 public:
  Check(uint64_t seed, const Mutant& mutant, std::function<void(const std::string&)> trace);
  CheckResult Run();
  // Whether its daemon can be taken down: one that is stuck cannot.
  bool clean() const { return !verdict_.failed(); }

 private:
  void StartDaemon();
  std::unique_ptr<Kernel> Wrap(SimKernel& kernel, bool gatekeeper);
  bool OnAct(OperatorAct act, Instant now);
  void Carry(const PlannedAct& act);
  void Reload();
  // Until then, or until a rule is broken.
  void RunUntil(Instant until);
  template <typename Done>
  bool RunUntil(Instant until, Done done);
  void RunActive();
  void RunCalm();
  void RunStop();

  CheckPlan plan_;
  const Mutant& mutant_;
  uint64_t seed_;
  NullLog log_;
  World world_;
  Verdict verdict_;
  Network network_;
  Processor processor_;
  Oracle oracle_;
  Ledger ledger_;
  CheckingBackend backend_;
  Crowd crowd_;
  Promises promised_;  // in force, as an operator sees it
  std::vector<std::unique_ptr<SimulatedDaemon>> dead_;  // events name them still
  std::unique_ptr<SimulatedDaemon> daemon_;
};

Check::Check(uint64_t seed, const Mutant& mutant, std::function<void(const std::string&)> trace)
    : plan_(DrawPlan(seed)),
      mutant_(mutant),
      seed_(seed),
      world_(seed),
      verdict_(world_, std::move(trace)),
      network_(world_, plan_.network),
      processor_(world_, plan_.processor),
      oracle_(network_, verdict_),
      ledger_(verdict_),
      backend_(network_, ledger_, verdict_, plan_.backend),
      crowd_(network_, ledger_, verdict_, plan_.clients),
      promised_(plan_.promises) {
  StartDaemon();
}

std::unique_ptr<Kernel> Check::Wrap(SimKernel& kernel, bool gatekeeper) {
  const auto role =
      gatekeeper ? WatchedKernel::Role::kGatekeeper : WatchedKernel::Role::kWorker;
  auto watched = std::make_unique<WatchedKernel>(kernel, network_, oracle_, verdict_, role);
  std::unique_ptr<Kernel> spoiled = SpoilKernel(mutant_, *watched);
  return std::make_unique<LayeredKernel>(std::move(watched), std::move(spoiled));
}

void Check::StartDaemon() {
  DaemonSetup setup;
  setup.options = promised_.options;
  if (mutant_.options != nullptr) mutant_.options(setup.options);
  setup.tls = plan_.tls_costs;
  setup.descriptors_max = plan_.descriptors_max;
  setup.overload.rule = mutant_.rule;
  setup.probes.wrap_kernel = [this](SimKernel& kernel, bool gatekeeper) {
    return Wrap(kernel, gatekeeper);
  };
  setup.probes.wrap_tls = [this](std::unique_ptr<TlsContext> tls) {
    return SpoilTls(mutant_, std::move(tls));
  };
  setup.probes.on_act = [this](OperatorAct act, Instant now) { return OnAct(act, now); };
  setup.probes.on_turn = [this] { oracle_.OnTurn(daemon_->Status()); };
  if (mutant_.spoil == Spoil::kTimersLost) {
    setup.probes.alarm = [this](Instant until) {
      return until > world_.now() ? Instant::Never() : until;
    };
  }
  oracle_.OnStart(promised_);
  daemon_ = std::make_unique<SimulatedDaemon>(network_, processor_, log_, std::move(setup));
  daemon_->SetFaults(plan_.faults);
}

bool Check::OnAct(OperatorAct act, Instant now) {
  oracle_.OnAct(act, now);
  return !Loses(mutant_, act);
}

void Check::Reload() {
  promised_ = plan_.after_reload;
  oracle_.ExpectReload(promised_);
  Options options = promised_.options;
  if (mutant_.options != nullptr) mutant_.options(options);
  daemon_->Reload(options);
}

void Check::Carry(const PlannedAct& act) {
  using Kind = PlannedAct::Kind;
  switch (act.kind) {
    case Kind::kSignal:
      return daemon_->SignalPeergrouper();
    case Kind::kOpen:
      return daemon_->Open();
    case Kind::kHold:
      return daemon_->Hold();
    case Kind::kReload:
      return Reload();
    case Kind::kStall:
      verdict_.Tell("daemon", "stands still for ", act.time.ns, " ns");
      return daemon_->Stall(act.time);
    case Kind::kCrash:
      verdict_.Tell("daemon", "crashes");
      oracle_.OnAct(OperatorAct::kStop, world_.now());
      daemon_->Crash();
      oracle_.OnEnd();
      dead_.push_back(std::move(daemon_));
      return StartDaemon();
    case Kind::kBackendRefuses:
      return backend_.Refuse();
    case Kind::kBackendListens:
      return backend_.Listen();
    case Kind::kPause:
      return crowd_.Pause(act.client);
    case Kind::kRelease:
      return crowd_.Release(act.client);
  }
}

void Check::RunUntil(Instant until) {
  while (!verdict_.failed() && world_.RunNext(until)) {
    if (world_.events_run() > kEventsMax) verdict_.Fail("unserved", "it spins");
  }
}

template <typename Done>
bool Check::RunUntil(Instant until, Done done) {
  while (!done()) {
    if (verdict_.failed() || world_.now() >= until) return false;
    RunUntil(world_.now() + kStep);
  }
  return true;
}

void Check::RunActive() {
  for (const PlannedAct& act : plan_.acts) {
    RunUntil(act.at);
    if (verdict_.failed()) return;
    Carry(act);
  }
  RunUntil(plan_.calm_at);
}

void Check::RunCalm() {
  if (verdict_.failed()) return;
  verdict_.Tell("check", "nothing bad happens any more");
  daemon_->SetFaults({});
  backend_.Calm();
  crowd_.Calm();
  daemon_->Open();
  const bool served =
      RunUntil(world_.now() + plan_.serve_within, [this] { return crowd_.unserved() == 0; });
  if (served) return;
  oracle_.TellOpen();
  const StatusSnapshot status = daemon_->Status();
  const PortCounters& agents = status.ports[static_cast<size_t>(Port::kAgent)];
  for (size_t reason = 0; reason < agents.refused.size(); ++reason) {
    verdict_.Tell("daemon", "has refused by ", kRefusalReasonNames[reason], ": ",
                  agents.refused[reason]);
  }
  verdict_.Fail("unserved", crowd_.unserved(), " clients, after ",
                plan_.serve_within.milliseconds(), " ms; ", crowd_.DescribeUnserved());
}

void Check::RunStop() {
  if (verdict_.failed()) return;
  daemon_->Stop(plan_.grace);
  const auto idle = [this] {
    return daemon_->done() && daemon_->handles() == 0 && daemon_->operations_in_flight() == 0;
  };
  const bool stopped = RunUntil(world_.now() + plan_.grace + kStopWithin, idle);
  if (!stopped) {
    verdict_.Fail("left-open", daemon_->handles(), " handles, ", daemon_->operations_in_flight(),
                  " operations", daemon_->done() ? "" : ", and it has not stopped");
  }
  if (verdict_.failed()) return;
  const StatusSnapshot status = daemon_->Status();
  for (const PortCounters& port : status.ports) {
    if (port.waiting + port.delayed + port.handshaking + port.active == 0) continue;
    verdict_.Fail("left-open", port.waiting, " wait, ", port.delayed, " are delayed, ",
                  port.handshaking, " shake hands, ", port.active, " are active");
  }
  oracle_.OnEnd();
  backend_.End();
  RunUntil(world_.now() + kStopWithin);
  if (network_.open_ends() > 0) verdict_.Fail("left-open", network_.open_ends(), " ends");
}

CheckResult Check::Run() {
  RunActive();
  RunCalm();
  RunStop();
  CheckResult result;
  result.seed = seed_;
  result.rule = verdict_.rule();
  result.text = verdict_.text();
  result.digest = world_.digest();
  result.events = world_.events_run();
  result.attempts = crowd_.attempts();
  result.taken = oracle_.taken();
  result.admitted = oracle_.admitted();
  return result;
}

// The daemon of a run that has failed may be in no state in which it can be destroyed; it is kept,
// so that it does not count as lost memory.
void Keep(std::unique_ptr<Check> check) {
  static std::mutex mutex;
  static auto& kept = *new std::vector<std::unique_ptr<Check>>;
  const std::scoped_lock lock(mutex);
  kept.push_back(std::move(check));
}

}  // namespace

CheckResult RunCheck(uint64_t seed, const Mutant* mutant,
                     std::function<void(const std::string&)> trace) {
  auto check = std::make_unique<Check>(seed, mutant != nullptr ? *mutant : kNoMutant,
                                       std::move(trace));
  CheckResult result = check->Run();
  if (!check->clean()) Keep(std::move(check));
  return result;
}

}  // namespace floodgate::sim
