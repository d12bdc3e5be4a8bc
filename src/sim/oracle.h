// The judge of a checked run: told by the watched kernels (watched_kernel.h) what the daemon really
// does, and by its snapshots what it says of itself, it holds both against what the documentation
// promises. It shares no code with src/core. Its rules, by name:
//
//   counters     the two equations of front/snapshot.h hold, and what it counts has happened
//   waiting, delayed, handshakes, connections, source-connections
//                no more than the limit, at any moment
//   window       of each source, over all windows: admits <= burst + window / interval
//   pace         of the agents, over all windows: taken <= burst + rate * window, the
//                burst being max(1, 10 ms of the rate); and one more for each opening in it
//   gate         nobody is taken from the agent port while the gate is shut
//   deny         nobody who is denied is admitted
//   order        nobody overtakes (runs in which nobody leaves)
//   delay        who is held unserved is held for limits.delay
//   gone         nobody is admitted who has left
//   admission    no worker touches a connection that has not been admitted
//   fin          FIN is sent once
//   left-open    at the end nothing is open, in flight or counted
//   unserved     at the end every honest client has been served
// The ledger (ledger.h) has those about bytes.
#ifndef FLOODGATE_SIM_ORACLE_H_
#define FLOODGATE_SIM_ORACLE_H_

#include <cstdint>
#include <deque>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/options.h"
#include "front/snapshot.h"
#include "sim/gate_model.h"
#include "sim/network.h"
#include "sim/verdict.h"

namespace floodgate::sim {

// What is promised: the options that the daemon was meant to be given, and what follows from them.
struct Promises {
  Options options;
  int64_t handshakes_max = 0;  // agents' in flight
  // Of the longest that one token takes; 0: no limit. Worked out by the planner, in integers.
  Duration token_interval = {};
  bool order_holds = false;  // nobody leaves, nothing fails
};

class Oracle {
 public:
  Oracle(Network& network, Verdict& verdict);

  // --- Lives of the daemon
  // One starts: nothing of an earlier one is left.
  void OnStart(const Promises& promises);
  // The next reload that the daemon carries out brings these.
  void ExpectReload(const Promises& promises) { reloads_.push_back(promises); }
  void OnAct(OperatorAct act, Instant now);
  // The gatekeeper has finished half a turn.
  void OnTurn(const StatusSnapshot& status);
  // Tells who is admitted and open.
  void TellOpen();
  // The daemon has stopped or died. What it has done in all is looked at: window, pace, order.
  void OnEnd();

  // --- What the gatekeeper's kernel sees
  void OnAcceptAsked(bool agent, Instant now);
  // With whatever result; OnTaken follows if it is a connection.
  void OnAcceptDone(bool agent) { accepting_ -= agent ? 1 : 0; }
  void OnTaken(int fd, bool agent, Instant now);
  void OnWatched(int fd);   // it is to be told when something comes
  void OnReadable(int fd);  // it has been told
  void OnAdmitted(int fd, Instant now);
  // --- Any kernel
  void OnLeft(int fd, bool reset, Instant now);
  // --- A worker's kernel
  void OnUsed(int fd);  // not only clients'
  // A socket for the backend is there: some handshake is done. Whose, is known when it is used.
  void OnBackendSocket(int change) { connecting_ += change; }
  void OnHandshakeDone(int fd);

  uint64_t admitted() const { return admitted_; }
  uint64_t taken() const { return taken_; }

 private:
  enum class State : uint8_t { kTaken, kHandshaking, kConnected };
  // A connection of a client, from accept on.
  struct Visit {
    PeerAddress peer;
    IpAddress source;
    Instant established;
    Instant taken;
    Instant admitted_at = Instant::Never();
    uint64_t ready_as = 0;  // in the order of what happens; 0: not yet
    uint64_t admitted_as = 0;
    uint32_t epoch = 0;     // of options
    uint32_t openings = 0;  // that had been by then
    State state = State::kTaken;
    bool agent = true;
    bool exempt = false;
    bool watched = false;
  };

  const Options& options() const { return promises_.options; }
  void TellLimits();
  Visit* Find(int fd);
  IpAddress SourceOf(const IpAddress& address) const;
  void CheckPort(Port port, const PortCounters& counters);
  void CheckLimits(const StatusSnapshot& status);
  void CheckAgentAdmission(const Visit& visit);
  void CheckSourceConnections(const Visit& visit);
  void CheckDelay(const Visit& visit, Instant now);
  void CheckWindows();
  void CheckWindowsOf(const std::vector<const Visit*>& visits);
  void CheckQueuedWindowsOf(const std::vector<const Visit*>& visits);
  void CheckPace();
  void CheckOrder();

  Network& network_;
  Verdict& verdict_;
  Promises promises_;
  std::deque<Promises> reloads_;
  GateModel gate_;
  uint32_t epoch_ = 0;
  uint32_t openings_ = 0;  // of the gate, at the most
  bool admits_ = false;    // as it last said
  uint64_t sequence_ = 0;
  bool stopping_ = false;
  std::vector<Visit> visits_;              // of this life
  absl::flat_hash_map<int, size_t> open_;  // into visits_; never iterated
  std::vector<size_t> alive_;              // agents admitted and open
  int64_t handshaking_ = 0;                // agents
  int64_t connecting_ = 0;                 // sockets for the backend that have not been connected
  uint64_t taken_here_ = 0;                // agents, of this life
  int64_t accepting_ = 0;                  // accepts of agents in flight
  int64_t waiting_max_ = 0;
  uint64_t last_delayed_ = 0;
  uint64_t taken_ = 0;
  uint64_t admitted_ = 0;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_ORACLE_H_
