// The names of retry policies, as configurations and command lines write them. Header only; needs
// nothing but the standard library.
#ifndef FLOODGATE_BACKOFF_TEXT_H_
#define FLOODGATE_BACKOFF_TEXT_H_

#include <array>
#include <optional>
#include <string_view>

#include "floodgate/backoff.h"

namespace floodgate {

struct RetryPolicyText {
  RetryPolicy policy;
  std::string_view name;
};

// All policies, in the order of the enumeration: for help texts and for loops over all of them.
inline constexpr std::array<RetryPolicyText, 6> kRetryPolicies = {{
    {RetryPolicy::kNone, "none"},
    {RetryPolicy::kImmediate, "immediate"},
    {RetryPolicy::kFixed, "fixed"},
    {RetryPolicy::kExponential, "exponential"},
    {RetryPolicy::kFullJitter, "full-jitter"},
    {RetryPolicy::kDecorrelatedJitter, "decorrelated-jitter"},
}};

// REQUIRES: one of the enumeration's values; "" for anything else.
constexpr std::string_view RetryPolicyName(RetryPolicy policy) {
  for (const RetryPolicyText& text : kRetryPolicies) {
    if (text.policy == policy) return text.name;
  }
  return "";
}

// The policy of that exact name. nullopt: there is none.
constexpr std::optional<RetryPolicy> ParseRetryPolicy(std::string_view name) {
  for (const RetryPolicyText& text : kRetryPolicies) {
    if (text.name == name) return text.policy;
  }
  return std::nullopt;
}

}  // namespace floodgate

#endif  // FLOODGATE_BACKOFF_TEXT_H_
