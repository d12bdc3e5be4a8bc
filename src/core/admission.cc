#include "core/admission.h"

#include <algorithm>
#include <cstring>

#include "base/prng.h"

namespace floodgate {
namespace {

constexpr Duration kQueuedAtMost = Duration::Seconds(30);

bool Contains(const std::vector<Cidr>& blocks, const IpAddress& address) {
  return std::any_of(blocks.begin(), blocks.end(),
                     [&](const Cidr& block) { return block.Contains(address); });
}

TokenRate RateOf(const LimitOptions& limits) {
  return TokenRate::PerSecond(limits.source_rate, limits.source_burst);
}

}  // namespace

size_t Admission::SourceHash::operator()(const IpAddress& address) const {
  uint64_t halves[2];
  std::memcpy(halves, address.bytes.data(), sizeof halves);
  return static_cast<size_t>(Prng::Mix(halves[0] ^ Prng::Mix(halves[1])));
}

Admission::Admission(const Options& options, uint64_t seed)
    : limits_(options.limits),
      allow_(options.controller.has_value() ? options.controller->allow : std::vector<Cidr>{}),
      deny_(options.agent.deny),
      rate_(RateOf(limits_)),
      table_(limits_.sources, seed) {}

void Admission::Reconfigure(const Options& options) {
  const LimitOptions before = limits_;
  limits_ = options.limits;
  allow_ = options.controller.has_value() ? options.controller->allow : std::vector<Cidr>{};
  deny_ = options.agent.deny;
  rate_ = RateOf(limits_);
  const bool other_sources = limits_.source_prefix_v4 != before.source_prefix_v4 ||
                             limits_.source_prefix_v6 != before.source_prefix_v6;
  if (other_sources) table_.Clear();
  if (other_sources || limits_.source_connections == 0) open_.clear();
}

IpAddress Admission::SourceOf(const PeerAddress& peer) const {
  return Truncate(peer.ip, peer.ip.is_v4() ? limits_.source_prefix_v4 : limits_.source_prefix_v6);
}

Cidr Admission::BlockOf(const IpAddress& source) const {
  return {source, source.is_v4() ? limits_.source_prefix_v4 : limits_.source_prefix_v6};
}

int Admission::ConnectionsOf(const IpAddress& source) const {
  const auto found = open_.find(source);
  return found == open_.end() ? 0 : found->second;
}

bool Admission::Limited(const PeerAddress& peer) const {
  return peer.family == PeerAddress::Family::kIp && !Contains(limits_.exempt, peer.ip);
}

Verdict Admission::Judge(Port port, const PeerAddress& peer, const Occupancy& occupancy,
                         Instant now) {
  if (port == Port::kAgent) return JudgeAgent(peer, occupancy, now);
  if (peer.family == PeerAddress::Family::kUnix || Contains(allow_, peer.ip)) return {};
  return {.action = Verdict::Action::kReset, .reason = RefusalReason::kDenied, .due = {}};
}

Verdict Admission::JudgeAgent(const PeerAddress& peer, const Occupancy& occupancy, Instant now) {
  const bool has_source = peer.family == PeerAddress::Family::kIp;
  if (has_source && Contains(deny_, peer.ip)) {
    return {.action = Verdict::Action::kReset, .reason = RefusalReason::kDenied, .due = {}};
  }
  const IpAddress source = has_source ? SourceOf(peer) : IpAddress{};
  if (limits_.connections > 0 && occupancy.connections >= limits_.connections) {
    return OverLimit(RefusalReason::kConnections, source, occupancy, now);
  }
  if (!Limited(peer)) return {};
  Verdict verdict;
  if (limits_.source_connections > 0 && ConnectionsOf(source) >= limits_.source_connections) {
    return OverLimit(RefusalReason::kSourceConnections, source, occupancy, now);
  }
  if (!rate_.unlimited() && !table_.TryTake(source, rate_, now)) {
    verdict = OverLimit(RefusalReason::kSourceRate, source, occupancy, now);
  }
  const bool kept = verdict.action == Verdict::Action::kAdmit ||
                    verdict.action == Verdict::Action::kQueue;
  if (kept && limits_.source_connections > 0) ++open_[source];
  return verdict;
}

Verdict Admission::OverLimit(RefusalReason reason, const IpAddress& source,
                             const Occupancy& occupancy, Instant now) {
  if (limits_.over_limit == OverLimit::kQueue && reason == RefusalReason::kSourceRate) {
    const Instant bound = now + std::max(limits_.delay, kQueuedAtMost);
    if (occupancy.waiting < limits_.waiting && table_.NextToken(source, rate_, now) <= bound) {
      const Instant due = table_.Reserve(source, rate_, now);
      return {.action = Verdict::Action::kQueue, .reason = reason, .due = due};
    }
  } else if (limits_.over_limit != OverLimit::kReset && occupancy.delayed < limits_.delayed) {
    return {.action = Verdict::Action::kDelay, .reason = reason, .due = now + limits_.delay};
  }
  return {.action = Verdict::Action::kReset, .reason = reason, .due = {}};
}

void Admission::Release(const PeerAddress& peer) {
  if (limits_.source_connections == 0 || peer.family == PeerAddress::Family::kUnix) return;
  const auto found = open_.find(SourceOf(peer));
  // Connections from before the count was turned on were never counted.
  if (found == open_.end()) return;
  if (--found->second == 0) open_.erase(found);
}

}  // namespace floodgate
