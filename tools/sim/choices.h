// Words of the command line and the values that they mean.
#ifndef FLOODGATE_SIM_CHOICES_H_
#define FLOODGATE_SIM_CHOICES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/options.h"
#include "sim/fleet.h"

namespace floodgate::sim {

// "1s"; "exp:1s", exponentially distributed with that mean; "500ms/30s", half of the agents each.
std::optional<AgentPatience> ParsePatience(absl::string_view text);
// The text that ParsePatience reads back as the same.
std::string PatienceText(const AgentPatience& patience);
std::optional<Hold> ParseHold(absl::string_view text);
absl::string_view HoldName(Hold hold);
// A factor of the capacity, "0.5" or "20", in per cent. At most 1000.
std::optional<uint32_t> ParseLoad(absl::string_view text);

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_CHOICES_H_
