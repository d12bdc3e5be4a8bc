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
#include "core/patience.h"
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
  bool parked = false;                                // waited behind the gate when it opened
  Instant arrived = {};                               // when the connection was established
  Instant silent_since = {};                          // kSilent: when it was taken
  TimerId timer = {};
};

class WaitingRoom {
 public:
  // Called for each connection that ends here after it had been judged within its limits, so that
  // it no longer counts for its source. Those delayed never did.
  using OnEnded = std::function<void(const PeerAddress&)>;

  // `patience` is told of everybody who is found to have left.
  WaitingRoom(Kernel& kernel, TimerWheel& timers, PortCounters& counters, Patience& patience,
              OnEnded on_ended)
      : kernel_(kernel),
        timers_(timers),
        counters_(counters),
        patience_(patience),
        on_ended_(std::move(on_ended)) {}

  // Each counts the connection and owns its descriptor from then on.
  void AddSilent(const Visitor& visitor, Instant now, Instant deadline);
  void AddReady(const Visitor& visitor);
  void AddQueued(const Visitor& visitor, Instant due);
  void AddDelayed(const Visitor& visitor, RefusalReason reason, Instant until);

  // The next to be admitted, out of the room and still there; those found gone are counted stale.
  // `horizon`: see ServiceOrder.
  std::optional<Visitor> Next(std::optional<Duration> horizon, Instant now);
  // Looks at up to `count` of those who are ready, going round, and lets go who has left. How many
  // had.
  size_t Sweep(size_t count, Instant now);
  // When the one that has been silent longest has been so for kTimeToSpeak; Never(): nobody is
  // silent.
  Instant EvictableAt();
  // Resets the one that has been silent longest, for want of room. False: none has been for
  // kTimeToSpeak.
  bool EvictSilent(Instant now);
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
  void OnTimer(uint64_t token);
  static bool Owns(uint64_t token) { return (token & kTokenTag) != 0; }
  // Submits what found the kernel's queue full. False: some is left.
  bool FlushDeferred();

 private:
  static constexpr uint64_t kTokenTag = uint64_t{1} << 62;
  // A client's first bytes are a round trip behind its connection, and a busy client's later.
  static constexpr Duration kTimeToSpeak = Duration::Milliseconds(500);
  enum class Kind : uint8_t { kReadable = 1, kCancelled, kTimer };

  uint64_t Token(SlotHandle handle, Kind kind) const;
  SlotHandle HandleOf(uint64_t token) const;
  SlotHandle Insert(const Visitor& visitor, Visitor::State state);
  void Submit(const Op& op);
  void MakeReady(SlotHandle handle);
  // Counts it as stale; it has left the order and its state's count already.
  void LetGo(SlotHandle handle, Instant now);
  // The oldest of the silent, or null.
  Visitor* OldestSilent();
  // Takes it out of its state's count and out of the order.
  void Uncount(Visitor& visitor, SlotHandle handle);
  // Closes it, now or when the watch has been cancelled. It has been counted already.
  void Dismiss(SlotHandle handle, bool reset);
  void CountRefused(RefusalReason reason) { ++counters_.refused[static_cast<size_t>(reason)]; }

  Kernel& kernel_;
  TimerWheel& timers_;
  PortCounters& counters_;
  Patience& patience_;
  OnEnded on_ended_;
  SlotPool<Visitor> visitors_;
  ServiceOrder order_;
  std::deque<SlotHandle> silent_order_;  // oldest first; may hold some who have left that state
  size_t silent_ = 0;
  uint32_t swept_ = 0;  // the slot where the next sweep begins
  std::vector<Op> deferred_;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_WAITING_ROOM_H_
