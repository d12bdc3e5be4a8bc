// Whether a connection is kept: the lists, the totals and the limits of its source, in one verdict,
// before a byte of TLS is spent on it.
#ifndef FLOODGATE_CORE_ADMISSION_H_
#define FLOODGATE_CORE_ADMISSION_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "base/ip.h"
#include "base/time.h"
#include "core/cidr_set.h"
#include "core/options.h"
#include "core/sip_hash.h"
#include "core/source_table.h"
#include "core/states.h"

namespace floodgate {

// How full the agents' side is at the moment of a verdict, without the connection that is judged.
struct Occupancy {
  int64_t connections = 0;  // admitted and waiting
  int64_t delayed = 0;
  int64_t waiting = 0;
};

struct Verdict {
  enum class Action : uint8_t {
    kAdmit,
    kReset,  // now
    kDelay,  // hold it unserved until `due`, then reset it
    kQueue,  // admit it at `due`
  };
  Action action = Action::kAdmit;
  RefusalReason reason = RefusalReason::kSourceRate;  // kReset, kDelay
  // kDelay, kQueue. kReset by kSourceRate: the source cannot be admitted sooner.
  Instant due;
};

// The first of these that is against a connection decides.
// Controller port: controller.allow, else denied. Unix sockets are allowed. No other limit.
// Agent port:
//   1. agent.deny: denied, which is always a reset.
//   2. limits.exempt: admitted. (It counts among `connections`, which are all.)
//   3. limits.connections: admitted while fewer are there.
//   4. limits.source_connections: likewise, of its source.
//   5. limits.source_rate: a token of its source is taken.
// Unix sockets have no source: of these only 3 applies to them.
// A refused connection takes no token, so a source that hammers still gets its steady rate.
//
// limits.over_limit says what becomes of those refused by 3, 4 and 5:
// - reset: a reset.
// - delay: held for limits.delay while fewer than limits.delayed are, else reset.
// - queue, by 5: the source's next token is taken in advance and the connection admitted when it is
//   due, while fewer than limits.waiting wait and it is due within kQueuedMax (or limits.patience,
//   if that is configured and shorter); else reset, and no token is taken.
// - queue, by 3 and 4: nothing becomes due, so they are delayed.
//
// A source is an address cut to limits.source_prefix; v4-mapped addresses are IPv4.
// Not thread-safe. REQUIRES: `now` never goes back.
class Admission {
 public:
  // The longest that anyone is queued for a token: short of the 45 s that Juju's agents give a
  // handshake, so that there is time left for it. limits.patience says better where it is known.
  static constexpr Duration kQueuedMax = Duration::Seconds(30);

  // `hash_seed` keys the hashes of sources: random and secret in production, fixed in simulations.
  Admission(const Options& options, uint64_t hash_seed, SourceTable::MemoryHint hint = nullptr);

  // kAdmit and kQueue count an agent's connection until Release.
  Verdict Judge(Port port, const PeerAddress& peer, const Occupancy& occupancy, Instant now);
  // Has the processor fetch what Judge will need for an agent. For batches: first this for all,
  // then Judge.
  void Prefetch(const PeerAddress& peer) const;
  // An agent's connection that was admitted or queued has ended. REQUIRES: it was.
  void Release(const PeerAddress& peer);
  // Other limits for what comes from now on. Sources keep their state: what they owe (as a number
  // of tokens, as of the last verdict) and their open connections. Exceptions: another
  // source_prefix makes other sources, which owe nothing yet; another limits.sources builds the
  // table anew, in which a source that had been forgotten with debt may be owed up to one burst
  // once.
  void Reconfigure(const Options& options);

  const SourceTable& table() const { return table_; }
  // The source that an address belongs to.
  IpAddress SourceOf(const IpAddress& address) const;
  // Whether some addresses of `source` are exempt from limits, and others not.
  bool HoldsExempt(const IpAddress& source) const;
  // Connections of `source` were refused for its rate elsewhere: counts them as its own.
  void CountRefused(const IpAddress& source, uint64_t count) { table_.CountRefused(source, count); }
  // The block that a source of the table stands for.
  Cidr BlockOf(const IpAddress& source) const;
  // Tokens that a row of the table has now, 0..source_burst.
  double TokensOf(const SourceTable::Row& row, Instant now) const;
  // Open connections of a source; 0 while limits.source_connections is 0.
  int64_t ConnectionsOf(const IpAddress& source) const;

 private:
  struct AddressHash {
    SipKey key;
    size_t operator()(const IpAddress& address) const;
  };
  using Counts = absl::flat_hash_map<IpAddress, int64_t, AddressHash>;

  Verdict JudgeAgent(const PeerAddress& peer, const Occupancy& occupancy, Instant now);
  Verdict JudgeSource(const IpAddress& source, const Occupancy& occupancy, Instant now);
  Verdict Refused(RefusalReason reason, const Occupancy& occupancy, Instant now) const;
  Duration QueuedMax() const;
  Instant NextTokenAt(const IpAddress& source, Instant now) const;
  bool CountsForSource(const IpAddress& address) const;
  void Count(const IpAddress& address);
  void CountPerSource();
  void TakeOptions(const Options& options);

  uint64_t hash_seed_;
  SourceTable::MemoryHint hint_;
  LimitOptions limits_;
  CidrSet allow_;
  CidrSet deny_;
  CidrSet exempt_;
  SourceTable table_;
  Instant seen_;  // the latest `now`
  // Open connections, exact. By address always, so that turning the limit on, or another prefix or
  // list of exemptions, finds what is open already; by source only while limits.source_connections
  // is set, and then without those exempt.
  Counts open_by_address_;
  Counts open_by_source_;
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_ADMISSION_H_
