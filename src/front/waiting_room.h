// Connections that were taken from the queue and not yet admitted: those that have not said hello,
// those that wait for a handshake slot or for their source's next token, and those that are held
// unserved before a reset. Each ends admitted, stale, or refused, and is counted once.
#ifndef FLOODGATE_FRONT_WAITING_ROOM_H_
#define FLOODGATE_FRONT_WAITING_ROOM_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/slot_pool.h"
#include "base/time.h"
#include "base/timer_wheel.h"
#include "core/service_order.h"
#include "core/states.h"
#include "front/snapshot.h"
#include "io/kernel.h"

namespace floodgate {

// One such connection.
struct Visitor {
  enum class State : uint8_t {
    kSilent,   // has not said anything yet; nothing to begin a handshake with
    kQueued,   // its source's next token is not due yet
    kReady,    // in the service order
    kDelayed,  // refused, held unserved
    kLeaving,  // ended; the watch on it is being cancelled
  };
  int fd = -1;
  PeerAddress peer = {};
  State state = State::kSilent;
  RefusalReason reason = RefusalReason::kSourceRate;  // kDelayed
  bool watched = false;                               // a poll on it is in flight
  bool reset = false;                                 // kLeaving: how to close
  Instant arrived = {};                               // when the connection was established
  TimerId timer = {};
};

class WaitingRoom {
 public:
  // Called for each connection that ends here after it had been judged within its limits, so that
  // it no longer counts for its source. Those delayed never did.
  using OnEnded = std::function<void(const PeerAddress&)>;

  WaitingRoom(Kernel& kernel, TimerWheel& timers, PortCounters& counters, OnEnded on_ended)
      : kernel_(kernel), timers_(timers), counters_(counters), on_ended_(std::move(on_ended)) {}

  // Each counts the connection and owns its descriptor from then on.
  void AddSilent(const Visitor& visitor, Instant deadline);
  void AddReady(const Visitor& visitor, Instant now);
  void AddQueued(const Visitor& visitor, Instant due);
  void AddDelayed(const Visitor& visitor, RefusalReason reason, Instant until);

  // The next to be admitted, out of the room and still there; those found gone are counted stale.
  std::optional<Visitor> Next(Instant now);
  // Resets the one that has been silent longest, for want of room. False: none is silent.
  bool EvictSilent();
  // Resets everyone who is being delayed.
  void EndDelayed();
  // Resets everyone.
  void EndAll();

  size_t ready() const { return order_.size(); }
  size_t silent() const { return silent_; }
  // Silent, queued and ready.
  size_t waiting() const { return counters_.waiting; }
  size_t delayed() const { return counters_.delayed; }
  // All of the above and those whose watch is being cancelled.
  size_t size() const { return visitors_.size(); }

  // A completion or timer whose token is ours (the kind is in the low byte; see Owns).
  void OnCompletion(const Completion& completion, Instant now);
  // A silent one whose time is over counts as admitted and its handshake as failed.
  void OnTimer(uint64_t token, Instant now);
  static bool Owns(uint64_t token) { return (token & kTokenTag) != 0; }
  // Submits what found the kernel's queue full. False: some is left.
  bool FlushDeferred();

 private:
  static constexpr uint64_t kTokenTag = uint64_t{1} << 62;
  enum class Kind : uint8_t { kReadable = 1, kCancelled, kTimer };

  uint64_t Token(SlotHandle handle, Kind kind) const;
  SlotHandle HandleOf(uint64_t token) const;
  SlotHandle Insert(const Visitor& visitor, Visitor::State state);
  void Submit(const Op& op);
  void MakeReady(SlotHandle handle, Instant now);
  // Takes it out of its state's count and out of the order.
  void Uncount(Visitor& visitor, SlotHandle handle);
  // Closes it, now or when the watch has been cancelled. It has been counted already.
  void Dismiss(SlotHandle handle, bool reset);
  void CountRefused(RefusalReason reason) { ++counters_.refused[static_cast<size_t>(reason)]; }

  Kernel& kernel_;
  TimerWheel& timers_;
  PortCounters& counters_;
  OnEnded on_ended_;
  SlotPool<Visitor> visitors_;
  ServiceOrder order_;
  std::deque<SlotHandle> silent_order_;  // oldest first; may hold some who have left that state
  size_t silent_ = 0;
  std::vector<Op> deferred_;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_WAITING_ROOM_H_
