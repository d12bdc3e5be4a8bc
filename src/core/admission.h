// Whether a connection is kept: the lists, the totals and the limits of its source, in one verdict.
#ifndef FLOODGATE_CORE_ADMISSION_H_
#define FLOODGATE_CORE_ADMISSION_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/ip.h"
#include "base/time.h"
#include "core/options.h"
#include "core/source_table.h"
#include "core/states.h"

namespace floodgate {

// How full the agents' side is at the moment of a verdict.
struct Occupancy {
  int64_t connections = 0;  // admitted and waiting
  int64_t delayed = 0;
  int64_t waiting = 0;
};

struct Verdict {
  enum class Action : uint8_t {
    kAdmit,
    kReset,
    kDelay,  // hold it unserved until `due`, then reset it
    kQueue,  // serve it at `due`
  };
  Action action = Action::kAdmit;
  RefusalReason reason = RefusalReason::kSourceRate;  // kReset, kDelay
  Instant due;                                        // kDelay, kQueue
};

// In this order, the first that is against it decides:
//   controller port: `controller.allow`; unix sockets are always allowed. No other limit.
//   agent port: `agent.deny`; limits.connections; then, unless it comes from `limits.exempt` or a unix
//   socket (which has no source), limits.source_connections and limits.source_rate.
// An attempt that is refused takes no token, so that a source which hammers still gets its rate.
// What is over a limit is treated as limits.over_limit says:
//   delay: held while fewer than limits.delayed are, else reset.
//   reset: reset.
//   queue: over source_rate, served when the source's next token is due, if that is within limits.delay
//          or 30 s, whichever is more (no agent waits longer), and fewer than limits.waiting wait; else
//          reset. For the other two limits nothing becomes due, so they are delayed.
// Not thread-safe. REQUIRES: `now` never goes back.
class Admission {
 public:
  // `seed` hashes the sources; secret in production.
  Admission(const Options& options, uint64_t seed);

  // kAdmit and kQueue count the connection for its source until Release.
  Verdict Judge(Port port, const PeerAddress& peer, const Occupancy& occupancy, Instant now);
  // An agent's connection that was admitted or queued has ended.
  void Release(const PeerAddress& peer);
  // New limits for what comes. The sources' state is kept, but for a change of source_prefix, which makes
  // other sources of them. limits.sources cannot change.
  void Reconfigure(const Options& options);

  const SourceTable& table() const { return table_; }
  // Tokens that the source of `row` has now, 0..burst.
  double TokensOf(const SourceTable::Row& row, Instant now) const {
    return rate_.Tokens(Instant{row.full_at_ns}, now);
  }
  // The block that `source` (a key of the table) stands for.
  Cidr BlockOf(const IpAddress& source) const;
  // Connections of `source` that are open; 0 while limits.source_connections is 0.
  int ConnectionsOf(const IpAddress& source) const;

 private:
  Verdict JudgeAgent(const PeerAddress& peer, const Occupancy& occupancy, Instant now);
  Verdict OverLimit(RefusalReason reason, const IpAddress& source, const Occupancy& occupancy,
                    Instant now);
  IpAddress SourceOf(const PeerAddress& peer) const;
  bool Limited(const PeerAddress& peer) const;

  struct SourceHash {
    size_t operator()(const IpAddress& address) const;
  };

  LimitOptions limits_;
  std::vector<Cidr> allow_;
  std::vector<Cidr> deny_;
  TokenRate rate_;
  SourceTable table_;
  // Exact, and only those with open connections; kept while source_connections is set.
  absl::flat_hash_map<IpAddress, int, SourceHash> open_;
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_ADMISSION_H_
