#include "core/service_rate.h"

#include <algorithm>

namespace floodgate {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

}  // namespace

void ServiceRate::Update(bool saturated, Instant now) {
  if (saturated && saturated_) {
    const Duration elapsed = now - since_;
    if (elapsed < kStretchMin || count_ < kCountMin) return;
    const Duration each = elapsed / count_;
    each_ = each_.ns == 0 ? each : (each_ * 3 + each) / 4;
    each_ = std::max(each_, Duration::Nanoseconds(1));
  }
  saturated_ = saturated;
  since_ = now;
  count_ = 0;
}

std::optional<int64_t> ServiceRate::per_second() const {
  if (each_.ns == 0) return std::nullopt;
  return std::max<int64_t>(kNsPerSecond / each_.ns, 1);
}

int64_t ServiceRate::BeginMax(int64_t workers, int64_t most) const {
  if (each_.ns == 0) return std::min(kBeginEachUnknown * workers, most);
  const int64_t least = std::min(kBeginEach * workers, most);
  return std::clamp(kAheadOfWorkers.ns / each_.ns, least, most);
}

std::optional<int64_t> ServiceRate::QueueMax(Duration horizon) const {
  if (each_.ns == 0) return std::nullopt;
  const Duration worth = std::min(horizon / 4, Duration::Seconds(1));
  return std::max(worth.ns / each_.ns, kQueueMin);
}

}  // namespace floodgate
