// The listening sockets, seen by the gatekeeper: what is taken from their queues and when. The
// controller port takes all that comes (multishot accept). The agent port takes exactly what it is
// told to (counted single accepts), so that everything else stays parked in the kernel.
#ifndef FLOODGATE_FRONT_LISTENER_H_
#define FLOODGATE_FRONT_LISTENER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/log.h"
#include "base/time.h"
#include "core/states.h"
#include "front/snapshot.h"
#include "io/kernel.h"

namespace floodgate {

// A bound socket for the gatekeeper, which owns `fd` from then on.
struct BoundListener {
  int fd = -1;
  Port port = Port::kAgent;
  std::string address;    // really bound, in the form of Endpoint::ToString
  int backlog = 4096;     // asked of listen(2)
  bool listening = true;  // false: bound only (agent.hold = "refuse")
};

// A connection just taken from a queue.
struct Taken {
  int fd = -1;
  Port port = Port::kAgent;
  PeerAddress peer;
  bool peer_known = false;  // a multishot accept does not tell
};

class Listeners {
 public:
  // Called for each connection taken; owns `fd` from then on.
  using OnTaken = std::function<void(const Taken&)>;
  // Makes the bound socket of a broken or closed listener anew. -1: not now.
  using Rebind = std::function<int(const BoundListener&)>;

  Listeners(Kernel& kernel, Log& log, std::vector<BoundListener> bound, OnTaken on_taken,
            Rebind rebind);

  // Closes what Stop has not closed yet.
  ~Listeners();
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  // Begins to take controllers. Agents stay parked.
  void Start();
  // Takes at most `budget` agents in all, as far as any wait, and watches the queues when they are
  // empty. To be called each turn; 0 parks.
  void TakeAgents(int64_t budget, Instant now);
  // Takes back the accepts that found the kernel's queue full: the gate has shut meanwhile.
  void ForgetDeferredAccepts();
  // Listens on the agent port where that was put off (hold = "refuse").
  void ListenForAgents();
  // Stops to listen on the agent port at all; what is queued is reset (hold = "refuse").
  void RefuseAgents();
  // A descriptor has been freed: accepts that failed for want of one may be tried again.
  void DescriptorFreed() { retry_at_ = Instant{}; }
  // Takes no more and closes every listener as soon as nothing is in flight on it.
  void Stop();
  bool stopped() const;
  // listen(2) again with a new backlog: takes effect at once, the queue is kept.
  void SetAgentBacklog(int backlog);
  // Lets no more than `most` wait in each agent queue, if that is less than the backlog, until it
  // is told otherwise; nullopt: the backlog alone counts. Who is queued already stays.
  void LimitAgentQueues(std::optional<int64_t> most);
  std::optional<int64_t> agent_queue_limit() const { return queue_limit_; }

  // A completion whose token is ours (see Owns).
  void OnCompletion(const Completion& completion, Instant now);
  static bool Owns(uint64_t token) { return (token & kTokenTag) != 0; }

  // When a failed accept is to be tried again, or Never().
  Instant NextDeadline() const;
  // Agents that wait in the kernel's queues now.
  uint64_t AgentsQueued();
  // Of these, as last read, those that are not being taken yet.
  uint64_t AgentsKnown() const;
  // Accepts of agents that are in flight: each may bring one.
  uint64_t AgentsBeingTaken() const;
  // Whether the last TakeAgents found every agent queue empty.
  bool agents_drained() const;
  // Accepts are failing for want of descriptors or memory.
  bool starved() const { return retry_at_ != Instant{}; }

  // `agents`: the state that the gate and backpressure put the agent listeners in.
  void AddTo(StatusSnapshot& snapshot, ListenerState agents);

 private:
  static constexpr uint64_t kTokenTag = uint64_t{1} << 63;
  static constexpr uint32_t kAcceptsInFlightMax = 64;
  static constexpr Duration kRetryAfter = Duration::Milliseconds(100);
  enum class Kind : uint8_t { kAccept = 1, kMultishot, kReadable, kCancelled };

  struct Listener {
    BoundListener bound;
    uint32_t accepting = 0;  // single accepts in flight
    bool multishot = false;  // armed
    bool watching = false;   // a poll for readiness is in flight
    bool empty = false;      // a look at the queue found nothing; watching tells when that changes
    uint32_t known = 0;      // waiting in the queue, as last read and not yet taken
    uint32_t cancels = 0;    // in flight
    bool refusing = false;   // to be closed and bound anew as soon as nothing is in flight
  };

  uint64_t Token(size_t index, Kind kind) const;
  void Submit(const Op& op);
  void ArmMultishot(size_t index);
  void Watch(size_t index);
  void Cancel(size_t index, Kind kind);
  void OnAccepted(size_t index, const Completion& completion, bool peer_known, Instant now);
  void OnAcceptError(size_t index, int error, Instant now);
  void Rebuild(Listener& listener, int error);
  // False: not now. It is tried again with the next TakeAgents.
  bool EnsureListening(Listener& listener);
  int64_t TakeFrom(size_t index, int64_t budget);
  int BacklogOf(const Listener& listener) const;
  void ListenAgain();
  void CloseIfIdle(Listener& listener);

  Kernel& kernel_;
  Log& log_;
  std::vector<Listener> listeners_;
  OnTaken on_taken_;
  Rebind rebind_;
  std::vector<Op> deferred_;
  Instant retry_at_;  // 0: accepts work
  size_t first_ = 0;  // whose turn it is to be asked first
  std::optional<int64_t> queue_limit_;
  bool stopping_ = false;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_LISTENER_H_
