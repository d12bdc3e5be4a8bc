#include "front/gatekeeper.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"

namespace floodgate {

Gatekeeper::Gatekeeper(Kernel& kernel, Log& log, Mailbox<Report>& reports, Setup setup)
    : kernel_(kernel),
      log_(log),
      reports_(reports),
      options_(std::move(setup.options)),
      capacity_(setup.capacity),
      own_addresses_(std::move(setup.own_addresses)),
      on_gate_(std::move(setup.on_gate)),
      timers_(kernel.Now()),
      gate_(options_->gate, /*two_phase=*/options_->controller.has_value(), kernel.Now()),
      admission_(*options_, setup.hash_seed, setup.memory_hint),
      syn_refusals_(
          std::move(setup.syn_refuser),
          [this](const IpAddress& source) { return !admission_.HoldsExempt(source); },
          [this](const IpAddress& source, uint64_t count) { CountSynRefused(source, count); }),
      pace_(options_->drain.rate, options_->drain.ramp, kernel.Now()),
      listeners_(
          kernel, log, std::move(setup.listeners), [this](const Taken& taken) { OnTaken(taken); },
          std::move(setup.rebind)),
      overload_(setup.overload),
      patience_(options_->limits.patience, kernel.Now()),
      waiting_room_(kernel, timers_, Counters(Port::kAgent), patience_,
                    [this](const PeerAddress& peer) { admission_.Release(peer); }),
      registry_(counters_),
      nobody_waited_(kernel.Now()) {
  FG_CHECK(!setup.workers.empty() && setup.workers.size() <= 255);
  for (Mailbox<WorkerMessage>* mailbox : setup.workers) workers_.push_back({.mailbox = mailbox});
  reports_.SetWaker(&kernel.waker());
  commands_.SetWaker(&kernel.waker());
  syn_refusals_.SetPrefixes(options_->limits.source_prefix_v4, options_->limits.source_prefix_v6);
  listeners_.Start();
  if (gate_.admits()) OnGateChanged(GateState::kHolding);
}

Instant Gatekeeper::BeginTurn(Instant until) {
  TakeMessages();
  Settle();
  if (Now() >= end_at_) EndAll();
  AdmitWaiting();
  ReckonWithOverload();
  TakeAgents();
  AdvanceSourcesReports();
  PostAssignments();
  // With every slot taken, or with connections that wait for one, the end of a handshake is what we
  // wait for: then the workers' reports shall wake us. Otherwise they are read when there is time.
  const bool needs_reports =
      !gate_.admits() || AgentRoom() <= 0 || waiting_room_.ready() > 0 || stopping_;
  // The last report may have made it done: whoever runs the turns must see that, once, unslept on.
  const bool ended = done() && !std::exchange(end_told_, true);
  const bool idle = waiting_room_.FlushDeferred() && !ended && sources_reports_.empty() &&
                    commands_.PrepareToSleep(true) && reports_.PrepareToSleep(needs_reports);
  return idle ? NextDeadline(until) : kernel_.Now();
}

void Gatekeeper::EndTurn(Instant until) {
  const size_t count = kernel_.Wait(until, absl::MakeSpan(batch_));
  TakeMessages();  // Slots that have been freed meanwhile count in the decisions of this batch.
  DispatchBatch(absl::MakeConstSpan(batch_).first(count));
  timers_.Advance(kernel_.Now(), [this](uint64_t token) { waiting_room_.OnTimer(token); });
  syn_refusals_.Advance(Now());
}

void Gatekeeper::TakeMessages() {
  reports_.TakeAll(taken_reports_);
  for (const Report& report : taken_reports_) OnReport(report);
  commands_.TakeAll(taken_commands_);
  for (Command& command : taken_commands_) command(*this);
}

void Gatekeeper::OnReport(const Report& report) {
  const Registry::Change change = registry_.OnReport(report);
  const Admitted& admitted = change.admitted;
  WorkerLink& worker = workers_[admitted.worker];
  if (change.slot_freed) {
    --slots_held_[static_cast<size_t>(admitted.port)];
    --worker.slots_held;
  }
  if (admitted.port == Port::kAgent) LearnFrom(change, report);
  if (change.ended) {
    --worker.connections;
    if (admitted.port == Port::kAgent) admission_.Release(admitted.peer);
    listeners_.DescriptorFreed();
  }
  if (admitted.port == Port::kController) {
    gate_.SetSelfConnection(registry_.presence().self_connected(), Now());
    gate_.SetControllers(registry_.presence().controllers(), Now());
  }
}

void Gatekeeper::DispatchBatch(absl::Span<const Completion> batch) {
  // A decision about one of a million sources waits for memory; those of a batch can wait together.
  for (const Completion& completion : batch) {
    if (Listeners::Owns(completion.token) && completion.peer.family == PeerAddress::Family::kIp) {
      admission_.Prefetch(completion.peer);
    }
  }
  taken_ = 0;
  refused_ = 0;
  for (const Completion& completion : batch) Dispatch(completion);
  if (taken_ == 0) return;
  const bool all_refused = refused_ == taken_;
  if (all_refused || listeners_.AgentsKnown() == 0) {
    rest_until_ = Now() + (AllWorkersBusy() ? kRestWhileBusy : kRest);
  }
}

void Gatekeeper::Dispatch(const Completion& completion) {
  if (completion.token == kWakeToken) return;
  if (Listeners::Owns(completion.token)) {
    listeners_.OnCompletion(completion, Now());
  } else if (WaitingRoom::Owns(completion.token)) {
    waiting_room_.OnCompletion(completion, Now());
  }
}

// --- Admitting

void Gatekeeper::AdmitWaiting() {
  while (!controllers_waiting_.empty() &&
         slots_held_[static_cast<size_t>(Port::kController)] < kControllerHandshakesMax) {
    const WaitingController controller = controllers_waiting_.front();
    controllers_waiting_.pop_front();
    --Counters(Port::kController).waiting;
    Admit(controller.fd, {.peer = controller.peer, .port = Port::kController}, controller.local);
  }
  const std::optional<Duration> horizon = overload_.Horizon(patience_, nobody_waited_, Now());
  while (slots_held_[static_cast<size_t>(Port::kAgent)] < capacity_.handshakes_max &&
         not_begun_ < BeginMax()) {
    const std::optional<Visitor> next = waiting_room_.Next(horizon, Now());
    if (!next.has_value()) return;
    PeerAddress peer;
    PeerAddress local;
    if (!kernel_.ReadAddresses(next->fd, &peer, &local)) {  // It has left since the last look.
      ++Counters(Port::kAgent).stale;
      admission_.Release(next->peer);
      kernel_.Close(next->fd);
      continue;
    }
    Admit(next->fd, {.peer = next->peer, .port = Port::kAgent, .arrived = next->arrived}, local);
  }
}

void Gatekeeper::Admit(int fd, Admitted admitted, const PeerAddress& local) {
  const size_t index = PickWorker();
  WorkerLink& worker = workers_[index];
  const bool tls = options_->tls.has_value();
  Assignment assignment;
  admitted.own = IsOwn(admitted.peer, local);
  admitted.worker = static_cast<uint8_t>(index);
  assignment.id = registry_.Admit(admitted, tls);
  assignment.sequence = ++sequence_;
  assignment.client = fd;
  assignment.port = admitted.port;
  assignment.peer = admitted.peer;
  assignment.local = local;
  if (tls) assignment.handshake_deadline = Now() + options_->limits.handshake_timeout;
  kernel_.Forget(fd);  // The worker's kernel has it from here on.
  worker.outbox.emplace_back(assignment);
  ++worker.slots_held;
  ++worker.connections;
  ++slots_held_[static_cast<size_t>(admitted.port)];
  if (admitted.port == Port::kAgent) ++not_begun_;
}

size_t Gatekeeper::PickWorker() const {
  const auto load = [](const WorkerLink& worker) {
    return std::pair(worker.slots_held, worker.connections);
  };
  const auto least =
      std::min_element(workers_.begin(), workers_.end(),
                       [&](const WorkerLink& a, const WorkerLink& b) { return load(a) < load(b); });
  return static_cast<size_t>(least - workers_.begin());
}

bool Gatekeeper::IsOwn(const PeerAddress& peer, const PeerAddress& local) const {
  if (peer.family == PeerAddress::Family::kUnix) return true;
  return peer.ip == local.ip || own_addresses_.contains(peer.ip);
}

void Gatekeeper::PostAssignments() {
  for (WorkerLink& worker : workers_) worker.mailbox->Post(worker.outbox, Urgency::kUrgent);
}

// --- The gate

GateState Gatekeeper::Settle() {
  gate_.Advance(Now());
  if (gate_.state() != told_) OnGateChanged(told_);
  if (gate_.state() == GateState::kDraining && parked_left_ == 0) {
    gate_.DrainFinished(Now());
    OnGateChanged(told_);
  }
  return gate_.state();
}

void Gatekeeper::OnGateChanged(GateState before) {
  const GateState state = gate_.state();
  const bool admitted = before == GateState::kDraining || before == GateState::kOpen;
  if (gate_.admits() && !admitted) {
    listeners_.ListenForAgents();  // Before anybody is told that the gate opens.
    parked_left_ = listeners_.AgentsQueued();
    pace_.Restart(Now());
  }
  if (!gate_.admits()) {  // Who comes now is to be parked.
    syn_refusals_.EndAll();
    listeners_.ForgetDeferredAccepts();
  }
  if (state == GateState::kHolding && options_->agent.hold == Hold::kRefuse) {
    listeners_.RefuseAgents();
  }
  if (state == told_) return;
  told_ = state;
  std::string text(Name(state));
  if (state == GateState::kHolding) {
    absl::StrAppend(&text, ", waiting for ",
                    absl::StrJoin(gate_.WaitingFor(), ", ", [](std::string* out, Condition c) {
                      absl::StrAppend(out, Name(c));
                    }));
  } else if (state == GateState::kDraining) {
    absl::StrAppend(&text, ": ", parked_left_, " agents were parked");
  }
  log_.Write(Severity::kInfo, "gate", text);
  if (on_gate_) on_gate_(state);
}

void Gatekeeper::Stop(Duration grace) {
  if (std::exchange(stopping_, true)) return;
  end_at_ = Now() + grace;
  gate_.Stop(Now());
  Settle();
  listeners_.Stop();
  waiting_room_.EndDelayed();
}

void Gatekeeper::EndAll() {
  FG_CHECK(stopping_);
  end_at_ = Instant::Never();
  ended_ = true;
  waiting_room_.EndAll();
  for (const WaitingController& controller : controllers_waiting_) {
    PortCounters& counters = Counters(Port::kController);
    --counters.waiting;
    ++counters.refused[static_cast<size_t>(RefusalReason::kOverload)];
    kernel_.Reset(controller.fd);
  }
  controllers_waiting_.clear();
  for (WorkerLink& worker : workers_) worker.outbox.emplace_back(CloseAll{});
}

bool Gatekeeper::done() const {
  return stopping_ && listeners_.stopped() && registry_.size() == 0 && waiting_room_.size() == 0 &&
         controllers_waiting_.empty();
}

void Gatekeeper::Reconfigure(std::shared_ptr<const Options> options, Capacity capacity) {
  const std::shared_ptr<const Options> before = std::exchange(options_, std::move(options));
  capacity_ = capacity;
  gate_.Reconfigure(options_->gate, Now());
  patience_.Configure(options_->limits.patience);
  syn_refusals_.EndAll();
  admission_.Reconfigure(*options_);
  syn_refusals_.SetPrefixes(options_->limits.source_prefix_v4, options_->limits.source_prefix_v6);
  if (options_->drain.rate != before->drain.rate || options_->drain.ramp != before->drain.ramp) {
    pace_ = Pace(options_->drain.rate, options_->drain.ramp, Now());
  }
  // Also if it is the same: net.core.somaxconn may have been raised since.
  listeners_.SetAgentBacklog(options_->agent.backlog);
}

}  // namespace floodgate
