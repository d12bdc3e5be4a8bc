#include "front/waiting_room.h"

#include <poll.h>

#include <algorithm>

#include "base/check.h"

namespace floodgate {

uint64_t WaitingRoom::Token(SlotHandle handle, Kind kind) const {
  return kTokenTag | (handle.Pack() << 8) | static_cast<uint64_t>(kind);
}

SlotHandle WaitingRoom::HandleOf(uint64_t token) const {
  return SlotHandle::Unpack((token & ~kTokenTag) >> 8);
}

SlotHandle WaitingRoom::Insert(const Visitor& visitor, Visitor::State state) {
  const SlotHandle handle = visitors_.Insert();
  Visitor& inserted = *visitors_.Get(handle);
  inserted = visitor;
  inserted.state = state;
  return handle;
}

void WaitingRoom::Submit(const Op& op) {
  if (!deferred_.empty() || !kernel_.Submit(op)) deferred_.push_back(op);
}

bool WaitingRoom::FlushDeferred() {
  size_t submitted = 0;
  while (submitted < deferred_.size() && kernel_.Submit(deferred_[submitted])) ++submitted;
  deferred_.erase(deferred_.begin(), deferred_.begin() + static_cast<ptrdiff_t>(submitted));
  return deferred_.empty();
}

Visitor* WaitingRoom::OldestSilent() {
  // Those at the front who have spoken meanwhile are of no use any more; so the list is never
  // longer than what came within one handshake time-out.
  while (!silent_order_.empty()) {
    Visitor* oldest = visitors_.Get(silent_order_.front());
    if (oldest != nullptr && oldest->state == Visitor::State::kSilent) return oldest;
    silent_order_.pop_front();
  }
  return nullptr;
}

void WaitingRoom::AddSilent(const Visitor& visitor, Instant now, Instant deadline) {
  const SlotHandle handle = Insert(visitor, Visitor::State::kSilent);
  Visitor& added = *visitors_.Get(handle);
  ++counters_.waiting;
  ++silent_;
  OldestSilent();
  silent_order_.push_back(handle);
  added.silent_since = now;
  added.timer = timers_.Arm(deadline, Token(handle, Kind::kTimer));
  added.watched = true;
  Submit({.kind = OpKind::kPoll,
          .poll_events = POLLIN | POLLRDHUP,
          .fd = added.fd,
          .token = Token(handle, Kind::kReadable)});
}

void WaitingRoom::AddReady(const Visitor& visitor) {
  const SlotHandle handle = Insert(visitor, Visitor::State::kReady);
  ++counters_.waiting;
  MakeReady(handle);
}

void WaitingRoom::AddQueued(const Visitor& visitor, Instant due) {
  const SlotHandle handle = Insert(visitor, Visitor::State::kQueued);
  ++counters_.waiting;
  visitors_.Get(handle)->timer = timers_.Arm(due, Token(handle, Kind::kTimer));
}

void WaitingRoom::AddDelayed(const Visitor& visitor, RefusalReason reason, Instant until) {
  const SlotHandle handle = Insert(visitor, Visitor::State::kDelayed);
  Visitor& added = *visitors_.Get(handle);
  ++counters_.delayed;
  added.reason = reason;
  added.timer = timers_.Arm(until, Token(handle, Kind::kTimer));
}

void WaitingRoom::MakeReady(SlotHandle handle) {
  Visitor& visitor = *visitors_.Get(handle);
  visitor.state = Visitor::State::kReady;
  order_.Add(handle.index, visitor.arrived, visitor.parked);
}

void WaitingRoom::Uncount(Visitor& visitor, SlotHandle handle) {
  timers_.Cancel(visitor.timer);
  visitor.timer = {};
  if (visitor.state == Visitor::State::kDelayed) {
    --counters_.delayed;
  } else {
    --counters_.waiting;
  }
  if (visitor.state == Visitor::State::kSilent) --silent_;
  if (visitor.state == Visitor::State::kReady) order_.Remove(handle.index);
}

void WaitingRoom::Dismiss(SlotHandle handle, bool reset) {
  Visitor& visitor = *visitors_.Get(handle);
  const bool counted =
      visitor.state != Visitor::State::kDelayed && visitor.state != Visitor::State::kLeaving;
  if (counted) on_ended_(visitor.peer);
  if (visitor.watched) {
    visitor.state = Visitor::State::kLeaving;
    visitor.reset = reset;
    Submit({.kind = OpKind::kCancel,
            .fd = visitor.fd,
            .token = Token(handle, Kind::kCancelled),
            .target = Token(handle, Kind::kReadable)});
    return;
  }
  if (reset) {
    kernel_.Reset(visitor.fd);
  } else {
    kernel_.Close(visitor.fd);
  }
  visitors_.Erase(handle);
}

void WaitingRoom::LetGo(SlotHandle handle, Instant now) {
  ++counters_.stale;
  patience_.Left(now - visitors_.Get(handle)->arrived, now);
  Dismiss(handle, /*reset=*/false);
}

std::optional<Visitor> WaitingRoom::Next(std::optional<Duration> horizon, Instant now) {
  while (const std::optional<uint32_t> index = order_.Next(horizon, now)) {
    const SlotHandle handle = visitors_.HandleAt(*index);
    Visitor& visitor = *visitors_.Get(handle);
    FG_CHECK(visitor.state == Visitor::State::kReady && !visitor.watched);
    --counters_.waiting;
    if (kernel_.ReadConnection(visitor.fd).state == ConnectionReading::State::kGone) {
      LetGo(handle, now);
      continue;
    }
    const Visitor next = visitor;
    visitors_.Erase(handle);
    return next;
  }
  return std::nullopt;
}

size_t WaitingRoom::Sweep(size_t count, Instant now) {
  size_t gone = 0;
  count = std::min(count, visitors_.slots());
  for (size_t i = 0; i < count; ++i) {
    swept_ = swept_ + 1 < visitors_.slots() ? swept_ + 1 : 0;
    const std::optional<SlotHandle> handle = visitors_.Look(swept_);
    if (!handle.has_value()) continue;
    Visitor& visitor = *visitors_.Get(*handle);
    if (visitor.state != Visitor::State::kReady) continue;
    if (kernel_.ReadConnection(visitor.fd).state != ConnectionReading::State::kGone) continue;
    Uncount(visitor, *handle);
    LetGo(*handle, now);
    ++gone;
  }
  return gone;
}

Instant WaitingRoom::EvictableAt() {
  const Visitor* oldest = OldestSilent();
  return oldest == nullptr ? Instant::Never() : oldest->silent_since + kTimeToSpeak;
}

bool WaitingRoom::EvictSilent(Instant now) {
  if (EvictableAt() > now) return false;
  const SlotHandle handle = silent_order_.front();
  silent_order_.pop_front();
  Uncount(*visitors_.Get(handle), handle);
  CountRefused(RefusalReason::kOverload);
  Dismiss(handle, /*reset=*/true);
  return true;
}

void WaitingRoom::EndDelayed() {
  visitors_.ForEach([this](SlotHandle handle, Visitor& visitor) {
    if (visitor.state != Visitor::State::kDelayed) return;
    Uncount(visitor, handle);
    CountRefused(visitor.reason);
    Dismiss(handle, /*reset=*/true);
  });
}

void WaitingRoom::EndAll() {
  visitors_.ForEach([this](SlotHandle handle, Visitor& visitor) {
    if (visitor.state == Visitor::State::kLeaving) return;
    CountRefused(visitor.state == Visitor::State::kDelayed ? visitor.reason
                                                           : RefusalReason::kOverload);
    Uncount(visitor, handle);
    Dismiss(handle, /*reset=*/true);
  });
}

void WaitingRoom::OnCompletion(const Completion& completion, Instant now) {
  if (static_cast<Kind>(completion.token & 0xff) != Kind::kReadable) return;
  const SlotHandle handle = HandleOf(completion.token);
  Visitor* visitor = visitors_.Get(handle);
  FG_CHECK(visitor != nullptr && visitor->watched);
  visitor->watched = false;
  if (visitor->state == Visitor::State::kLeaving) return Dismiss(handle, visitor->reset);
  Uncount(*visitor, handle);
  constexpr int32_t kGone = POLLRDHUP | POLLHUP | POLLERR;
  if (completion.result < 0 || (completion.result & kGone) != 0) {
    return LetGo(handle, now);
  }
  ++counters_.waiting;
  MakeReady(handle);
}

void WaitingRoom::OnTimer(uint64_t token) {
  const SlotHandle handle = HandleOf(token);
  Visitor* visitor = visitors_.Get(handle);
  if (visitor == nullptr) return;
  visitor->timer = {};
  switch (visitor->state) {
    case Visitor::State::kQueued:
      return MakeReady(handle);
    case Visitor::State::kDelayed:
      Uncount(*visitor, handle);
      CountRefused(visitor->reason);
      return Dismiss(handle, /*reset=*/true);
    case Visitor::State::kSilent:
      // It had its handshake's time and did not begin: to everybody else that is a failed
      // handshake.
      Uncount(*visitor, handle);
      ++counters_.admitted;
      ++counters_.handshakes_failed;
      CountRefused(RefusalReason::kHandshake);
      return Dismiss(handle, /*reset=*/false);
    case Visitor::State::kReady:
    case Visitor::State::kLeaving:
      return;
  }
}

}  // namespace floodgate
