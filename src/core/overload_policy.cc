#include "core/overload_policy.h"

#include <algorithm>

namespace floodgate {

std::optional<Duration> OverloadPolicy::Horizon(Patience& patience, Instant busy_since,
                                                Instant now) const {
  switch (rule) {
    case ServiceRule::kHalfPatience:
      return patience.Horizon(now);
    case ServiceRule::kFirstInFirstOut:
      return std::nullopt;
    case ServiceRule::kNewestFirst:
      return Duration{};
    case ServiceRule::kOldestThatFits: {
      const std::optional<Duration> known = patience.Known();
      if (!known.has_value() || !patience.Horizon(now).has_value()) return std::nullopt;
      return std::max(*known - kFinishTime, Duration{});
    }
    case ServiceRule::kNewestAfterCongestion:
      if (now - busy_since < kCongestedAfter) return std::nullopt;
      return Duration{};
  }
  return std::nullopt;
}

}  // namespace floodgate
