// The gatekeeper: the one thread that decides when a connection is taken from the kernel's queue
// and whether it is kept. It owns the listeners, the gate, every limit and everyone who waits. It
// never blocks but in its kernel, and no lock guards what it decides with: there is one order of
// events.
#ifndef FLOODGATE_FRONT_GATEKEEPER_H_
#define FLOODGATE_FRONT_GATEKEEPER_H_

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/timer_wheel.h"
#include "core/admission.h"
#include "core/gate.h"
#include "core/options.h"
#include "core/overload_policy.h"
#include "core/pace.h"
#include "core/patience.h"
#include "core/service_rate.h"
#include "front/counters.h"
#include "front/listener.h"
#include "front/mailbox.h"
#include "front/messages.h"
#include "front/registry.h"
#include "front/snapshot.h"
#include "front/sources_report.h"
#include "front/syn_refusals.h"
#include "front/waiting_room.h"
#include "io/kernel.h"

namespace floodgate {

// What the configuration leaves to the host, worked out by the daemon.
struct Capacity {
  int64_t connections_max = 0;  // agents at a time that the descriptor limit allows
  int handshakes_max = 0;       // agents' TLS handshakes in flight

  // `descriptors_max`: how many the process may have open. REQUIRES: workers > 0.
  static Capacity Of(const LimitOptions& limits, uint64_t descriptors_max, size_t workers);
  // The least `descriptors_max` with which connections_max is at least `agents`, or a few more.
  static int64_t DescriptorsFor(int64_t agents);
};

class Gatekeeper {
 public:
  struct Setup {
    std::shared_ptr<const Options> options;
    Capacity capacity;
    std::vector<BoundListener> listeners;
    std::vector<Mailbox<WorkerMessage>*> workers;  // at least one, at most 255
    std::set<IpAddress> own_addresses;             // of this host, for the self-connection
    uint64_t hash_seed = 0;
    SourceTable::MemoryHint memory_hint = nullptr;  // see core/source_table.h
    std::unique_ptr<SynRefuser> syn_refuser;        // for the agent port; null: none
    Listeners::Rebind rebind;
    OverloadPolicy overload = {};  // other than the default in experiments alone
    // Told on the gatekeeper's thread whenever the gate's state has changed. Must not block.
    std::function<void(GateState)> on_gate;
  };
  // Something to be done on the gatekeeper's thread, with access to all of it.
  using Command = std::function<void(Gatekeeper&)>;

  // Kernel, log and reports (the mailbox that the workers post to) outlive the gatekeeper.
  Gatekeeper(Kernel& kernel, Log& log, Mailbox<Report>& reports, Setup setup);

  // --- Any thread
  Mailbox<Command>& commands() { return commands_; }

  // --- The gatekeeper's thread, and commands

  // One turn: takes messages, decides, waits for the kernel at most until `until`.
  void Turn(Instant until) { EndTurn(BeginTurn(until)); }
  // Its two halves, as Worker's.
  Instant BeginTurn(Instant until);
  void EndTurn(Instant until);
  // Stopped, and nothing of ours is open any more.
  bool done() const;

  // Whoever changes it calls Settle() afterwards.
  Gate& gate() { return gate_; }
  // Carries out what a change of the gate entails. The state then.
  GateState Settle();
  Instant Now() const { return kernel_.Now(); }
  // Begins the graceful stop: listeners are closed, those parked in their queues are reset by that;
  // who was taken already is served, for `grace` at the most. Further calls change nothing.
  void Stop(Duration grace);
  // Ends every connection now. REQUIRES: Stop was called.
  void EndAll();
  // New options for what comes from now on; what exists stays. Counts as a reload: see docs.
  void Reconfigure(std::shared_ptr<const Options> options, Capacity capacity);
  void FillStatus(StatusSnapshot& snapshot, int64_t unix_now_ms);
  // Calls back with the `count` sources that were refused most, when the table has been read: it is
  // read in small pieces, one a turn.
  void TopSources(size_t count, SourcesReport::Callback callback);

 private:
  // Handshake slots of the controller port; the rest of its connections wait for one, agents aside.
  static constexpr int kControllerHandshakesMax = 64;
  static constexpr size_t kControllersWaitingMax = 1024;
  static constexpr size_t kBatchMax = 128;
  // After a batch that emptied the agents' queues, or in which everybody was refused, nothing is
  // taken for so long: when many come, those of that time are taken together, most of them with
  // their first bytes there already, and a wake-up and the preemption of a worker are paid for once
  // and not twice for each. Whoever comes alone is taken at once; controllers always are.
  static constexpr Duration kRest = Duration::Microseconds(300);
  // With handshakes to be done on every worker nobody would be served sooner by being taken sooner.
  static constexpr Duration kRestWhileBusy = Duration::Milliseconds(2);
  // While agents leave, those who wait are looked at in turn, each about every 20 ms, if there are
  // many every 80: who has left is forgotten in time to teach how long the others will stay. One
  // percent of a core.
  static constexpr size_t kSweepMax = 64;
  static constexpr Duration kSweepInterval = Duration::Milliseconds(5);
  // An overload is over for the log when nobody has left for so long.
  static constexpr Duration kCalm = Duration::Seconds(10);

  struct WorkerLink {
    Mailbox<WorkerMessage>* mailbox = nullptr;
    std::vector<WorkerMessage> outbox = {};  // of this turn
    int slots_held = 0;                      // handshakes in flight there
    int connections = 0;
  };
  struct WaitingController {
    int fd = -1;
    PeerAddress peer = {};
    PeerAddress local = {};
  };
  void TakeMessages();
  void OnReport(const Report& report);
  void DispatchBatch(absl::Span<const Completion> batch);
  void Dispatch(const Completion& completion);
  void OnTaken(const Taken& taken);
  void OnControllerTaken(const Taken& taken);
  void OnAgentTaken(const Taken& taken);
  // True: it has left, and been counted; nothing of it remains.
  bool LetGoIfLeft(const Taken& taken, bool parked, const ConnectionReading& reading);
  void Keep(const Taken& taken, bool parked);  // an agent within its limits
  // While half of what the workers may be given is free, who has not spoken yet goes to one all the
  // same: most will in a moment, and it spares a wake-up here and a step on their way.
  bool MayBeSilentInASlot() const;
  void AdmitWaiting();
  void Admit(int fd, Admitted admitted, const PeerAddress& local);
  void TakeAgents();
  bool AllWorkersBusy() const;
  int64_t AgentSlotsTaken() const;  // by handshakes, and by those who are to have one next
  int64_t BeginMax() const;         // agents at the workers whose handshake has not been begun
  int64_t AgentRoom();              // how many agents there is room for
  int64_t WaitingMax() const { return options_->limits.waiting; }
  int64_t AgentBudget();  // how many agents may be taken now
  // Learns how fast agents are served, and does what follows when more come than can be.
  void ReckonWithOverload();
  void ShortenQueues();
  // Agents leave, and those who wait are looked through for the others.
  bool LooksAhead() { return overload_.looks_ahead && patience_.Leaving(Now()); }
  void LearnFrom(const Registry::Change& change, const Report& report);
  void LogOverload(bool leaving);
  void LogFullness();
  // How many agents there are descriptors for; those of limits.connections are admission's matter.
  int64_t PlacesLeft() const;
  void Sweep();
  void OnGateChanged(GateState before);
  void AdvanceSourcesReports();
  size_t PickWorker() const;
  Instant NextDeadline(Instant until);
  void PostAssignments();
  Occupancy CurrentOccupancy() const;
  ListenerState AgentListenerState();
  bool IsOwn(const PeerAddress& peer, const PeerAddress& local) const;
  // Counts what was refused at the SYN.
  void CountSynRefused(const IpAddress& source, uint64_t count);
  PortCounters& Counters(Port port) { return counters_[static_cast<size_t>(port)]; }

  Kernel& kernel_;
  Log& log_;
  Mailbox<Report>& reports_;
  std::shared_ptr<const Options> options_;
  Capacity capacity_;
  std::set<IpAddress> own_addresses_;
  std::function<void(GateState)> on_gate_;
  Mailbox<Command> commands_;
  std::array<PortCounters, 2> counters_{};
  DurationHistogram queue_seconds_;
  TimerWheel timers_;
  Gate gate_;
  Admission admission_;
  SynRefusals syn_refusals_;
  Pace pace_;
  Listeners listeners_;
  OverloadPolicy overload_;
  Patience patience_;
  ServiceRate service_rate_;
  WaitingRoom waiting_room_;  // agents
  std::deque<WaitingController> controllers_waiting_;
  Registry registry_;
  std::vector<WorkerLink> workers_;
  std::array<int, 2> slots_held_{};  // by port
  int64_t not_begun_ = 0;            // agents at the workers, as far as their reports have come
  Instant nobody_waited_;            // when it was last so
  Instant sweep_at_;                 // not before
  Instant left_at_;                  // when agents were last seen to leave
  bool overload_told_ = false;
  Instant full_at_;  // when all places were last seen taken
  bool full_told_ = false;
  uint64_t sequence_ = 0;
  uint64_t syn_refused_ = 0;
  uint64_t parked_left_ =
      0;  // draining: how many of those parked at the opening are still to be taken
  GateState told_ = GateState::kHolding;
  int taken_ = 0;       // agents, of this batch
  int refused_ = 0;     // of those, reset at once
  Instant rest_until_;  // no agent is taken before
  bool stopping_ = false;
  bool ended_ = false;  // EndAll was called
  bool end_told_ = false;
  Instant end_at_ = Instant::Never();  // stopping: when patience with the living is over
  std::vector<SourcesReport> sources_reports_;
  std::vector<Report> taken_reports_;
  std::vector<Command> taken_commands_;
  std::array<Completion, kBatchMax> batch_;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_GATEKEEPER_H_
