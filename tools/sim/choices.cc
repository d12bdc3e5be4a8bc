#include "tools/sim/choices.h"

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/duration.h"

namespace floodgate::sim {
namespace {

constexpr double kLoadMax = 1000;

std::optional<Duration> ParsePositive(absl::string_view text) {
  const std::optional<Duration> duration = ParseDuration(text);
  return duration.has_value() && duration->ns > 0 ? duration : std::nullopt;
}

}  // namespace

std::optional<AgentPatience> ParsePatience(absl::string_view text) {
  AgentPatience patience;
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '/');
  if (parts.size() == 2) {
    const std::optional<Duration> one = ParsePositive(parts[0]);
    const std::optional<Duration> other = ParsePositive(parts[1]);
    if (!one.has_value() || !other.has_value()) return std::nullopt;
    return AgentPatience{.kind = AgentPatience::Kind::kMix, .time = *one, .other = *other};
  }
  if (absl::ConsumePrefix(&text, "exp:")) patience.kind = AgentPatience::Kind::kExponential;
  const std::optional<Duration> time = ParsePositive(text);
  if (!time.has_value()) return std::nullopt;
  patience.time = *time;
  return patience;
}

std::string PatienceText(const AgentPatience& patience) {
  std::string time = FormatDuration(patience.time);
  switch (patience.kind) {
    case AgentPatience::Kind::kFixed:
      return time;
    case AgentPatience::Kind::kExponential:
      return absl::StrCat("exp:", time);
    case AgentPatience::Kind::kMix:
      return absl::StrCat(time, "/", FormatDuration(patience.other));
  }
  return time;
}

std::optional<ServiceRule> ParseServiceRule(absl::string_view text) {
  for (size_t i = 0; i < kServiceRuleNames.size(); ++i) {
    if (kServiceRuleNames[i] == text) return static_cast<ServiceRule>(i);
  }
  return std::nullopt;
}

bool LeaveOut(absl::string_view part, OverloadPolicy& policy) {
  const std::array<std::pair<absl::string_view, bool*>, 4> parts = {{
      {"look-ahead", &policy.looks_ahead},
      {"short-queue", &policy.shortens_queue},
      {"few-begun", &policy.begins_few},
      {"late-leavers", &policy.learns_from_late},
  }};
  for (const auto& [name, value] : parts) {
    if (name != part) continue;
    *value = false;
    return true;
  }
  return false;
}

std::optional<Hold> ParseHold(absl::string_view text) {
  for (const Hold hold : {Hold::kPark, Hold::kRefuse}) {
    if (HoldName(hold) == text) return hold;
  }
  return std::nullopt;
}

absl::string_view HoldName(Hold hold) {
  return hold == Hold::kPark ? "park" : "refuse";
}

std::optional<uint32_t> ParseLoad(absl::string_view text) {
  absl::ConsumeSuffix(&text, "x");
  double factor = 0;
  if (!absl::SimpleAtod(text, &factor) || !(factor >= 0.01 && factor <= kLoadMax)) {
    return std::nullopt;
  }
  return static_cast<uint32_t>(std::lround(factor * 100));
}

}  // namespace floodgate::sim
