#include "front/syn_refusals.h"

#include <algorithm>

namespace floodgate {

void SynRefusals::OnReset(const IpAddress& source, Instant due, Instant now) {
  // Of those refused already, some stand in the accept queue still.
  if (refuser_ == nullptr || refused_.contains(source)) return;
  if (now >= window_end_) {
    resets_.clear();
    window_end_ = now + kWindow;
  }
  if (resets_.size() >= kCountedMax && !resets_.contains(source)) return;
  if (++resets_[source] < kResetsBefore) return;
  const Instant until = std::min(due, now + kRefusedMax);
  if (until - now < kRefusedMin || !may_refuse_(source)) return;
  if (!refuser_->Refuse(source, until)) return;
  ends_.insert({until, source});
  refused_.insert(source);
  resets_.erase(source);
}

void SynRefusals::Advance(Instant now) {
  while (!ends_.empty() && ends_.begin()->first <= now) {
    const IpAddress source = ends_.begin()->second;
    ends_.erase(ends_.begin());
    refused_.erase(source);
    End(source);
  }
}

void SynRefusals::End(const IpAddress& source) {
  const uint64_t count = refuser_->Release(source);
  if (count == 0) return;
  on_refused_(source, count);
  // It has not given up: its next reset is enough.
  if (resets_.size() < kCountedMax) resets_[source] = kResetsBefore - 1;
}

Instant SynRefusals::NextDeadline() const {
  return ends_.empty() ? Instant::Never() : ends_.begin()->first;
}

void SynRefusals::EndAll() {
  Advance(Instant::Never());
  resets_.clear();
}

void SynRefusals::SetPrefixes(int v4_bits, int v6_bits) {
  if (refuser_ != nullptr) refuser_->SetPrefixes(v4_bits, v6_bits);
}

}  // namespace floodgate
