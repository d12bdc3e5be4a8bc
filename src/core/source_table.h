// The token buckets of very many sources in memory of a fixed size.
#ifndef FLOODGATE_CORE_SOURCE_TABLE_H_
#define FLOODGATE_CORE_SOURCE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>

#include "absl/functional/function_ref.h"
#include "base/ip.h"
#include "base/time.h"
#include "core/sip_hash.h"
#include "core/token_bucket.h"

namespace floodgate {

// A set-associative table: a source's key chooses one set by a keyed hash, and the source is in one
// of the kWays entries of that set or nowhere. Which keys share a set is secret, so that peers, who
// choose the keys, cannot fill a set on purpose.
//
// Eviction. A source that must be remembered and is not, while its set is full, takes the entry v
// of the set with the least `full_at` (the least debt: the fullest bucket), and inherits its debt:
//   full_at(newcomer) = full_at(v) = min over the set, before its own token is taken
// (the idea of Space-Saving: Metwally, Agrawal, El Abbadi, ICDT 2005). Hence
//   (a) forgetting a bucket that is full loses nothing: the newcomer's is full too;
//   (b) a source is never forgotten in favour of one with less debt than its own;
//   (c) for every source, remembered or not, tokens taken in a closed window w
//         <= burst + floor(w / interval),     the guarantee of TokenRate, in spite of evictions.
// Proof of (c). Let exact(s) be the full_at that s would have in a bucket of its own with the same
// tokens taken. Claim: exact(s) <= full_at(s) for s in the table, and exact(s) <= the minimum of
// its set for every other s. It holds in an empty table (an unused entry is one with full_at 0),
// and taking a token keeps it, both sides being moved up by the same rule. Nothing ever lowers a
// full_at, so minima only rise. When v is forgotten, exact(v) <= full_at(v), the minimum at that
// time. When s comes back it inherits a minimum that is >= exact(s). So each token is taken by a
// bucket that is at most as full as the exact one, whose guarantee follows. The price is paid by
// newcomers to a set of kWays sources that all have debt: they start with the least of these.
//
// A source is remembered when it takes a token; a refused newcomer changes nothing.
// Not thread-safe. Memory: 32 bytes a slot, 1.9 slots a source, so 61 bytes a source; touched only
// as sources come. A set is two adjacent cache lines, and a decision reads nothing else: of a large
// table that is one access to memory, which is most of its cost, so those who decide about several
// should Prefetch all first.
class SourceTable {
 public:
  // Told of the memory before it is touched, so that its owner can ask for huge pages: without them
  // a decision on a large table waits for the page tables, too. Aligned to 2 MiB if it is as large
  // as that.
  using MemoryHint = void (*)(void* address, size_t bytes);

  static constexpr size_t kWays = 4;
  // Slots for ten sources: with as many sources as were asked for, one in 25 finds its set full.
  static constexpr size_t kSlotsPerTenSources = 19;

  // What is known about one source.
  struct Row {
    IpAddress source;
    Instant full_at;        // of its bucket
    uint32_t admitted = 0;  // since it is remembered; stops at 2^32 - 1, as the next
    uint32_t refused = 0;
  };

  // REQUIRES: sources >= 1. The hash is keyed by `hash_seed`, which production
  // draws at random and simulations fix.
  SourceTable(int64_t sources, const TokenRate& rate, uint64_t hash_seed,
              MemoryHint hint = nullptr);

  // Where a source stands if it is remembered: worth keeping between Prefetch and a decision,
  // because working it out is half of a decision's computing. Valid until Resize.
  struct Place {
    size_t set = 0;
  };
  Place PlaceOf(const IpAddress& key) const;
  // The same, and has the processor fetch it.
  Place Prefetch(const IpAddress& key) const;

  // Takes a token of the source `key` (an address cut by Truncate) if one is there. `now` must not
  // go back. REQUIRES: place == PlaceOf(key).
  bool Take(const IpAddress& key, Instant now) { return Take(key, PlaceOf(key), now); }
  bool Take(const IpAddress& key, Place place, Instant now);
  // Takes the source's next token and says when it is due; nullopt, and nothing is taken, if that
  // is later than `latest`, and then it counts as refused.
  std::optional<Instant> ReserveNext(const IpAddress& key, Instant now, Instant latest);
  // Counts refusals that it did not decide itself, if the source is remembered.
  void CountRefused(const IpAddress& key, uint64_t count = 1);

  // Calls `visit(row)` for the sources in `count` slots from `cursor` on. The next cursor; slots()
  // when all have been seen. What changes between two calls may or may not be seen.
  size_t Scan(size_t cursor, size_t count, absl::FunctionRef<void(const Row&)> visit) const;
  std::optional<Row> Find(const IpAddress& key) const;

  // Another rate and burst: what a source owes is converted to the same number of tokens. Reads the
  // whole table: about 10 ms for a million sources.
  void SetRate(const TokenRate& rate, Instant now);
  // Another size: builds the table anew. Where a new set cannot take all, those with least debt are
  // forgotten. (c) starts anew for sources that had been forgotten before.
  void Resize(int64_t sources, MemoryHint hint = nullptr);

  const TokenRate& rate() const { return rate_; }
  uint64_t tracked() const { return tracked_; }  // sources remembered now
  uint64_t evicted() const { return evicted_; }  // sources forgotten while they had debt
  size_t slots() const { return sets_ * kWays; }
  size_t memory_bytes() const { return slots() * sizeof(Entry); }

 private:
  SourceTable(int64_t sources, const TokenRate& rate, const SipKey& hash_key, MemoryHint hint);

  struct Entry {
    uint64_t key_first = 0;
    uint64_t key_second = 0;
    int64_t full_at_ns = 0;  // 0: unused
    uint32_t admitted = 0;
    uint32_t refused = 0;
  };
  static_assert(sizeof(Entry) == 32);
  struct alignas(128) Set {
    Entry entries[kWays];
  };
  static_assert(sizeof(Set) == 128,
                "a set is two cache lines that the processor fetches as a pair");
  static_assert(sizeof(Set) == kWays * sizeof(Entry));
  struct Key {
    uint64_t first;
    uint64_t second;
  };
  struct FreeMemory {
    void operator()(void* memory) const { std::free(memory); }
  };

  static Key KeyOf(const IpAddress& address);
  static Row Copy(const Entry& entry);
  Place PlaceOf(const Key& key) const;
  Set& SetAt(Place place) const { return first_set_[place.set]; }
  static Entry* FindIn(Set& set, const Key& key);
  // The entry that a newcomer takes over.
  static Entry& VictimIn(Set& set);
  void TakeOver(Entry& victim, const Key& key, Instant now);

  TokenRate rate_;
  SipKey hash_key_;
  size_t sets_;
  std::unique_ptr<void, FreeMemory> memory_;
  Set* first_set_;  // within memory_
  uint64_t tracked_ = 0;
  uint64_t evicted_ = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_SOURCE_TABLE_H_
