// TCP as the server's host and its peers see it: connection requests with retransmission, accept
// queues with their overflow rules, byte streams with delay, half-close and reset. Both ends of
// every connection are here, so that the fake kernel (sim_kernel.h) and the actors (agents,
// backends) use the same calls.
//
// What is modelled, and after what (Linux, net/ipv4/tcp_input.c, tcp_minisocks.c, tcp(7)):
// - A SYN is dropped when the accept queue is full (depth > backlog), and sent again by its sender:
//   since Linux 6.5 after 1, 2, 3, 4 s and then doubling (net.ipv4.tcp_syn_linear_timeouts = 4),
//   before that after 1, 3, 7, 15 ... s.
// - A queue that has filled while the SYN-ACK was on its way drops the ACK: the peer believes that
//   it is connected until its bytes, sent again, or the SYN-ACK, sent again, get it in, or it
//   leaves.
// - depth is checked before insertion, so backlog + 1 connections fit.
// - Who closes or resets while parked stays in the queue and is accepted as such.
// - A listener that is closed resets all that is queued. A SYN to nobody is answered by a reset.
// Not modelled: SYN cookies, packet loss other than by full queues, congestion windows.
#ifndef FLOODGATE_SIM_NETWORK_H_
#define FLOODGATE_SIM_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/ip.h"
#include "base/time.h"
#include "io/kernel.h"
#include "sim/world.h"

namespace floodgate::sim {

// How the host of a connecting end repeats its SYN.
enum class SynSchedule : uint8_t { kLinear, kExponential };

struct ConnectOptions {
  PeerAddress from;  // kUnix: this host itself, over loopback
  uint16_t to_port = 0;
  Duration one_way = Duration::Microseconds(20);  // each direction
  SynSchedule syn = SynSchedule::kLinear;
  // The connecting end is on the server's own host, whatever its address: over loopback SYN,
  // SYN-ACK and ACK have all passed within the one call of connect(2), so nobody is ever half open.
  // All such ends are of one host, whose timers run together.
  bool loopback = false;
};

// What holds for an end; the bits are poll(2)'s where it has them.
struct Readiness {
  bool connected = false;  // kConnect would have completed with 0
  bool refused = false;    // ... with -ECONNREFUSED, or -ETIMEDOUT: see TakeError
  bool readable = false;   // bytes, or the end of input, or an error are there; listener: a queue
  bool writable = false;   // a send would take something
  bool end_of_input = false;  // the peer's FIN has come (bytes may be before it)
  bool reset = false;         // the peer has reset, or we have
  bool error = false;         // one that has not been told yet
  bool both_finished = false;
};

// Told that something about an end has changed; look at Network::Look. Called from an event of the
// world, never from within a call of the end's own owner.
class EndObserver {
 public:
  virtual ~EndObserver() = default;
  virtual void OnEnd(int fd, uint64_t tag) = 0;
};

struct NetworkOptions {
  uint32_t somaxconn = 4096;                            // net.core.somaxconn
  size_t window = size_t{256} * 1024;                   // bytes under way or unread, a direction
  Duration synack_timeout = Duration::Seconds(1);       // doubling, tcp_synack_retries times
  Duration data_timeout = Duration::Milliseconds(200);  // doubling: bytes to a half-open end
  int synack_retries = 5;
};

class Network : public Actor {
 public:
  Network(World& world, const NetworkOptions& options);
  ~Network() override;

  World& world() { return world_; }

  // --- Listeners. Numbers are descriptors of the one host; they are used again after Close, oldest
  // first, as late as possible.
  // Bound to `port` (0: one that is free), not listening.
  // -EADDRINUSE: another listener has that port.
  int OpenListener(uint16_t port);
  uint16_t PortOf(int listener) const;
  // listen(2), also again; the queue is kept. 0.
  int Listen(int listener, int backlog);
  QueueReading ReadQueue(int listener) const;
  // The oldest of the queue, or -EAGAIN. The end is unobserved. `peer` also of one who has left.
  int Accept(int listener, PeerAddress* peer);

  // --- Ends of connections
  // A new end and its first SYN. Until it is connected, refused or closed it repeats it.
  int Connect(const ConnectOptions& options);
  // Connects an end that Open made.
  int Open();
  void StartConnect(int fd, const ConnectOptions& options);
  Readiness Look(int fd) const;
  // Up to `max` bytes in order; "" when none are there now.
  std::string Receive(int fd, size_t max);
  size_t received_unread(int fd) const;
  // Takes what fits the window; the number of bytes taken. -EPIPE after FIN or reset. Who is given
  // less than asked is told when a third of the window is free again.
  int64_t Send(int fd, absl::string_view bytes);
  void Finish(int fd);  // SHUT_WR
  // SHUT_RD's half of SHUT_RDWR: input counts as ended.
  void StopInput(int fd);
  // Frees the number. With unread bytes it resets, as Linux does; else FIN unless sent.
  void Close(int fd);
  // Closes with a reset; frees the number.
  void Reset(int fd);
  // The connection breaks at once for this end, and for the other when that is told: both are
  // reset and stay open. For faults.
  void Break(int fd);
  // What connecting or receiving would fail with, positive, told once: ECONNREFUSED, ETIMEDOUT,
  // ECONNRESET. 0: nothing, also when the peer's FIN had come before its reset.
  int TakeError(int fd);
  // What TCP_INFO says: gone, talking, silent; and the time since it was established here.
  ConnectionReading Read(int fd) const;
  bool Addresses(int fd, PeerAddress* peer, PeerAddress* local) const;
  bool InputEnded(int fd) const;

  // --- Observing. One observer an end or listener; null: nobody.
  void Observe(int fd, EndObserver* observer, uint64_t tag);
  bool IsObserved(int fd) const { return At(fd).observer != nullptr; }
  // The observer is to be told when a full window has room again, as after a short Send.
  void WantRoom(int fd);

  // --- For checks
  bool Exists(int fd) const;
  size_t open_ends() const { return open_ends_; }  // those an owner holds; not those in a queue
  uint64_t syn_retransmits() const { return syn_retransmits_; }
  uint64_t queue_overflows() const { return queue_overflows_; }  // SYNs and ACKs dropped

  void OnEvent(uint64_t what) override;

 private:
  enum class State : uint8_t {
    kFree,
    kUnconnected,
    kListener,
    kSynSent,
    kFailed,
    kRequest,  // the server's, until the ACK has come and found room in the queue
    kQueued,   // the server's, until it is accepted
    kEstablished,
  };
  // What events say; each is for one end.
  enum class Happening : uint8_t {
    kSynArrives,  // for the end that sent it
    kSynExpires,
    kSynAckArrives,
    kRefusalArrives,
    kAckArrives,  // for the server's end
    kSynAckTimer,
    kBytesArrive,
    kBytesAgain,  // those that a half-open end has dropped, and the FIN
    kFinArrives,
    kResetArrives,
    kLook,  // the window has opened, or the queue has grown
  };
  // Both directions' bytes are where they go to, from the moment they are sent.
  struct End {
    std::string in;  // from `head`: unread, and from `arrived`: under way
    EndObserver* observer = nullptr;
    uint64_t tag = 0;
    Instant since;  // established; before that: the first SYN, the request
    Duration one_way;
    uint32_t head = 0;
    uint32_t arrived = 0;
    uint32_t dropped = 0;   // of those under way: half-open, they must be sent again
    int32_t peer = -1;      // the other end; -1: it has closed
    uint32_t listener = 0;  // kListener: index; kRequest: the listener's identity
    PeerAddress client;     // who connected
    uint16_t server_port = 0;
    uint16_t generation = 0;
    uint16_t error = 0;
    State state = State::kFree;
    uint8_t tries = 0;  // SYNs or SYN-ACKs sent again
    uint8_t data_tries = 0;
    SynSchedule syn = SynSchedule::kLinear;
    bool is_server : 1 = false;  // it was accepted, not connected
    bool is_local : 1 = false;   // connects from the server's own host
    bool at_once : 1 = false;    // ConnectOptions::loopback
    bool finished : 1 = false;   // our FIN is sent
    bool input_stopped : 1 = false;
    bool received : 1 = false;       // bytes, ever
    bool fin_arrived : 1 = false;    // takes effect behind the bytes that were sent before it
    bool fin_dropped : 1 = false;    // half-open, it must be sent again
    bool reset_arrived : 1 = false;  // takes effect as fin_arrived does
    bool reset_coming : 1 = false;
    bool blocked : 1 = false;    // wants to be told of room
    bool again_due : 1 = false;  // kBytesAgain is under way
    bool timer_due : 1 = false;  // kSynAckTimer is
    bool syn_turn : 1 = false;   // over loopback: its SYN has waited for those before it
  };
  struct Listener {
    std::deque<int> queue;
    uint32_t identity = 0;
    int fd = -1;
    int backlog = -1;  // -1: bound, not listening
    uint16_t port = 0;
    bool full() const { return queue.size() > static_cast<size_t>(backlog); }
  };

  static constexpr int kChunkBits = 12;
  static constexpr size_t kChunkSize = size_t{1} << kChunkBits;

  End& At(int fd);
  const End& At(int fd) const;
  Listener& ListenerAt(int fd);
  const Listener& ListenerAt(int fd) const;
  // The one that listens on `port`; null if nobody does.
  Listener* ListenerOn(uint16_t port);
  int Allocate(State state);
  void Free(int fd);
  void Notify(int fd);
  void Schedule(Duration after, Happening happening, int fd, uint32_t bytes = 0);
  uint16_t FreePort();

  // network_connect.cc
  void OnSyn(int client);
  void DropSyn(int client);
  void OnSynAck(int client);
  void Fail(int client, int error);
  void OnSynAckTimer(int server);
  // Lets a request into its listener's queue. False: no room, or it is gone; `exists` tells.
  bool Enter(int server);
  void AnswerByReset(int server);
  void CloseListener(int fd);

  // network_stream.cc
  bool InputComplete(const End& end) const { return end.arrived == end.in.size(); }
  bool IsReset(const End& end) const { return end.reset_arrived && InputComplete(end); }
  bool HasEnded(const End& end) const;
  size_t Room(const End& end) const;
  void OnBytes(int fd, uint32_t bytes);
  void OnBytesAgain(int fd);
  void OnFin(int fd);
  void OnReset(int fd);
  void SendAgainLater(int fd);
  void AdmitDropped(End& end);
  void SendToNobody(int fd);
  void Leave(int fd, bool abort);

  World& world_;
  NetworkOptions options_;
  uint64_t syn_retransmits_ = 0;
  uint64_t queue_overflows_ = 0;
  size_t open_ends_ = 0;
  std::vector<std::unique_ptr<End[]>> chunks_;
  int numbers_ = 0;       // given out so far
  std::deque<int> free_;  // oldest first
  std::vector<std::unique_ptr<Listener>> listeners_;
  absl::flat_hash_map<uint16_t, uint32_t> by_port_;  // listeners' indexes
  uint32_t identities_ = 0;
  Instant loopback_free_;  // when all SYNs that were due over loopback have been sent again
  uint16_t next_port_ = 0;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_NETWORK_H_
