#include "tools/storm/patience.h"

#include <algorithm>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/duration.h"
#include "tools/storm/chance.h"

namespace floodgate::storm {

absl::StatusOr<Patience> Patience::Parse(absl::string_view text) {
  absl::string_view rest = text;
  Patience patience;
  patience.shares.clear();
  patience.exponential = absl::ConsumePrefix(&rest, "exp:");
  const bool mixed = !patience.exponential && absl::ConsumePrefix(&rest, "mix:");
  std::vector<absl::string_view> parts = {rest};
  if (mixed) parts = absl::StrSplit(rest, ',');
  for (const absl::string_view part : parts) {
    const std::optional<Duration> duration = ParseDuration(part);
    if (!duration.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", text, "\" is no patience; write 250ms, 2s or 1m30s, exp:1s, or mix:", "500ms,30s"));
    }
    if (duration->ns <= 0) {
      return absl::InvalidArgumentError("0s lets nobody be served; give it some time");
    }
    patience.shares.push_back(*duration);
  }
  return patience;
}

Duration Patience::Of(uint32_t share, Prng& prng) const {
  if (!exponential) return shares[share % shares.size()];
  return std::max(Exponential(shares.front(), prng), Duration::Microseconds(1));
}

}  // namespace floodgate::storm
