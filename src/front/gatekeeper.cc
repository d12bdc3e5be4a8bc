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
      waiting_room_(kernel, timers_, Counters(Port::kAgent),
                    [this](const PeerAddress& peer) { admission_.Release(peer); }),
      registry_(counters_) {
  FG_CHECK(!setup.workers.empty() && setup.workers.size() <= 255);
  for (Mailbox<WorkerMessage>* mailbox : setup.workers) workers_.push_back({.mailbox = mailbox});
  reports_.SetWaker(&kernel.waker());
  commands_.SetWaker(&kernel.waker());
  syn_refusals_.SetPrefixes(options_->limits.source_prefix_v4, options_->limits.source_prefix_v6);
  listeners_.Start();
  if (gate_.admits()) OnGateChanged(GateState::kHolding);
}

void Gatekeeper::Turn(Instant until) {
  TakeMessages();
  Settle();
  if (Now() >= end_at_) EndAll();
  AdmitWaiting();
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
  const size_t count =
      kernel_.Wait(idle ? NextDeadline(until) : kernel_.Now(), absl::MakeSpan(batch_));
  TakeMessages();  // Slots that have been freed meanwhile count in the decisions of this batch.
  DispatchBatch(absl::MakeConstSpan(batch_).first(count));
  timers_.Advance(kernel_.Now(),
                  [this](uint64_t token) { waiting_room_.OnTimer(token, kernel_.Now()); });
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
    rest_until_ = Now() + (options_->tls.has_value() ? kRestTls : kRestPlain);
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

// --- Taking
// ---------------------------------------------------------------------------------------

void Gatekeeper::OnTaken(const Taken& taken) {
  ++Counters(taken.port).accepted;
  if (taken.port == Port::kController) {
    OnControllerTaken(taken);
  } else {
    OnAgentTaken(taken);
  }
}

void Gatekeeper::OnControllerTaken(const Taken& taken) {
  PortCounters& counters = Counters(Port::kController);
  WaitingController controller{.fd = taken.fd};
  if (!kernel_.ReadAddresses(taken.fd, &controller.peer, &controller.local)) {
    ++counters.stale;
    return kernel_.Close(taken.fd);
  }
  const Verdict verdict =
      admission_.Judge(Port::kController, controller.peer, CurrentOccupancy(), Now());
  if (verdict.action != Verdict::Action::kAdmit) {
    ++counters.refused[static_cast<size_t>(verdict.reason)];
    return kernel_.Reset(taken.fd);
  }
  if (controllers_waiting_.size() >= kControllersWaitingMax) {
    ++counters.refused[static_cast<size_t>(RefusalReason::kOverload)];
    return kernel_.Reset(taken.fd);
  }
  ++counters.waiting;
  controllers_waiting_.push_back(controller);
}

void Gatekeeper::OnAgentTaken(const Taken& taken) {
  ++taken_;
  if (parked_left_ > 0) --parked_left_;
  pace_.Took(1, Now());
  const Verdict verdict = admission_.Judge(Port::kAgent, taken.peer, CurrentOccupancy(), Now());
  switch (verdict.action) {
    case Verdict::Action::kAdmit:
      return Keep(taken);
    case Verdict::Action::kReset:
      ++refused_;
      ++Counters(Port::kAgent).refused[static_cast<size_t>(verdict.reason)];
      kernel_.Reset(taken.fd);
      if (verdict.reason == RefusalReason::kSourceRate) {
        syn_refusals_.OnReset(admission_.SourceOf(taken.peer.ip), verdict.due, Now());
      }
      return;
    case Verdict::Action::kDelay:
      return waiting_room_.AddDelayed({.fd = taken.fd, .peer = taken.peer}, verdict.reason,
                                      verdict.due);
    case Verdict::Action::kQueue:
      return waiting_room_.AddQueued({.fd = taken.fd, .peer = taken.peer, .arrived = Now()},
                                     verdict.due);
  }
}

void Gatekeeper::CountSynRefused(const IpAddress& source, uint64_t count) {
  syn_refused_ += count;
  PortCounters& counters = Counters(Port::kAgent);
  counters.accepted += count;  // So that all who came are counted, whoever turned them away.
  counters.refused[static_cast<size_t>(RefusalReason::kSourceRate)] += count;
  admission_.CountRefused(source, count);
}

void Gatekeeper::Keep(const Taken& taken) {
  const ConnectionReading reading = kernel_.ReadConnection(taken.fd);
  if (reading.state == ConnectionReading::State::kGone) {
    ++Counters(Port::kAgent).stale;
    admission_.Release(taken.peer);
    return kernel_.Close(taken.fd);
  }
  queue_seconds_.Record(reading.queued);
  Visitor visitor{.fd = taken.fd, .peer = taken.peer, .arrived = Now() - reading.queued};
  const bool silent = reading.state == ConnectionReading::State::kSilent;
  if (!silent || !options_->tls.has_value()) {
    return waiting_room_.AddReady(visitor, Now());
  }
  // A handshake slot is for those who have begun to speak; nobody holds one by saying nothing.
  if (waiting_room_.waiting() >= static_cast<size_t>(options_->limits.waiting)) {
    waiting_room_.EvictSilent();
  }
  waiting_room_.AddSilent(visitor, Now() + options_->limits.handshake_timeout);
}

// --- Admitting
// ------------------------------------------------------------------------------------

void Gatekeeper::AdmitWaiting() {
  while (!controllers_waiting_.empty() &&
         slots_held_[static_cast<size_t>(Port::kController)] < kControllerHandshakesMax) {
    const WaitingController controller = controllers_waiting_.front();
    controllers_waiting_.pop_front();
    --Counters(Port::kController).waiting;
    Admit(controller.fd, controller.peer, controller.local, Port::kController);
  }
  while (slots_held_[static_cast<size_t>(Port::kAgent)] < capacity_.handshakes_max) {
    const std::optional<Visitor> next = waiting_room_.Next(Now());
    if (!next.has_value()) return;
    PeerAddress peer;
    PeerAddress local;
    if (!kernel_.ReadAddresses(next->fd, &peer, &local)) {  // It has left since the last look.
      ++Counters(Port::kAgent).stale;
      admission_.Release(next->peer);
      kernel_.Close(next->fd);
      continue;
    }
    Admit(next->fd, next->peer, local, Port::kAgent);
  }
}

void Gatekeeper::Admit(int fd, const PeerAddress& peer, const PeerAddress& local, Port port) {
  const size_t index = PickWorker();
  WorkerLink& worker = workers_[index];
  const bool tls = options_->tls.has_value();
  Assignment assignment;
  assignment.id = registry_.Admit(peer, port, IsOwn(peer, local), tls, static_cast<uint8_t>(index));
  assignment.sequence = ++sequence_;
  assignment.client = fd;
  assignment.port = port;
  assignment.peer = peer;
  assignment.local = local;
  if (tls) assignment.handshake_deadline = Now() + options_->limits.handshake_timeout;
  kernel_.Forget(fd);  // The worker's kernel has it from here on.
  worker.outbox.emplace_back(assignment);
  ++worker.slots_held;
  ++worker.connections;
  ++slots_held_[static_cast<size_t>(port)];
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

// --- How much to take
// -------------------------------------------------------------------------------

Occupancy Gatekeeper::CurrentOccupancy() const {
  const PortCounters& agents = counters_[static_cast<size_t>(Port::kAgent)];
  Occupancy occupancy;
  occupancy.connections =
      static_cast<int64_t>(agents.handshaking + agents.active + waiting_room_.waiting());
  occupancy.delayed = static_cast<int64_t>(waiting_room_.delayed());
  occupancy.waiting = static_cast<int64_t>(waiting_room_.waiting());
  return occupancy;
}

int64_t Gatekeeper::AgentRoom() const {
  const int64_t slots = capacity_.handshakes_max - slots_held_[static_cast<size_t>(Port::kAgent)] -
                        static_cast<int64_t>(waiting_room_.ready());
  // The descriptors that are left. Those of limits.connections are a matter of admission.
  const int64_t descriptors = capacity_.connections_max - static_cast<int64_t>(registry_.size()) -
                              static_cast<int64_t>(waiting_room_.size());
  return std::min(slots, descriptors);
}

int64_t Gatekeeper::AgentBudget() {
  if (!gate_.admits() || stopping_ || Now() < rest_until_) return 0;
  return std::min(AgentRoom(), pace_.Allowance(Now()));
}

void Gatekeeper::TakeAgents() {
  listeners_.TakeAgents(AgentBudget(), Now());
  // Those parked at the opening have been taken when so many have come out of the queue, or when it
  // was seen empty: some may have been dropped from it by the kernel.
  if (AgentBudget() > 0 && listeners_.agents_drained()) parked_left_ = 0;
  if (parked_left_ == 0) Settle();
}

Instant Gatekeeper::NextDeadline(Instant until) {
  until = std::min({until, timers_.NextDeadline(), gate_.NextDeadline(), listeners_.NextDeadline(),
                    syn_refusals_.NextDeadline(), end_at_});
  if (Now() < rest_until_ && gate_.admits() && !stopping_) until = std::min(until, rest_until_);
  // A pace that holds us back tells when it is our turn; unless nobody waits.
  if (gate_.admits() && !stopping_ && pace_.Allowance(Now()) <= 0 && !listeners_.agents_drained()) {
    until = std::min(until, pace_.NextAt());
  }
  return until;
}

// --- The gate
// ---------------------------------------------------------------------------------------

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
  if (!gate_.admits()) syn_refusals_.EndAll();  // Who comes now is to be parked.
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
  syn_refusals_.EndAll();
  admission_.Reconfigure(*options_);
  syn_refusals_.SetPrefixes(options_->limits.source_prefix_v4, options_->limits.source_prefix_v6);
  if (options_->drain.rate != before->drain.rate || options_->drain.ramp != before->drain.ramp) {
    pace_ = Pace(options_->drain.rate, options_->drain.ramp, Now());
  }
  if (options_->agent.backlog != before->agent.backlog) {
    listeners_.SetAgentBacklog(options_->agent.backlog);
  }
}

}  // namespace floodgate
