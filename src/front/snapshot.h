// What the gatekeeper and the workers tell about themselves: copies, taken at one moment, free of
// locks and of references into live state. The admin room formats them; nothing here decides.
#ifndef FLOODGATE_FRONT_SNAPSHOT_H_
#define FLOODGATE_FRONT_SNAPSHOT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "core/states.h"

namespace floodgate {

// A cumulative histogram with fixed upper bounds, as Prometheus wants it.
struct HistogramSnapshot {
  std::vector<double> upper_bounds_s;  // ascending; +Inf is implied
  std::vector<uint64_t> counts;        // not cumulative; one more than bounds, the last is +Inf
  double sum_s = 0;
  uint64_t count = 0;
};

// The counters of one port. One equation at every moment:
//   accepted = waiting + delayed + stale + refused (all reasons but handshake, backend) + admitted
//   admitted = handshaking + active + finished + refused[handshake] + refused[backend]
// A connection ends in exactly one of them.
struct PortCounters {
  uint64_t accepted = 0;
  uint64_t waiting = 0;      // taken, not yet admitted (gauge)
  uint64_t delayed = 0;      // held unserved before a reset (gauge)
  uint64_t stale = 0;        // found gone before any TLS was spent
  uint64_t admitted = 0;     // handed to a worker
  uint64_t handshaking = 0;  // gauge
  uint64_t active = 0;       // connecting to the backend or relaying (gauge)
  uint64_t finished = 0;
  std::array<uint64_t, kRefusalReasonNames.size()> refused{};  // by RefusalReason;
  uint64_t handshakes_begun = 0;  // agents alone: their first step was made, the one that costs
  uint64_t handshakes_completed = 0;
  uint64_t handshakes_resumed = 0;
  uint64_t handshakes_failed = 0;
};

struct ListenerSnapshot {
  Port port = Port::kAgent;
  std::string address;  // really bound
  ListenerState state = ListenerState::kParked;
  uint32_t queue_depth = 0;
  uint32_t queue_limit = 0;
};

struct StatusSnapshot {
  GateState gate = GateState::kHolding;
  int64_t gate_since_unix_ms = 0;
  std::vector<std::string> waiting_for;  // names of conditions that do not hold
  std::optional<Duration> opens_in;      // settling: until it opens
  Duration gate_open_total;              // how long it has been open (or draining) in all
  std::string readiness_reason;          // for people: why not ready; empty when open
  std::string engine;                    // "io_uring", "epoll"
  Duration uptime;
  std::vector<ListenerSnapshot> listeners;
  std::array<PortCounters, 2> ports;  // by Port
  std::optional<Duration> patience;   // learned or configured; nullopt = not known yet
  uint64_t listen_overflows = 0;      // TcpExt ListenOverflows of this network namespace
  uint64_t backend_errors = 0;
  uint64_t bytes_to_backend = 0, bytes_to_client = 0;
  uint64_t sources_tracked = 0, sources_evicted = 0;
  int64_t connections_limit = 0;  // limits.connections; 0: what the descriptor limit allows
  uint64_t syn_refused = 0;       // of those refused, by the kernel at their SYN
  HistogramSnapshot queue_seconds, handshake_seconds, backend_connect_seconds;
};

// One row of the sources with most refusals.
struct SourceSnapshot {
  std::string source;  // the block: "192.0.2.1/32", "2001:db8::/64"
  uint64_t admitted = 0;
  uint64_t refused = 0;
  double tokens = 0;         // left in the bucket now, 0..burst
  uint32_t connections = 0;  // open now; counted only when limits.source_connections is set
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_SNAPSHOT_H_
