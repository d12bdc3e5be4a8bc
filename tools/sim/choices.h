// Words of the command line and the values that they mean.
#ifndef FLOODGATE_SIM_CHOICES_H_
#define FLOODGATE_SIM_CHOICES_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/options.h"
#include "core/overload_policy.h"
#include "sim/fleet.h"

namespace floodgate::sim {

// In the order of the enumeration.
inline constexpr std::array<absl::string_view, 5> kServiceRuleNames = {
    "half-patience", "first-in-first-out", "newest-first", "oldest-that-fits",
    "newest-after-congestion"};

// "1s"; "exp:1s", exponentially distributed with that mean; "500ms/30s", half of the agents each.
std::optional<AgentPatience> ParsePatience(absl::string_view text);
// The text that ParsePatience reads back as the same.
std::string PatienceText(const AgentPatience& patience);
std::optional<Hold> ParseHold(absl::string_view text);
absl::string_view HoldName(Hold hold);
// "half-patience" and the others of kServiceRuleNames.
std::optional<ServiceRule> ParseServiceRule(absl::string_view text);
// Leaves a part of the policy out: "look-ahead", "short-queue", "few-begun", "late-leavers". False:
// there is no such part.
bool LeaveOut(absl::string_view part, OverloadPolicy& policy);
// A factor of the capacity, "0.5" or "20", in per cent. At most 1000.
std::optional<uint32_t> ParseLoad(absl::string_view text);

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_CHOICES_H_
