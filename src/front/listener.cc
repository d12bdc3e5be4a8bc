#include "front/listener.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "io/errno_judgement.h"

namespace floodgate {

Listeners::Listeners(Kernel& kernel, Log& log, std::vector<BoundListener> bound, OnTaken on_taken,
                     Rebind rebind)
    : kernel_(kernel), log_(log), on_taken_(std::move(on_taken)), rebind_(std::move(rebind)) {
  for (BoundListener& listener : bound) listeners_.push_back({.bound = std::move(listener)});
}

Listeners::~Listeners() {
  for (const Listener& listener : listeners_) {
    if (listener.bound.fd >= 0) kernel_.Close(listener.bound.fd);
  }
}

uint64_t Listeners::Token(size_t index, Kind kind) const {
  return kTokenTag | (index << 8) | static_cast<uint64_t>(kind);
}

void Listeners::Submit(const Op& op) {
  if (!deferred_.empty() || !kernel_.Submit(op)) deferred_.push_back(op);
}

void Listeners::Start() {
  for (size_t i = 0; i < listeners_.size(); ++i) {
    if (listeners_[i].bound.port == Port::kController) ArmMultishot(i);
  }
}

void Listeners::ArmMultishot(size_t index) {
  Listener& listener = listeners_[index];
  if (listener.multishot || listener.bound.fd < 0 || stopping_) return;
  listener.multishot = true;
  Submit({.kind = OpKind::kAcceptMultishot,
          .fd = listener.bound.fd,
          .token = Token(index, Kind::kMultishot)});
}

void Listeners::Watch(size_t index) {
  Listener& listener = listeners_[index];
  if (listener.watching) return;
  listener.watching = true;
  Submit({.kind = OpKind::kPoll,
          .poll_events = POLLIN,
          .fd = listener.bound.fd,
          .token = Token(index, Kind::kReadable)});
}

void Listeners::Cancel(size_t index, Kind kind) {
  ++listeners_[index].cancels;
  Submit({.kind = OpKind::kCancel,
          .fd = listeners_[index].bound.fd,
          .token = Token(index, Kind::kCancelled),
          .target = Token(index, kind)});
}

void Listeners::TakeAgents(int64_t budget, Instant now) {
  size_t submitted = 0;
  while (submitted < deferred_.size() && kernel_.Submit(deferred_[submitted])) ++submitted;
  deferred_.erase(deferred_.begin(), deferred_.begin() + static_cast<ptrdiff_t>(submitted));
  if (starved() && now >= retry_at_) retry_at_ = Instant{};
  if (starved() || stopping_) return;
  for (size_t i = 0; i < listeners_.size(); ++i) {
    const size_t index = (first_ + i) % listeners_.size();
    if (listeners_[index].bound.port == Port::kController) {
      ArmMultishot(index);
    } else if (budget > 0) {
      budget -= TakeFrom(index, budget);
    }
  }
  if (!listeners_.empty()) first_ = (first_ + 1) % listeners_.size();
}

void Listeners::ForgetDeferredAccepts() {
  std::erase_if(deferred_, [this](const Op& op) {
    if (op.kind != OpKind::kAccept) return false;
    Listener& listener = listeners_[(op.token & ~kTokenTag) >> 8];
    --listener.accepting;
    ++listener.known;
    return true;
  });
}

bool Listeners::EnsureListening(Listener& listener) {
  if (listener.bound.fd < 0) Rebuild(listener, 0);
  if (listener.bound.fd < 0) return false;
  if (listener.bound.listening) return true;
  const int result = kernel_.Listen(listener.bound.fd, BacklogOf(listener));
  if (result < 0) {
    Rebuild(listener, -result);
    return false;
  }
  listener.bound.listening = true;
  return true;
}

void Listeners::ListenForAgents() {
  for (Listener& listener : listeners_) {
    if (listener.bound.port == Port::kAgent) EnsureListening(listener);
  }
}

int64_t Listeners::TakeFrom(size_t index, int64_t budget) {
  Listener& listener = listeners_[index];
  if (!EnsureListening(listener)) return 0;
  if (listener.watching) return 0;  // Nobody is there: the kernel says when.
  if (listener.known == 0 && listener.accepting == 0) {
    listener.known = kernel_.ReadQueue(listener.bound.fd).depth;
    listener.empty = listener.known == 0;
    if (listener.empty) {
      Watch(index);
      return 0;
    }
  }
  const uint32_t free = kAcceptsInFlightMax - std::min(kAcceptsInFlightMax, listener.accepting);
  const auto count =
      static_cast<uint32_t>(std::min<int64_t>({budget, int64_t{listener.known}, int64_t{free}}));
  for (uint32_t i = 0; i < count; ++i) {
    Submit(
        {.kind = OpKind::kAccept, .fd = listener.bound.fd, .token = Token(index, Kind::kAccept)});
  }
  listener.accepting += count;
  listener.known -= count;
  return count;
}

void Listeners::OnCompletion(const Completion& completion, Instant now) {
  const size_t index = (completion.token & ~kTokenTag) >> 8;
  FG_CHECK(index < listeners_.size());
  Listener& listener = listeners_[index];
  switch (static_cast<Kind>(completion.token & 0xff)) {
    case Kind::kAccept:
      FG_CHECK(listener.accepting > 0);
      --listener.accepting;
      OnAccepted(index, completion, /*peer_known=*/true, now);
      break;
    case Kind::kMultishot:
      if (!completion.more) listener.multishot = false;
      OnAccepted(index, completion, /*peer_known=*/false, now);
      // Ended, with whatever result: arm it again, or nobody is taken any more.
      if (!listener.multishot && !starved()) ArmMultishot(index);
      break;
    case Kind::kReadable:
      listener.watching = false;
      listener.empty = false;
      break;
    case Kind::kCancelled:
      --listener.cancels;
      break;
  }
  CloseIfIdle(listener);
}

void Listeners::OnAccepted(size_t index, const Completion& completion, bool peer_known,
                           Instant now) {
  if (completion.result < 0) return OnAcceptError(index, -completion.result, now);
  on_taken_({.fd = completion.result,
             .port = listeners_[index].bound.port,
             .peer = completion.peer,
             .peer_known = peer_known});
}

void Listeners::OnAcceptError(size_t index, int error, Instant now) {
  Listener& listener = listeners_[index];
  switch (JudgeAccept(error)) {
    case AcceptVerdict::kNone:
      listener.known = 0;
      return;
    case AcceptVerdict::kSkip:
      return;
    case AcceptVerdict::kPause:
      listener.known = 0;
      if (!starved()) {
        log_.Write(
            Severity::kWarn, "accept",
            absl::StrCat("paused on ", listener.bound.address, ": ", std::strerror(error),
                         "; connections wait in the kernel's queue until a descriptor is free. "
                         "More: LimitNOFILE= in the unit, or a smaller limits.connections"));
      }
      retry_at_ = now + kRetryAfter;
      return;
    case AcceptVerdict::kRebuild:
      listener.known = 0;
      if (!stopping_ && error != ECANCELED) Rebuild(listener, error);
      return;
  }
}

void Listeners::Rebuild(Listener& listener, int error) {
  // A listener that the kernel broke is of no use to anybody: make a new one on the same address.
  // One with operations in flight is left for the next turn.
  if (listener.accepting > 0 || listener.watching || listener.multishot) return;
  if (listener.bound.fd >= 0) {
    log_.Write(Severity::kError, "listener",
               absl::StrCat("on ", listener.bound.address, " broke: ", std::strerror(error),
                            "; making it anew"));
    kernel_.Close(listener.bound.fd);
  }
  listener.bound.fd = rebind_(listener.bound);
  listener.bound.listening = false;
  listener.known = 0;
}

void Listeners::RefuseAgents() {
  for (size_t i = 0; i < listeners_.size(); ++i) {
    Listener& listener = listeners_[i];
    if (listener.bound.port != Port::kAgent || !listener.bound.listening) continue;
    listener.refusing = true;
    if (listener.watching) Cancel(i, Kind::kReadable);
    CloseIfIdle(listener);
  }
}

void Listeners::Stop() {
  stopping_ = true;
  for (size_t i = 0; i < listeners_.size(); ++i) {
    Listener& listener = listeners_[i];
    if (listener.watching) Cancel(i, Kind::kReadable);
    if (listener.multishot) Cancel(i, Kind::kMultishot);
    CloseIfIdle(listener);
  }
}

void Listeners::CloseIfIdle(Listener& listener) {
  const bool idle =
      listener.accepting == 0 && !listener.multishot && !listener.watching && listener.cancels == 0;
  if (!idle || listener.bound.fd < 0) return;
  if (stopping_) {
    kernel_.Close(std::exchange(listener.bound.fd, -1));
  } else if (listener.refusing) {
    // Only closing takes a TCP socket out of listening for good; bound anew it keeps its port.
    listener.refusing = false;
    kernel_.Close(std::exchange(listener.bound.fd, -1));
    listener.bound.fd = rebind_(listener.bound);
    listener.bound.listening = false;
    listener.known = 0;
  }
}

bool Listeners::stopped() const {
  return stopping_ && std::all_of(listeners_.begin(), listeners_.end(),
                                  [](const Listener& listener) { return listener.bound.fd < 0; });
}

void Listeners::SetAgentBacklog(int backlog) {
  for (Listener& listener : listeners_) {
    if (listener.bound.port != Port::kAgent) continue;
    listener.bound.backlog = backlog;
  }
  ListenAgain();
}

void Listeners::LimitAgentQueues(std::optional<int64_t> most) {
  if (most == queue_limit_) return;
  queue_limit_ = most;
  ListenAgain();
}

int Listeners::BacklogOf(const Listener& listener) const {
  if (listener.bound.port != Port::kAgent || !queue_limit_.has_value()) {
    return listener.bound.backlog;
  }
  return static_cast<int>(std::min<int64_t>(*queue_limit_, listener.bound.backlog));
}

void Listeners::ListenAgain() {
  for (const Listener& listener : listeners_) {
    if (listener.bound.port != Port::kAgent) continue;
    if (!listener.bound.listening || listener.bound.fd < 0) continue;
    kernel_.Listen(listener.bound.fd, BacklogOf(listener));
  }
}

Instant Listeners::NextDeadline() const {
  if (!deferred_.empty()) return Instant{};
  return starved() ? retry_at_ : Instant::Never();
}

uint64_t Listeners::AgentsQueued() {
  uint64_t queued = 0;
  for (const Listener& listener : listeners_) {
    if (listener.bound.port != Port::kAgent || !listener.bound.listening || listener.bound.fd < 0) {
      continue;
    }
    queued += kernel_.ReadQueue(listener.bound.fd).depth;
  }
  return queued;
}

uint64_t Listeners::AgentsKnown() const {
  uint64_t known = 0;
  for (const Listener& listener : listeners_) known += listener.known;
  return known;
}

uint64_t Listeners::AgentsBeingTaken() const {
  uint64_t all = 0;
  for (const Listener& listener : listeners_) all += listener.accepting;
  return all;
}

bool Listeners::agents_drained() const {
  return std::all_of(listeners_.begin(), listeners_.end(), [](const Listener& listener) {
    return listener.bound.port != Port::kAgent || listener.empty;
  });
}

void Listeners::AddTo(StatusSnapshot& snapshot, ListenerState agents) {
  for (const Listener& listener : listeners_) {
    ListenerSnapshot row;
    row.port = listener.bound.port;
    row.address = listener.bound.address;
    row.state = agents;
    if (listener.bound.port == Port::kController) {
      row.state = starved() ? ListenerState::kPaused : ListenerState::kAccepting;
    }
    if (stopping_ || listener.bound.fd < 0 || !listener.bound.listening) {
      row.state = ListenerState::kClosed;
    } else {
      const QueueReading reading = kernel_.ReadQueue(listener.bound.fd);
      row.queue_depth = reading.depth;
      row.queue_limit = reading.limit;
    }
    snapshot.listeners.push_back(std::move(row));
  }
}

}  // namespace floodgate
