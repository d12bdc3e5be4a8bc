#include "sim/check.h"

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "sim/check_plan.h"
#include "sim/checked_host.h"

namespace floodgate::sim {
namespace {

constexpr Mutant kNoMutant = {.name = "none", .what = "nothing"};

class Check {
 public:
  Check(uint64_t seed, const Mutant& mutant, CheckedHost::Trace trace)
      : seed_(seed),
        plan_(DrawPlan(seed)),
        host_(seed, plan_.host, mutant, std::move(trace)),
        crowd_(host_.network(), host_.ledger(), host_.verdict(), plan_.clients) {}
  CheckResult Run();
  // Whether its daemon can be taken down: one that is stuck cannot.
  bool clean() { return !host_.verdict().failed(); }

 private:
  void Carry(const PlannedAct& act);
  void RunActive();
  // Nothing bad happens any more: everybody who must be is served.
  void RunCalm();
  void FailUnserved();

  uint64_t seed_;
  CheckPlan plan_;
  CheckedHost host_;
  Crowd crowd_;
};

void Check::Carry(const PlannedAct& act) {
  using Kind = PlannedAct::Kind;
  switch (act.kind) {
    case Kind::kSignal:
      return host_.daemon().SignalPeergrouper();
    case Kind::kOpen:
      return host_.daemon().Open();
    case Kind::kHold:
      return host_.daemon().Hold();
    case Kind::kReload:
      return host_.Reload(plan_.after_reload);
    case Kind::kStall:
      host_.verdict().Tell("daemon", "stands still for ", act.time.ns, " ns");
      return host_.daemon().Stall(act.time);
    case Kind::kCrash:
      return host_.RestartDaemon();
    case Kind::kBackendRefuses:
      return host_.backend().Refuse();
    case Kind::kBackendListens:
      return host_.backend().Listen();
    case Kind::kPause:
      return crowd_.Pause(act.client);
    case Kind::kRelease:
      return crowd_.Release(act.client);
  }
}

void Check::RunActive() {
  for (const PlannedAct& act : plan_.acts) {
    host_.RunUntil(act.at);
    if (host_.verdict().failed()) return;
    Carry(act);
  }
  host_.RunUntil(plan_.calm_at);
}

void Check::RunCalm() {
  if (host_.verdict().failed()) return;
  host_.verdict().Tell("check", "nothing bad happens any more");
  host_.daemon().SetFaults({});
  host_.backend().Calm();
  crowd_.Calm();
  host_.daemon().Open();
  const bool served = host_.RunUntil(host_.world().now() + plan_.serve_within,
                                     [this] { return crowd_.unserved() == 0; });
  if (!served && !host_.verdict().failed()) FailUnserved();
}

void Check::FailUnserved() {
  host_.oracle().TellOpen();
  const StatusSnapshot status = host_.daemon().Status();
  const PortCounters& agents = status.ports[static_cast<size_t>(Port::kAgent)];
  for (size_t reason = 0; reason < agents.refused.size(); ++reason) {
    host_.verdict().Tell("daemon", "has refused by ", kRefusalReasonNames[reason], ": ",
                         agents.refused[reason]);
  }
  host_.verdict().Fail("unserved", crowd_.unserved(), " clients, after ",
                       plan_.serve_within.milliseconds(), " ms; ", crowd_.DescribeUnserved());
}

CheckResult Check::Run() {
  RunActive();
  RunCalm();
  host_.StopAndCheck(plan_.grace);
  CheckResult result;
  result.seed = seed_;
  result.rule = host_.verdict().rule();
  result.text = host_.verdict().text();
  result.digest = host_.world().digest();
  result.events = host_.world().events_run();
  result.attempts = crowd_.attempts();
  result.taken = host_.oracle().taken();
  result.admitted = host_.oracle().admitted();
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
  auto check =
      std::make_unique<Check>(seed, mutant != nullptr ? *mutant : kNoMutant, std::move(trace));
  CheckResult result = check->Run();
  if (!check->clean()) Keep(std::move(check));
  return result;
}

}  // namespace floodgate::sim
