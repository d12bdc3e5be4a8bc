#include "core/admission.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"

namespace floodgate {
namespace {

// Two tables that are keyed alike would show each other's collisions.
constexpr uint64_t kCountsSeedOffset = 0x636f756e7473;

TokenRate RateOf(const LimitOptions& limits) {
  return TokenRate::PerSecond(limits.source_rate, limits.source_burst);
}

Verdict Denied() {
  return {.action = Verdict::Action::kReset, .reason = RefusalReason::kDenied, .due = {}};
}

}  // namespace

size_t Admission::AddressHash::operator()(const IpAddress& address) const {
  uint64_t words[2];
  std::memcpy(words, address.bytes.data(), sizeof words);
  return static_cast<size_t>(key.Hash(words[0], words[1]));
}

Admission::Admission(const Options& options, uint64_t hash_seed, SourceTable::MemoryHint hint)
    : hash_seed_(hash_seed),
      hint_(hint),
      table_(options.limits.sources, RateOf(options.limits), hash_seed, hint),
      open_by_address_(0, AddressHash{SipKey::FromSeed(hash_seed + kCountsSeedOffset)}),
      open_by_source_(0, AddressHash{SipKey::FromSeed(hash_seed + kCountsSeedOffset)}) {
  TakeOptions(options);
}

void Admission::TakeOptions(const Options& options) {
  limits_ = options.limits;
  allow_ = options.controller.has_value() ? CidrSet(options.controller->allow) : CidrSet();
  deny_ = CidrSet(options.agent.deny);
  exempt_ = CidrSet(limits_.exempt);
}

void Admission::Reconfigure(const Options& options) {
  const LimitOptions before = limits_;
  TakeOptions(options);
  const bool other_sources = limits_.source_prefix_v4 != before.source_prefix_v4 ||
                             limits_.source_prefix_v6 != before.source_prefix_v6;
  if (other_sources) {
    table_ = SourceTable(limits_.sources, RateOf(limits_), hash_seed_, hint_);
  } else {
    if (limits_.sources != before.sources) table_.Resize(limits_.sources, hint_);
    if (RateOf(limits_) != table_.rate()) table_.SetRate(RateOf(limits_), seen_);
  }
  CountPerSource();
}

// --- Verdicts

Verdict Admission::Judge(Port port, const PeerAddress& peer, const Occupancy& occupancy,
                         Instant now) {
  seen_ = std::max(seen_, now);
  if (port == Port::kController) {
    const bool allowed = peer.family == PeerAddress::Family::kUnix || allow_.Contains(peer.ip);
    return allowed ? Verdict{} : Denied();
  }
  const Verdict verdict = JudgeAgent(peer, occupancy, now);
  const bool kept =
      verdict.action == Verdict::Action::kAdmit || verdict.action == Verdict::Action::kQueue;
  if (kept && peer.family == PeerAddress::Family::kIp) Count(peer.ip);
  return verdict;
}

void Admission::Prefetch(const PeerAddress& peer) const {
  if (peer.family == PeerAddress::Family::kIp && !table_.rate().unlimited()) {
    table_.Prefetch(SourceOf(peer.ip));
  }
}

Verdict Admission::JudgeAgent(const PeerAddress& peer, const Occupancy& occupancy, Instant now) {
  const bool has_source = peer.family == PeerAddress::Family::kIp;
  if (has_source && deny_.Contains(peer.ip)) return Denied();
  if (has_source && exempt_.Contains(peer.ip)) return {};
  if (limits_.connections > 0 && occupancy.connections >= limits_.connections) {
    return Refused(RefusalReason::kConnections, occupancy, now);
  }
  return has_source ? JudgeSource(SourceOf(peer.ip), occupancy, now) : Verdict{};
}

Verdict Admission::JudgeSource(const IpAddress& source, const Occupancy& occupancy, Instant now) {
  if (limits_.source_connections > 0 && ConnectionsOf(source) >= limits_.source_connections) {
    table_.CountRefused(source);
    return Refused(RefusalReason::kSourceConnections, occupancy, now);
  }
  if (table_.rate().unlimited()) return {};
  if (limits_.over_limit != OverLimit::kQueue) {
    if (table_.Take(source, now)) return {};
    Verdict verdict = Refused(RefusalReason::kSourceRate, occupancy, now);
    if (verdict.action == Verdict::Action::kReset) verdict.due = NextTokenAt(source, now);
    return verdict;
  }
  const Instant latest = occupancy.waiting < limits_.waiting ? now + QueuedMax() : now;
  const std::optional<Instant> due = table_.ReserveNext(source, now, latest);
  if (!due.has_value()) {
    return {.action = Verdict::Action::kReset,
            .reason = RefusalReason::kSourceRate,
            .due = NextTokenAt(source, now) - QueuedMax()};
  }
  if (*due <= now) return {};
  return {.action = Verdict::Action::kQueue, .reason = RefusalReason::kSourceRate, .due = *due};
}

Verdict Admission::Refused(RefusalReason reason, const Occupancy& occupancy, Instant now) const {
  if (limits_.over_limit != OverLimit::kReset && occupancy.delayed < limits_.delayed) {
    return {.action = Verdict::Action::kDelay, .reason = reason, .due = now + limits_.delay};
  }
  return {.action = Verdict::Action::kReset, .reason = reason, .due = {}};
}

Instant Admission::NextTokenAt(const IpAddress& source, Instant now) const {
  // A source that is not remembered is about to inherit somebody's debt; it is no hot one.
  const std::optional<SourceTable::Row> row = table_.Find(source);
  return row.has_value() ? table_.rate().NextAt(row->full_at, now) : now;
}

bool Admission::HoldsExempt(const IpAddress& source) const {
  const Cidr block = BlockOf(source);
  return std::any_of(limits_.exempt.begin(), limits_.exempt.end(),
                     [&](const Cidr& exempt) { return block.Contains(exempt.base); });
}

Duration Admission::QueuedMax() const {
  return std::min(kQueuedMax, limits_.patience.value_or(kQueuedMax));
}

// --- Open connections

void Admission::Count(const IpAddress& address) {
  ++open_by_address_[address];
  if (CountsForSource(address)) ++open_by_source_[SourceOf(address)];
}

void Admission::Release(const PeerAddress& peer) {
  if (peer.family == PeerAddress::Family::kUnix) return;
  const auto release = [](Counts& counts, const IpAddress& key) {
    const auto found = counts.find(key);
    FG_CHECK(found != counts.end());
    if (--found->second == 0) counts.erase(found);
  };
  release(open_by_address_, peer.ip);
  if (CountsForSource(peer.ip)) release(open_by_source_, SourceOf(peer.ip));
}

bool Admission::CountsForSource(const IpAddress& address) const {
  return limits_.source_connections > 0 && !exempt_.Contains(address);
}

void Admission::CountPerSource() {
  open_by_source_.clear();
  // The order of this loop cannot be seen: sums do not depend on it.
  for (const auto& [address, count] : open_by_address_) {
    if (CountsForSource(address)) open_by_source_[SourceOf(address)] += count;
  }
}

// --- Sources

IpAddress Admission::SourceOf(const IpAddress& address) const {
  return Truncate(address, address.is_v4() ? limits_.source_prefix_v4 : limits_.source_prefix_v6);
}

Cidr Admission::BlockOf(const IpAddress& source) const {
  return {.base = source,
          .bits = source.is_v4() ? limits_.source_prefix_v4 : limits_.source_prefix_v6};
}

double Admission::TokensOf(const SourceTable::Row& row, Instant now) const {
  return table_.rate().Tokens(row.full_at, now);
}

int64_t Admission::ConnectionsOf(const IpAddress& source) const {
  const auto found = open_by_source_.find(source);
  return found == open_by_source_.end() ? 0 : found->second;
}

}  // namespace floodgate
