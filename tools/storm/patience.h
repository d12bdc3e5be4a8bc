// How long agents wait.
#ifndef FLOODGATE_TOOLS_STORM_PATIENCE_H_
#define FLOODGATE_TOOLS_STORM_PATIENCE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/prng.h"
#include "base/time.h"

namespace floodgate::storm {

struct Patience {
  // With one, all agents wait so long. With several, equal shares of the agents do.
  std::vector<Duration> shares = {Duration::Seconds(30)};
  // Each attempt waits for a random time, exponentially distributed, whose mean is the only share.
  bool exponential = false;

  // "300ms", "exp:1s", "mix:500ms,30s". InvalidArgument says what would be right.
  static absl::StatusOr<Patience> Parse(absl::string_view text);

  // For an attempt of an agent of that share (any number); at least a microsecond. Draws from
  // `prng` once if it is exponential, else not at all.
  Duration Of(uint32_t share, Prng& prng) const;
};

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_PATIENCE_H_
