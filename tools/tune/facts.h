// What `floodgate-tune audit` knows about a host and a running floodgated before it judges. Values
// alone; whoever fills them in (host_facts.h, daemon_facts.h, a test) is of no concern to the
// rules.
#ifndef FLOODGATE_TOOLS_TUNE_FACTS_H_
#define FLOODGATE_TOOLS_TUNE_FACTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace floodgate::tune {

// What a control group (cgroup v2) leaves of memory.
struct MemoryLimit {
  std::string file;             // whose limit that is: its memory.max or memory.high
  int64_t limit_bytes = 0;      // of the group, with all below it
  int64_t available_bytes = 0;  // of that: what is not used, or can be had without swapping
};

// nullopt everywhere: this kernel does not have it, or this user may not read it.
struct HostFacts {
  // Of this network namespace: ip-sysctl.rst, tcp(7).
  std::optional<int64_t> somaxconn;
  std::optional<int64_t> tcp_max_syn_backlog;
  std::optional<int64_t> tcp_syncookies;  // 0, 1, 2
  std::optional<int64_t> tcp_abort_on_overflow;
  std::optional<int64_t> tcp_synack_retries;
  std::optional<int64_t> tcp_migrate_req;
  std::optional<int64_t> local_port_first, local_port_last;  // ip_local_port_range
  std::optional<int64_t> conntrack_max, conntrack_count;     // nullopt: the module is not loaded
  // TcpExt counters since the namespace was made.
  std::optional<int64_t> listen_overflows, listen_drops, syn_queue_cookies, syn_queue_drops;
  // The hard limit of descriptors, of `descriptors_of`; and the most that it can be set to.
  std::optional<int64_t> descriptors_max;
  std::string descriptors_of = "this shell";
  std::optional<int64_t> nr_open;  // fs.nr_open
  std::optional<int64_t> memory_available_bytes;
  // The one that leaves the least, of the control group of this process or of the daemon, and of
  // those above it. nullopt also: none of them has a limit.
  std::optional<MemoryLimit> memory_limit = {};
};

struct ListenerFacts {
  std::string address;
  bool closed = false;  // does not listen now
  int64_t depth = 0;
  int64_t limit = 0;  // in force: what listen(2) was asked, cut by somaxconn at that time
};

struct DaemonFacts {
  std::string version;
  std::string gate;                   // "holding" and so on: docs/control-interface.md
  std::vector<ListenerFacts> agents;  // the agent port's listeners
  int64_t waiting = 0;                // connections taken, their handshake not begun
  int64_t active = 0;                 // connections that are served now
  // limits.connections; 0: as many as descriptors allow. nullopt: this version does not tell.
  std::optional<int64_t> connections_limit = {};
  std::optional<int> pid;
  bool other_network_namespace = false;  // than that of HostFacts
};

struct Facts {
  int64_t agents = 1;         // that come at once; 1 and up
  bool unix_backend = false;  // backend.address is a unix socket
  HostFacts host;
  std::optional<DaemonFacts> daemon;  // nullopt: none was asked
};

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_FACTS_H_
