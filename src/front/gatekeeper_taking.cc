// What the gatekeeper takes from the queues, whom it keeps, and how much it takes.
#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "front/gatekeeper.h"

namespace floodgate {

void Gatekeeper::OnTaken(const Taken& taken) {
  ++Counters(taken.port).accepted;
  if (ended_) {  // It was on its way when all were ended.
    ++Counters(taken.port).refused[static_cast<size_t>(RefusalReason::kOverload)];
    return kernel_.Reset(taken.fd);
  }
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
  const bool parked = parked_left_ > 0;
  if (parked) --parked_left_;
  pace_.Took(1, Now());
  // A token that is reserved for somebody who has left is one that nobody gets. The other policies
  // are rid of the dead in a moment; who would be reset needs no look.
  if (options_->limits.over_limit == OverLimit::kQueue &&
      LetGoIfLeft(taken, parked, kernel_.ReadConnection(taken.fd))) {
    return;
  }
  const Verdict verdict = admission_.Judge(Port::kAgent, taken.peer, CurrentOccupancy(), Now());
  switch (verdict.action) {
    case Verdict::Action::kAdmit:
      return Keep(taken, parked);
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
      return waiting_room_.AddQueued(
          {.fd = taken.fd, .peer = taken.peer, .parked = parked, .arrived = Now()}, verdict.due);
  }
}

bool Gatekeeper::LetGoIfLeft(const Taken& taken, bool parked, const ConnectionReading& reading) {
  if (reading.state != ConnectionReading::State::kGone) return false;
  ++Counters(Port::kAgent).stale;
  // Behind a shut gate it may have been gone for long: its age says nothing.
  if (!parked) patience_.Left(reading.queued, Now());
  kernel_.Close(taken.fd);
  return true;
}

void Gatekeeper::CountSynRefused(const IpAddress& source, uint64_t count) {
  syn_refused_ += count;
  PortCounters& counters = Counters(Port::kAgent);
  counters.accepted += count;  // So that all who came are counted, whoever turned them away.
  counters.refused[static_cast<size_t>(RefusalReason::kSourceRate)] += count;
  admission_.CountRefused(source, count);
}

void Gatekeeper::Keep(const Taken& taken, bool parked) {
  const ConnectionReading reading = kernel_.ReadConnection(taken.fd);
  if (LetGoIfLeft(taken, parked, reading)) return admission_.Release(taken.peer);
  queue_seconds_.Record(reading.queued);
  const Visitor visitor{
      .fd = taken.fd, .peer = taken.peer, .parked = parked, .arrived = Now() - reading.queued};
  if (static_cast<int64_t>(waiting_room_.waiting()) >= WaitingMax()) {
    waiting_room_.EvictSilent(Now());
  }
  const bool silent = reading.state == ConnectionReading::State::kSilent;
  if (!silent || !options_->tls.has_value() || MayBeSilentInASlot()) {
    return waiting_room_.AddReady(visitor);
  }
  // The other slots are for those who have begun to speak; nobody holds one by saying nothing.
  waiting_room_.AddSilent(visitor, Now(), Now() + options_->limits.handshake_timeout);
}

bool Gatekeeper::MayBeSilentInASlot() const {
  const auto given = not_begun_ + static_cast<int64_t>(waiting_room_.ready());
  return given < BeginMax() / 2 && AgentSlotsTaken() < capacity_.handshakes_max / 2;
}

// --- How much to take

Occupancy Gatekeeper::CurrentOccupancy() const {
  const PortCounters& agents = counters_[static_cast<size_t>(Port::kAgent)];
  Occupancy occupancy;
  occupancy.connections =
      static_cast<int64_t>(agents.handshaking + agents.active + waiting_room_.waiting());
  occupancy.delayed = static_cast<int64_t>(waiting_room_.delayed());
  occupancy.waiting = static_cast<int64_t>(waiting_room_.waiting());
  return occupancy;
}

bool Gatekeeper::AllWorkersBusy() const {
  // Without TLS a worker is done with a connection sooner than we could tell.
  if (!options_->tls.has_value()) return false;
  return AgentSlotsTaken() >= static_cast<int64_t>(workers_.size());
}

void Gatekeeper::LogOverload(bool leaving) {
  if (leaving) left_at_ = Now();
  if (leaving == overload_told_ || (!leaving && Now() - left_at_ < kCalm)) return;
  overload_told_ = leaving;
  if (!leaving) return log_.Write(Severity::kInfo, "overload", "over: agents no longer leave");
  log_.Write(Severity::kWarn, "overload",
             absl::StrCat("agents leave before they are served, after about ",
                          patience_.Known().value_or(Duration{}).milliseconds(),
                          " ms: serving those who still have time"));
}

// Full is told at once, and its end when it has lasted: places come and go one by one.
void Gatekeeper::LogFullness() {
  if (stopping_) return;
  const bool full = gate_.admits() && PlacesLeft() <= 0;
  if (full) full_at_ = Now();
  if (full == full_told_ || (!full && Now() - full_at_ < kCalm)) return;
  full_told_ = full;
  if (!full) return log_.Write(Severity::kInfo, "descriptors", "free again: the pause is over");
  log_.Write(Severity::kWarn, "descriptors",
             absl::StrCat("paused: all ", capacity_.connections_max,
                          " places that the limit of descriptors allows are taken; other agents "
                          "wait in the kernel's queue. More: LimitNOFILE= in the unit; or refuse "
                          "them with a smaller limits.connections"));
}

int64_t Gatekeeper::AgentSlotsTaken() const {
  return slots_held_[static_cast<size_t>(Port::kAgent)] +
         static_cast<int64_t>(waiting_room_.ready());
}

Capacity Capacity::Of(const LimitOptions& limits, uint64_t descriptors_max, size_t workers) {
  // Each agent takes two descriptors, its own and the backend's. Controllers, listeners, rings,
  // pipes and the admin interface live off what is kept back.
  const auto limit = static_cast<int64_t>(descriptors_max);
  const int64_t reserve = std::clamp<int64_t>(limit / 8, 32, 1024);
  Capacity capacity;
  capacity.connections_max = std::max<int64_t>((limit - reserve) / 2, 1);
  capacity.handshakes_max =
      limits.handshakes > 0 ? limits.handshakes : 64 * static_cast<int>(workers);
  return capacity;
}

int64_t Capacity::DescriptorsFor(int64_t agents) {
  // The inverse of the above: an eighth is kept back, 32 at least and 1024 at the most.
  return std::max(2 * agents + 32, std::min(2 * agents + 1024, agents * 16 / 7 + 1));
}

int64_t Gatekeeper::BeginMax() const {
  // Without TLS nothing is begun that costs: what takes time is the way to the backend.
  if (!overload_.begins_few || !options_->tls.has_value()) return capacity_.handshakes_max;
  return service_rate_.BeginMax(static_cast<int64_t>(workers_.size()), capacity_.handshakes_max);
}

int64_t Gatekeeper::PlacesLeft() const {
  return capacity_.connections_max - static_cast<int64_t>(registry_.size()) -
         static_cast<int64_t>(waiting_room_.size());
}

int64_t Gatekeeper::AgentRoom() {
  const int64_t evictable = waiting_room_.EvictableAt() <= Now() ? 1 : 0;
  const int64_t waiting = WaitingMax() - static_cast<int64_t>(waiting_room_.waiting()) + evictable;
  const int64_t room = std::min(PlacesLeft(), waiting);
  if (LooksAhead()) return room;
  // Those who can be begun, and as many again to choose from when these have been.
  const int64_t soon = 2 * BeginMax() - not_begun_ - static_cast<int64_t>(waiting_room_.ready());
  return std::min({room, capacity_.handshakes_max - AgentSlotsTaken(), soon});
}

void Gatekeeper::LearnFrom(const Registry::Change& change, const Report& report) {
  if (change.begun) --not_begun_;
  if (change.slot_freed) service_rate_.Finished();
  const bool tls = options_->tls.has_value();
  if (report.kind == (tls ? Report::Kind::kHandshakeDone : Report::Kind::kEstablished)) {
    patience_.Served(Now());
  }
  if (!report.client_left) return;
  const Duration age = Now() - change.admitted.arrived;
  if (overload_.learns_from_late) {
    patience_.LeftLate(age, Now());
  } else if (report.kind == Report::Kind::kHandshakeFailed) {
    patience_.Left(age, Now());
  }
}

void Gatekeeper::ReckonWithOverload() {
  const bool somebody_waits = waiting_room_.ready() > 0;
  service_rate_.Update(somebody_waits, Now());
  if (!somebody_waits) nobody_waited_ = Now();
  const auto waiting = static_cast<int64_t>(waiting_room_.waiting());
  LogOverload(patience_.Leaving(Now()));
  LogFullness();
  if (!gate_.admits() || !LooksAhead()) return listeners_.LimitAgentQueues(std::nullopt);
  if (Now() >= sweep_at_) Sweep();
  if (!overload_.shortens_queue) return;
  if (waiting < WaitingMax() * 3 / 4) return listeners_.LimitAgentQueues(std::nullopt);
  if (AgentRoom() > 0 && !listeners_.agent_queue_limit().has_value()) return;
  ShortenQueues();
}

// Whoever comes out of a queue is as old as the queue is long: one that is longer than the horizon
// brings nobody but those who are about to leave.
void Gatekeeper::ShortenQueues() {
  const std::optional<Duration> horizon = patience_.Horizon(Now());
  if (!horizon.has_value()) return;
  const std::optional<int64_t> wanted = service_rate_.QueueMax(*horizon);
  const std::optional<int64_t> limit = listeners_.agent_queue_limit();
  // Not at every breath of the estimates.
  if (wanted.has_value() && limit.has_value() && std::abs(*wanted - *limit) <= *limit / 4) return;
  listeners_.LimitAgentQueues(wanted);
}

void Gatekeeper::Sweep() {
  sweep_at_ = Now() + kSweepInterval;
  const size_t count = std::min(waiting_room_.ready() / 4 + 1, kSweepMax);
  // A fleet that came in one instant leaves in one: who finds many gone goes on to the end of them.
  size_t left = waiting_room_.ready();
  while (left > 0 && waiting_room_.Sweep(count, Now()) >= (count + 1) / 2) {
    left -= std::min(left, count);
  }
}

int64_t Gatekeeper::AgentBudget() {
  if (!gate_.admits() || stopping_ || Now() < rest_until_) return 0;
  // Those who are on their way will need their place, and their share of the pace.
  const auto on_their_way = static_cast<int64_t>(listeners_.AgentsBeingTaken());
  return std::min(AgentRoom(), pace_.Allowance(Now())) - on_their_way;
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
  if (gate_.admits() && !stopping_ && AgentRoom() <= 0) {
    const Instant evictable_at = waiting_room_.EvictableAt();
    if (evictable_at > Now()) until = std::min(until, evictable_at);
    if (LooksAhead() && sweep_at_ > Now()) until = std::min(until, sweep_at_);
  }
  if (overload_told_) until = std::min(until, left_at_ + kCalm);
  if (full_told_ && !stopping_) until = std::min(until, full_at_ + kCalm);
  if (Now() < rest_until_ && gate_.admits() && !stopping_) until = std::min(until, rest_until_);
  // A pace that holds us back tells when it is our turn; unless nobody waits.
  if (gate_.admits() && !stopping_ && pace_.Allowance(Now()) <= 0 && !listeners_.agents_drained()) {
    until = std::min(until, pace_.NextAt());
  }
  return until;
}

}  // namespace floodgate
