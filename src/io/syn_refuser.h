// Has the network stack itself refuse connections of chosen sources: their SYN is answered with a
// reset before there is a connection, a queue place or a descriptor, at a tenth of the cost of
// accepting and resetting.
#ifndef FLOODGATE_IO_SYN_REFUSER_H_
#define FLOODGATE_IO_SYN_REFUSER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ip.h"
#include "base/time.h"

namespace floodgate {

// The clients that one bound socket is reached by: an address and a port. The address :: stands for
// both families' wildcard, 0.0.0.0 for IPv4's.
struct BoundAddress {
  IpAddress ip;
  uint16_t port = 0;
};

// An eBPF program on the look-up of listening sockets (BPF_PROG_TYPE_SK_LOOKUP,
// Documentation/bpf/prog_sk_lookup.rst) of this network namespace. It says SK_DROP for a refused
// source on one of the `listeners`, which the stack answers as it does when nobody listens, and
// lets everything else pass to where it would have gone. It goes with the object, or the process.
// Not thread-safe.
class SynRefuser {
 public:
  // How many sources can be refused at a time.
  static constexpr uint32_t kSourcesMax = 4096;
  static constexpr size_t kListenersMax = 64;

  virtual ~SynRefuser() = default;

  // How many leading bits make a source. Ends all refusals and forgets their counts.
  virtual void SetPrefixes(int v4_bits, int v6_bits) = 0;
  // Refuses `source`, an address cut to its prefix, until `until` (CLOCK_MONOTONIC, as
  // Kernel::Now). False: it cannot (too many at a time).
  virtual bool Refuse(const IpAddress& source, Instant until) = 0;
  // Ends that, if `until` has not. How many SYNs were refused since Refuse. A stray packet of a
  // connection that has gone already comes this way too and counts: at most a few, of those that
  // were reset right before.
  virtual uint64_t Release(const IpAddress& source) = 0;
};

// Needs CAP_BPF and CAP_NET_ADMIN (for the call alone: what it makes goes on working without them)
// and Linux 5.14. InvalidArgument: more than kListenersMax
// listeners. At first every address is a source of
// its own.
absl::StatusOr<std::unique_ptr<SynRefuser>> CreateSynRefuser(
    const std::vector<BoundAddress>& listeners);

}  // namespace floodgate

#endif  // FLOODGATE_IO_SYN_REFUSER_H_
