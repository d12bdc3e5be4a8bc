// The kinds of certificate keys as command lines and files name them.
#ifndef FLOODGATE_TOOLS_TUNE_KEY_NAMES_H_
#define FLOODGATE_TOOLS_TUNE_KEY_NAMES_H_

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "front/self_signed.h"

namespace floodgate::tune {

inline constexpr std::array<std::pair<KeyKind, const char*>, 3> kKeys = {
    {{KeyKind::kEcdsaP256, "ecdsa"},
     {KeyKind::kRsa2048, "rsa-2048"},
     {KeyKind::kRsa4096, "rsa-4096"}}};

// "ecdsa", "rsa-2048", "rsa-4096".
constexpr const char* KeyName(KeyKind kind) {
  for (const auto& [key, name] : kKeys) {
    if (key == kind) return name;
  }
  return "";
}

// nullopt: there is no such kind.
constexpr std::optional<KeyKind> ParseKey(std::string_view text) {
  for (const auto& [key, name] : kKeys) {
    if (text == name) return key;
  }
  return std::nullopt;
}

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_KEY_NAMES_H_
