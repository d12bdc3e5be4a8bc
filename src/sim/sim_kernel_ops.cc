// What each operation does in the fake kernel.
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "sim/sim_kernel_state.h"

namespace floodgate::sim {

bool IsWriter(const Op& op) {
  return op.kind == OpKind::kSend || op.kind == OpKind::kConnect ||
         (op.kind == OpKind::kPoll && op.poll_events == POLLOUT);
}

uint64_t ContentOf(const Op& op) {
  const std::byte* bytes = op.kind == OpKind::kSend ? op.data : nullptr;
  size_t size = op.size;
  if (op.kind == OpKind::kConnect) {
    bytes = op.address->storage;
    size = op.address->size;
  }
  if (bytes == nullptr) return 0;
  uint64_t digest = size;
  for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes + at, std::min(sizeof(word), size - at));
    digest = (digest ^ word) * 0x9e3779b97f4a7c15ULL;
    digest ^= digest >> 32;
  }
  return digest;
}

bool SimKernel::State::Chance(uint32_t percent) {
  return percent > 0 && world.prng().Chance(percent);
}

void SimKernel::State::StartSubmitted() {
  std::vector<Submitted> starting;
  starting.swap(submitted);
  for (const Submitted& one : starting) Start(one);
  // Keeps the memory for the next turn.
  starting.clear();
  if (submitted.empty()) submitted.swap(starting);
}

void SimKernel::State::Start(const Submitted& started) {
  const Op& op = started.op;
  if (op.kind == OpKind::kCancel) return Cancel(op);
  Handle& handle = HandleOf(op.fd);
  int32_t slot = kNone;
  if (free_pending.empty()) {
    slot = static_cast<int32_t>(pending.size());
    pending.emplace_back();
  } else {
    slot = free_pending.back();
    free_pending.pop_back();
  }
  Pending& one = pending[static_cast<size_t>(slot)];
  const uint32_t generation = one.generation + 1;
  one = {.op = op, .content = started.content, .generation = generation, .active = true};
  if (op.kind != OpKind::kAccept) {
    (IsWriter(op) ? handle.writer : handle.reader) = slot;
    Watch(op.fd, handle);
  }
  if (op.kind == OpKind::kConnect && !StartConnect(slot)) return;
  Try(slot);
}

// False: it has failed already.
bool SimKernel::State::StartConnect(int32_t slot) {
  const Op& op = pending[static_cast<size_t>(slot)].op;
  sockaddr_in address = {};
  FG_CHECK(op.address->size == sizeof(address));
  std::memcpy(&address, op.address->storage, sizeof(address));
  FG_CHECK(address.sin_family == AF_INET);
  if (Chance(faults.connect_error_pct)) {
    constexpr int kErrors[] = {ECONNREFUSED, EHOSTUNREACH, ETIMEDOUT, EADDRNOTAVAIL};
    const uint64_t which = world.prng().Below(std::size(kErrors));
    Complete(slot, -kErrors[which]);
    return false;
  }
  ConnectOptions connecting;
  connecting.to_port = ntohs(address.sin_port);
  network.StartConnect(op.fd, connecting);
  return true;
}

// --- Cancelling

int32_t SimKernel::State::FindTarget(const Op& cancel) const {
  const auto is_target = [&](int32_t slot) {
    return slot != kNone && pending[static_cast<size_t>(slot)].op.token == cancel.target;
  };
  const auto found = handles.find(cancel.fd);
  if (found != handles.end()) {
    if (is_target(found->second.reader)) return found->second.reader;
    if (is_target(found->second.writer)) return found->second.writer;
    if (found->second.accepts == 0) return kNone;
  } else if (cancel.fd >= 0) {
    return kNone;
  }
  for (size_t slot = 0; slot < pending.size(); ++slot) {
    if (pending[slot].active && pending[slot].op.token == cancel.target) {
      return static_cast<int32_t>(slot);
    }
  }
  return kNone;
}

void SimKernel::State::Cancel(const Op& op) {
  const int32_t slot = FindTarget(op);
  if (slot == kNone) return Push(op, {.token = op.token, .result = -ENOENT});
  const Pending& target = pending[static_cast<size_t>(slot)];
  // One that never waits is past cancelling, and any other may win the race if it can complete.
  if (target.op.kind == OpKind::kAccept || Chance(faults.cancel_race_pct)) {
    const uint32_t generation = target.generation;
    Attempt(slot);
    const Pending& after = pending[static_cast<size_t>(slot)];
    if (!after.active || after.generation != generation) {
      return Push(op, {.token = op.token, .result = -ENOENT});
    }
  }
  const uint32_t done = pending[static_cast<size_t>(slot)].done;
  Complete(slot, done > 0 ? static_cast<int32_t>(done) : -ECANCELED);
  Push(op, {.token = op.token, .result = 0});
}

// --- Attempts

void SimKernel::State::Try(int32_t slot) {
  if (faults.completion_delay_max > Duration{}) return TryLater(slot);
  Attempt(slot);
}

void SimKernel::State::TryLater(int32_t slot) {
  Pending& one = pending[static_cast<size_t>(slot)];
  if (one.attempt_due) return;
  one.attempt_due = true;
  const uint64_t bound = static_cast<uint64_t>(faults.completion_delay_max.ns) + 1;
  const Duration delay = Duration::Nanoseconds(static_cast<int64_t>(world.prng().Below(bound)));
  world.At(world.now() + delay, owner,
           (uint64_t{one.generation} << 32) | static_cast<uint32_t>(slot));
}

void SimKernel::State::Attempt(int32_t slot) {
  Pending& one = pending[static_cast<size_t>(slot)];
  switch (one.op.kind) {
    case OpKind::kAccept:
      return AttemptAccept(slot);
    case OpKind::kAcceptMultishot:
      if (!one.in_ready && network.Look(one.op.fd).readable) {
        one.in_ready = true;
        ready_multishots.push_back(slot);
      }
      return;
    case OpKind::kConnect:
      return AttemptConnect(slot);
    case OpKind::kReceive:
      return AttemptReceive(slot);
    case OpKind::kSend:
      return AttemptSend(slot);
    case OpKind::kPoll:
      return AttemptPoll(slot);
    case OpKind::kCancel:
      break;
  }
  FG_CHECK(false);
}

int32_t SimKernel::State::AcceptFault(int listener) {
  if (!Chance(faults.accept_error_pct)) return 0;
  constexpr int kErrors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED};
  const uint64_t which = world.prng().Below(std::size(kErrors));
  if (kErrors[which] != ECONNABORTED) return -kErrors[which];
  // That one connection is lost.
  PeerAddress peer;
  const int lost = network.Accept(listener, &peer);
  if (lost < 0) return lost;
  network.Reset(lost);
  return -ECONNABORTED;
}

void SimKernel::State::AttemptAccept(int32_t slot) {
  const Op& op = pending[static_cast<size_t>(slot)].op;
  Completion completion;
  completion.result = AcceptFault(op.fd);
  if (completion.result == 0) completion.result = network.Accept(op.fd, &completion.peer);
  if (completion.result >= 0) HandleOf(completion.result);
  Complete(slot, completion);
}

void SimKernel::State::TakeMultishots(size_t limit) {
  size_t taken = 0;
  while (taken < limit && !ready_multishots.empty()) {
    const int32_t slot = ready_multishots.front();
    if (TakeMultishot(slot)) {
      ++taken;
      continue;
    }
    // Nothing waits there, or it has ended, which has removed it.
    if (!ready_multishots.empty() && ready_multishots.front() == slot &&
        pending[static_cast<size_t>(slot)].in_ready) {
      pending[static_cast<size_t>(slot)].in_ready = false;
      ready_multishots.pop_front();
    }
  }
}

// False: it takes no more now.
bool SimKernel::State::TakeMultishot(int32_t slot) {
  const Op op = pending[static_cast<size_t>(slot)].op;
  if (!network.Look(op.fd).readable) return false;
  const int32_t error = AcceptFault(op.fd);
  if (error != 0) {
    Complete(slot, error);
    return false;
  }
  Completion completion{.token = op.token, .more = true};
  PeerAddress peer;
  completion.result = network.Accept(op.fd, &peer);
  HandleOf(completion.result);
  if (Chance(faults.multishot_end_pct)) {
    Complete(slot, completion.result);
    return false;
  }
  Push(op, completion);
  return true;
}

void SimKernel::State::AttemptConnect(int32_t slot) {
  const Op& op = pending[static_cast<size_t>(slot)].op;
  const Readiness state = network.Look(op.fd);
  if (state.connected) return Complete(slot, 0);
  if (state.refused) return Complete(slot, -network.TakeError(op.fd));
}

int32_t SimKernel::State::TakeBuffer(const std::string& bytes) {
  const uint16_t number = free_buffers.back();
  free_buffers.pop_back();
  Buffer& buffer = buffers[number];
  if (buffer.bytes == nullptr) buffer.bytes.reset(new std::byte[options.buffer_size]);
  buffer.held = true;
  buffer.used = static_cast<uint32_t>(bytes.size());
  std::memcpy(buffer.bytes.get(), bytes.data(), bytes.size());
  return number;
}

void SimKernel::State::AttemptReceive(int32_t slot) {
  const int fd = pending[static_cast<size_t>(slot)].op.fd;
  if (!network.Look(fd).readable) return;
  if (Chance(faults.receive_reset_pct)) network.Break(fd);
  size_t size = std::min<size_t>(network.received_unread(fd), options.buffer_size);
  if (size == 0) return Complete(slot, -network.TakeError(fd));
  if (free_buffers.empty() || Chance(faults.receive_no_buffers_pct)) {
    return Complete(slot, -ENOBUFS);
  }
  if (Chance(faults.receive_short_pct)) size = 1 + world.prng().Below(size);
  Completion completion;
  completion.result = static_cast<int32_t>(size);
  completion.buffer = static_cast<uint16_t>(TakeBuffer(network.Receive(fd, size)));
  Complete(slot, completion);
}

void SimKernel::State::AttemptSend(int32_t slot) {
  Pending& one = pending[static_cast<size_t>(slot)];
  const Op op = one.op;
  if (Chance(faults.send_pipe_pct)) network.Break(op.fd);
  size_t size = op.size - one.done;
  bool is_short = false;
  if (size > 1 && Chance(faults.send_short_pct)) {
    size = 1 + world.prng().Below(size - 1);
    is_short = true;
  }
  FG_CHECK(ContentOf(op) == one.content);
  const absl::string_view bytes(reinterpret_cast<const char*>(op.data) + one.done, size);
  const int64_t sent = network.Send(op.fd, bytes);
  if (sent < 0) {
    // What went out before is told first; the error comes back at the next attempt.
    return Complete(slot,
                    one.done > 0 ? static_cast<int32_t>(one.done) : static_cast<int32_t>(sent));
  }
  one.done += static_cast<uint32_t>(sent);
  if (one.done == op.size || (is_short && sent > 0)) {
    Complete(slot, static_cast<int32_t>(one.done));
  }
}

void SimKernel::State::AttemptPoll(int32_t slot) {
  const Op& op = pending[static_cast<size_t>(slot)].op;
  const Readiness state = network.Look(op.fd);
  int32_t events = 0;
  if (state.readable) events |= POLLIN;
  if (state.writable) events |= POLLOUT;
  if (state.end_of_input) events |= POLLRDHUP;
  if (state.both_finished) events |= POLLHUP;
  if (state.error) events |= POLLERR;
  events &= op.poll_events | POLLHUP | POLLERR;
  if (events != 0) return Complete(slot, events);
  if ((op.poll_events & POLLOUT) != 0) network.WantRoom(op.fd);
}

// --- Completions

void SimKernel::State::Complete(int32_t slot, int32_t result) {
  Complete(slot, Completion{.result = result});
}

void SimKernel::State::Complete(int32_t slot, Completion completion) {
  Pending& one = pending[static_cast<size_t>(slot)];
  FG_CHECK(one.active);
  FG_CHECK(ContentOf(one.op) == one.content);
  one.active = false;
  if (one.op.kind != OpKind::kAccept) {
    Handle& handle = HandleOf(one.op.fd);
    (IsWriter(one.op) ? handle.writer : handle.reader) = kNone;
  }
  if (one.in_ready) {
    one.in_ready = false;
    ready_multishots.erase(std::find(ready_multishots.begin(), ready_multishots.end(), slot));
  }
  completion.token = one.op.token;
  completion.more = false;
  free_pending.push_back(slot);
  Push(one.op, completion);
}

void SimKernel::State::Push(const Op& op, Completion completion) {
  completions.push_back(
      {.completion = completion, .kind = op.kind, .is_writer = IsWriter(op), .fd = op.fd});
}

Completion SimKernel::State::HandOver() {
  const Done done = completions.front();
  completions.pop_front();
  const Completion& completion = done.completion;
  if (completion.token == kWakeToken) return completion;
  ChargeFor(done.kind);
  if (completion.more) return completion;
  --in_flight;
  if (done.kind == OpKind::kCancel) return completion;
  Handle& handle = HandleOf(done.fd);
  uint32_t& count = done.kind == OpKind::kAccept ? handle.accepts
                    : done.is_writer             ? handle.writers
                                                 : handle.readers;
  FG_CHECK(count > 0);
  --count;
  return completion;
}

void SimKernel::State::ChargeFor(OpKind kind) {
  Duration cost;
  switch (kind) {
    case OpKind::kAccept:
    case OpKind::kAcceptMultishot:
      cost = costs.accept;
      break;
    case OpKind::kReceive:
      cost = costs.receive;
      break;
    case OpKind::kSend:
      cost = costs.send;
      break;
    case OpKind::kConnect:
      cost = costs.connect;
      break;
    case OpKind::kPoll:
    case OpKind::kCancel:
      break;
  }
  charge = charge + cost;
}

}  // namespace floodgate::sim
