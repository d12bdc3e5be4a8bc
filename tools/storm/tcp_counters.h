// What the kernel counts for all of TCP.
#ifndef FLOODGATE_TOOLS_STORM_TCP_COUNTERS_H_
#define FLOODGATE_TOOLS_STORM_TCP_COUNTERS_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace floodgate::storm {

// The value of `name` in the table `table` ("TcpExt") of a text like /proc/net/netstat: a line of
// names, then a line of values, both beginning with the table's name and a colon. nullopt: it is
// not there.
std::optional<uint64_t> FindCounter(absl::string_view text, absl::string_view table,
                                    absl::string_view name);

// TcpExt TCPSynRetrans of this network namespace (proc_net(5)): SYNs and SYN-ACKs sent again, by
// all its processes. nullopt: the kernel does not tell.
std::optional<uint64_t> SynRetransmits();

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_TCP_COUNTERS_H_
