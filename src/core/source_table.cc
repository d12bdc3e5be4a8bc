#include "core/source_table.h"

#include <cstring>

#include "base/check.h"

namespace floodgate {
namespace {

__extension__ using Wide = unsigned __int128;

void CountUp(uint32_t& count) { count += count != UINT32_MAX ? 1 : 0; }

}  // namespace

SourceTable::SourceTable(int64_t sources, uint64_t seed)
    : sets_((static_cast<size_t>(sources) * 3 / 2 + kWays) / kWays), key_(SipKey::FromSeed(seed)) {
  FG_CHECK(sources >= 1);
  slots_.resize(sets_ * kWays);
}

size_t SourceTable::SetOf(const IpAddress& source) const {
  uint64_t halves[2];
  std::memcpy(halves, source.bytes.data(), sizeof halves);
  const uint64_t hash = key_.Hash(halves[0], halves[1]);
  // Scales the hash to the number of sets without a division (Lemire, TOMACS 2019).
  return static_cast<size_t>((static_cast<Wide>(hash) * sets_) >> 64);
}

SourceTable::Slot& SourceTable::FindOrReplace(const IpAddress& source, Instant now) {
  Slot* const set = &slots_[SetOf(source) * kWays];
  Slot* victim = set;
  for (Slot* slot = set; slot != set + kWays; ++slot) {
    if (slot->source == source && slot->full_at_ns != kNeverUsed) return *slot;
    if (slot->full_at_ns < victim->full_at_ns) victim = slot;
  }
  if (victim->full_at_ns == kNeverUsed) {
    victim->full_at_ns = 0;
    ++tracked_;
  } else if (victim->full_at_ns > now.ns) {
    ++evicted_;
  }
  victim->source = source;
  victim->admitted = 0;
  victim->refused = 0;
  return *victim;
}

bool SourceTable::TryTake(const IpAddress& source, const TokenRate& rate, Instant now) {
  Slot& slot = FindOrReplace(source, now);
  Instant full_at{slot.full_at_ns};
  const bool taken = rate.Take(full_at, now);
  slot.full_at_ns = full_at.ns;
  CountUp(taken ? slot.admitted : slot.refused);
  return taken;
}

Instant SourceTable::Reserve(const IpAddress& source, const TokenRate& rate, Instant now) {
  Slot& slot = FindOrReplace(source, now);
  Instant full_at{slot.full_at_ns};
  const Instant next = rate.Reserve(full_at, now);
  slot.full_at_ns = full_at.ns;
  CountUp(slot.admitted);
  return next;
}

Instant SourceTable::NextToken(const IpAddress& source, const TokenRate& rate,
                               Instant now) const {
  const Slot* const set = &slots_[SetOf(source) * kWays];
  const Slot* least = set;
  for (const Slot* slot = set; slot != set + kWays; ++slot) {
    if (slot->source == source && slot->full_at_ns != kNeverUsed) {
      return rate.NextAt(Instant{slot->full_at_ns}, now);
    }
    if (slot->full_at_ns < least->full_at_ns) least = slot;
  }
  return rate.NextAt(Instant{std::max<int64_t>(least->full_at_ns, 0)}, now);
}

void SourceTable::Clear() {
  std::fill(slots_.begin(), slots_.end(), Slot{});
  tracked_ = 0;
}

}  // namespace floodgate
