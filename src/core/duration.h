// Durations as people write them: "250ms", "2s", "1m30s".
#ifndef FLOODGATE_CORE_DURATION_H_
#define FLOODGATE_CORE_DURATION_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "base/time.h"

namespace floodgate {

// The longest that ParseDuration reads: 365 days.
inline constexpr Duration kDurationMax = Duration::Seconds(int64_t{365} * 24 * 3600);

// One or more whole numbers, each with its unit (us, ms, s, m, h), largest unit first, each at most
// once; no sign, no spaces, at most kDurationMax in all. "0s" is zero. nullopt if it is anything
// else.
std::optional<Duration> ParseDuration(absl::string_view text);

// The shortest text that ParseDuration reads back as the same value. REQUIRES: a whole number of
// microseconds, not negative.
std::string FormatDuration(Duration duration);

}  // namespace floodgate

#endif  // FLOODGATE_CORE_DURATION_H_
