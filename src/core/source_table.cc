#include "core/source_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include "base/check.h"

namespace floodgate {
namespace {

constexpr size_t kHugePageBytes = size_t{2} << 20;

void Increment(uint32_t& counter) {
  if (counter != std::numeric_limits<uint32_t>::max()) ++counter;
}

size_t SetsFor(int64_t sources) {
  const size_t slots = (static_cast<size_t>(sources) * SourceTable::kSlotsPerTenSources + 9) / 10;
  return (slots + SourceTable::kWays - 1) / SourceTable::kWays;
}

// The same on hosts of either byte order, so that a seed means the same run everywhere.
uint64_t LittleEndian(const uint8_t* bytes) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

}  // namespace

SourceTable::SourceTable(int64_t sources, const TokenRate& rate, uint64_t hash_seed,
                         MemoryHint hint)
    : SourceTable(sources, rate, SipKey::FromSeed(hash_seed), hint) {}

SourceTable::SourceTable(int64_t sources, const TokenRate& rate, const SipKey& hash_key,
                         MemoryHint hint)
    : rate_(rate), hash_key_(hash_key), sets_(SetsFor(std::max<int64_t>(sources, 1))) {
  FG_CHECK(sources >= 1);
  // calloc, because it gives large blocks as zero pages that cost nothing until they are touched.
  const size_t bytes = memory_bytes();
  const size_t alignment = bytes >= kHugePageBytes ? kHugePageBytes : alignof(Set);
  size_t space = bytes + alignment;
  memory_.reset(std::calloc(space, 1));
  if (memory_ == nullptr) throw std::bad_alloc();
  void* aligned = memory_.get();
  FG_CHECK(std::align(alignment, bytes, aligned, space) != nullptr);
  first_set_ = static_cast<Set*>(aligned);
  if (hint != nullptr) hint(first_set_, bytes);
}

SourceTable::Key SourceTable::KeyOf(const IpAddress& address) {
  return {.first = LittleEndian(address.bytes.data()),
          .second = LittleEndian(address.bytes.data() + 8)};
}

SourceTable::Row SourceTable::Copy(const Entry& entry) {
  Row row{.source = {},
          .full_at = {entry.full_at_ns},
          .admitted = entry.admitted,
          .refused = entry.refused};
  uint64_t words[2] = {entry.key_first, entry.key_second};
  if constexpr (std::endian::native == std::endian::big) {
    for (uint64_t& word : words) word = __builtin_bswap64(word);
  }
  std::memcpy(row.source.bytes.data(), words, sizeof words);
  return row;
}

SourceTable::Place SourceTable::PlaceOf(const Key& key) const {
  // Multiply-shift maps the hash evenly on a number of sets that is no power of two.
  __extension__ using Wide = unsigned __int128;
  const uint64_t hash = hash_key_.Hash(key.first, key.second);
  return {.set = static_cast<size_t>((static_cast<Wide>(hash) * sets_) >> 64)};
}

SourceTable::Place SourceTable::PlaceOf(const IpAddress& address) const {
  return PlaceOf(KeyOf(address));
}

SourceTable::Place SourceTable::Prefetch(const IpAddress& address) const {
  const Place place = PlaceOf(address);
  const Set& set = SetAt(place);
  for (size_t i = 0; i < kWays; i += 2) __builtin_prefetch(&set.entries[i], 1);
  return place;
}

SourceTable::Entry* SourceTable::FindIn(Set& set, const Key& key) {
  // Without a branch an entry: where in its set a source stands is not to be predicted, and a
  // processor that has guessed wrong waits for the memory before it goes on to the next decision.
  unsigned matches = 0;
  for (size_t i = 0; i < kWays; ++i) {
    const Entry& entry = set.entries[i];
    const uint64_t difference = (entry.key_first ^ key.first) | (entry.key_second ^ key.second);
    const bool matched = (difference == 0) & (entry.full_at_ns != 0);
    matches |= static_cast<unsigned>(matched) << i;
  }
  return matches == 0 ? nullptr : &set.entries[std::countr_zero(matches)];
}

SourceTable::Entry& SourceTable::VictimIn(Set& set) {
  Entry* victim = &set.entries[0];
  for (Entry& entry : set.entries) {
    if (entry.full_at_ns < victim->full_at_ns) victim = &entry;
  }
  return *victim;
}

void SourceTable::TakeOver(Entry& victim, const Key& key, Instant now) {
  if (victim.full_at_ns == 0) ++tracked_;
  if (victim.full_at_ns > now.ns) ++evicted_;
  victim.key_first = key.first;
  victim.key_second = key.second;
  victim.admitted = 0;
  victim.refused = 0;
}

bool SourceTable::Take(const IpAddress& address, Place place, Instant now) {
  const Key key = KeyOf(address);
  Set& set = SetAt(place);
  Entry* entry = FindIn(set, key);
  const bool known = entry != nullptr;
  if (!known) entry = &VictimIn(set);
  Instant full_at{entry->full_at_ns};
  if (!rate_.Take(full_at, now)) {
    if (known) Increment(entry->refused);
    return false;
  }
  if (!known) TakeOver(*entry, key, now);
  entry->full_at_ns = full_at.ns;
  Increment(entry->admitted);
  return true;
}

std::optional<Instant> SourceTable::ReserveNext(const IpAddress& address, Instant now,
                                                Instant latest) {
  const Key key = KeyOf(address);
  Set& set = SetAt(PlaceOf(key));
  Entry* entry = FindIn(set, key);
  const bool known = entry != nullptr;
  if (!known) entry = &VictimIn(set);
  Instant full_at{entry->full_at_ns};
  const Instant due = rate_.Reserve(full_at, now);
  if (due > latest) {
    if (known) Increment(entry->refused);
    return std::nullopt;
  }
  if (!known) TakeOver(*entry, key, now);
  entry->full_at_ns = full_at.ns;
  Increment(entry->admitted);
  return due;
}

void SourceTable::CountRefused(const IpAddress& address, uint64_t count) {
  const Key key = KeyOf(address);
  Entry* entry = FindIn(SetAt(PlaceOf(key)), key);
  if (entry == nullptr) return;
  constexpr uint64_t kMax = std::numeric_limits<uint32_t>::max();
  entry->refused = static_cast<uint32_t>(entry->refused + std::min(count, kMax - entry->refused));
}

size_t SourceTable::Scan(size_t cursor, size_t count,
                         absl::FunctionRef<void(const Row&)> visit) const {
  cursor = std::min(cursor, slots());
  const size_t end = cursor + std::min(count, slots() - cursor);
  for (; cursor < end; ++cursor) {
    const Entry& entry = first_set_[cursor / kWays].entries[cursor % kWays];
    if (entry.full_at_ns != 0) visit(Copy(entry));
  }
  return cursor;
}

std::optional<SourceTable::Row> SourceTable::Find(const IpAddress& address) const {
  const Key key = KeyOf(address);
  const Entry* entry = FindIn(SetAt(PlaceOf(key)), key);
  if (entry == nullptr) return std::nullopt;
  return Copy(*entry);
}

void SourceTable::SetRate(const TokenRate& rate, Instant now) {
  for (size_t i = 0; i < sets_; ++i) {
    for (Entry& entry : first_set_[i].entries) {
      if (entry.full_at_ns <= now.ns) continue;
      const Duration debt = Instant{entry.full_at_ns} - now;
      entry.full_at_ns = std::max<int64_t>((now + rate.Convert(debt, rate_)).ns, 1);
    }
  }
  rate_ = rate;
}

void SourceTable::Resize(int64_t sources, MemoryHint hint) {
  SourceTable resized(sources, rate_, hash_key_, hint);
  resized.evicted_ = evicted_;
  for (size_t i = 0; i < sets_; ++i) {
    for (const Entry& entry : first_set_[i].entries) {
      Entry& victim =
          VictimIn(resized.SetAt(resized.PlaceOf(Key{entry.key_first, entry.key_second})));
      if (entry.full_at_ns <= victim.full_at_ns) continue;
      if (victim.full_at_ns == 0) ++resized.tracked_;
      victim = entry;
    }
  }
  *this = std::move(resized);
}

}  // namespace floodgate
