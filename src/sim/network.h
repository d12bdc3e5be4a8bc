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
  PeerAddress from;
  uint16_t to_port = 0;
  Duration one_way = Duration::Microseconds(20);  // each direction
  SynSchedule syn = SynSchedule::kLinear;
};

// What holds for an end; the bits are poll(2)'s where it has them.
struct Readiness {
  bool connected = false;  // kConnect would have completed with 0
  bool refused = false;    // ... with -ECONNREFUSED
  bool readable = false;   // bytes, or the end of input, or an error are there; listener: a queue
  bool writable = false;   // a send would take something
  bool end_of_input = false;  // the peer's FIN has come (bytes may be before it)
  bool reset = false;         // the peer has reset, or we have
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
  int OpenListener(uint16_t port);
  uint16_t PortOf(int listener) const;
  // listen(2), also again. 0 or -EADDRINUSE and the like.
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
  // Takes what fits the window; the number of bytes taken. -EPIPE after FIN or reset.
  int64_t Send(int fd, absl::string_view bytes);
  void Finish(int fd);  // SHUT_WR
  // SHUT_RD's half of SHUT_RDWR: input counts as ended.
  void StopInput(int fd);
  // Frees the number. With unread bytes it resets, as Linux does; else FIN unless sent.
  void Close(int fd);
  void Reset(int fd);
  // What TCP_INFO says: gone, talking, silent; and the time since it was established here.
  ConnectionReading Read(int fd) const;
  bool Addresses(int fd, PeerAddress* peer, PeerAddress* local) const;
  bool InputEnded(int fd) const;

  // --- Observing. One observer an end or listener; null: nobody.
  void Observe(int fd, EndObserver* observer, uint64_t tag);

  // --- For checks
  size_t open_ends() const;  // ends and listeners that have a number
  uint64_t syn_retransmits() const { return syn_retransmits_; }
  uint64_t queue_overflows() const { return queue_overflows_; }  // SYNs and ACKs dropped

  void OnEvent(uint64_t what) override;

 private:
  World& world_;
  NetworkOptions options_;
  uint64_t syn_retransmits_ = 0;
  uint64_t queue_overflows_ = 0;
  // The rest is the implementer's to add.
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_NETWORK_H_
