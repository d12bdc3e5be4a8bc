// The token buckets of many sources in bounded memory.
#ifndef FLOODGATE_CORE_SOURCE_TABLE_H_
#define FLOODGATE_CORE_SOURCE_TABLE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/ip.h"
#include "base/time.h"
#include "core/sip_hash.h"
#include "core/token_bucket.h"

namespace floodgate {

// A set-associative table of buckets, keyed by the source's prefix. A source may stand in one set of
// eight slots; its set is found by a hash with a secret seed, since peers choose the keys.
//
// Eviction. A source that is not in its full set takes the slot with the earliest `full_at` time, the bucket
// that is fullest, and inherits that time (as Space-Saving does with counts: Metwally, Agrawal and El
// Abbadi, ICDT 2005). From this follows:
//   1. Forgetting a full bucket (full_at in the past) loses nothing.
//   2. A hot source is never forgotten in favour of a colder one: whoever is forgotten has the least debt
//      of its set.
//   3. Every source is limited for good: in any closed window w it gets at most burst + w / interval
//      tokens, evictions included. When A is forgotten, its full_at was the least of its set; full_at
//      never goes back, so the least of the set is never again earlier than A's was; when A comes back
//      it inherits a full_at that is at least its own. An inherited time can only be too strict,
//      never too generous.
// The price: with more hot sources than slots, a newcomer may be refused for the debt of another.
//
// Not thread-safe. 32 bytes a slot, 1.5 slots a source: 48 bytes a source all told.
class SourceTable {
 public:
  // One source, as Scan shows it.
  struct Row {
    IpAddress source;
    int64_t full_at_ns = 0;
    uint32_t admitted = 0;  // saturating
    uint32_t refused = 0;   // saturating
  };

  // `sources` >= 1: how many are remembered; slots are half as many again, so that sets which come out
  // uneven forget nobody early. `seed` is secret in production.
  SourceTable(int64_t sources, uint64_t seed);

  // Takes a token of `source`, an address already truncated to its prefix. False: there is none now.
  bool TryTake(const IpAddress& source, const TokenRate& rate, Instant now);
  // When the next token of `source` is there. Takes nothing, remembers nobody.
  Instant NextToken(const IpAddress& source, const TokenRate& rate, Instant now) const;
  // Takes the token that is due at NextToken, now or later, and tells when that is.
  Instant Reserve(const IpAddress& source, const TokenRate& rate, Instant now);

  // Calls `visit(row)` for the remembered sources in `count` slots from `cursor` on. The next cursor;
  // slots() when all have been seen.
  template <typename Visit>
  size_t Scan(size_t cursor, size_t count, Visit visit) const;

  // Forgets everyone.
  void Clear();

  size_t slots() const { return slots_.size(); }
  uint64_t tracked() const { return tracked_; }
  uint64_t evicted() const { return evicted_; }  // those that still owed something

 private:
  static constexpr size_t kWays = 8;
  // Earlier than every time, so that free slots are replaced first.
  static constexpr int64_t kNeverUsed = std::numeric_limits<int64_t>::min();

  struct alignas(32) Slot {
    IpAddress source;
    int64_t full_at_ns = kNeverUsed;
    uint32_t admitted = 0;
    uint32_t refused = 0;
  };
  static_assert(sizeof(Slot) == 32, "two slots share a cache line");

  size_t SetOf(const IpAddress& source) const;
  Slot& FindOrReplace(const IpAddress& source, Instant now);

  std::vector<Slot> slots_;
  size_t sets_;
  SipKey key_;
  uint64_t tracked_ = 0;
  uint64_t evicted_ = 0;
};

template <typename Visit>
size_t SourceTable::Scan(size_t cursor, size_t count, Visit visit) const {
  const size_t end = std::min(cursor + count, slots_.size());
  for (; cursor < end; ++cursor) {
    const Slot& slot = slots_[cursor];
    if (slot.full_at_ns == kNeverUsed) continue;
    visit(Row{slot.source, slot.full_at_ns, slot.admitted, slot.refused});
  }
  return cursor;
}

}  // namespace floodgate

#endif  // FLOODGATE_CORE_SOURCE_TABLE_H_
