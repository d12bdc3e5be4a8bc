#include "core/duration.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace floodgate {
namespace {

struct Unit {
  absl::string_view name;
  int64_t ns;
};
// Largest first, as they are written.
constexpr std::array<Unit, 5> kUnits = {{{"h", 3'600'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"s", 1'000'000'000},
                                         {"ms", 1'000'000},
                                         {"us", 1'000}}};

// Takes the digits at the front of `text`. nullopt: there are none, or far too many.
std::optional<int64_t> TakeNumber(absl::string_view& text) {
  size_t digits = 0;
  int64_t number = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    if (digits == 15) return std::nullopt;
    number = number * 10 + (text[digits] - '0');
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

}  // namespace

std::optional<Duration> ParseDuration(absl::string_view text) {
  if (text.empty()) return std::nullopt;
  int64_t total_ns = 0;
  size_t next_unit = 0;
  while (!text.empty()) {
    const std::optional<int64_t> number = TakeNumber(text);
    if (!number.has_value()) return std::nullopt;
    size_t letters = 0;
    while (letters < text.size() && text[letters] >= 'a' && text[letters] <= 'z') ++letters;
    const absl::string_view name = text.substr(0, letters);
    while (next_unit < kUnits.size() && kUnits[next_unit].name != name) ++next_unit;
    if (next_unit == kUnits.size()) return std::nullopt;
    const int64_t unit_ns = kUnits[next_unit++].ns;
    if (*number > (kDurationMax.ns - total_ns) / unit_ns) return std::nullopt;
    total_ns += *number * unit_ns;
    text.remove_prefix(letters);
  }
  return Duration{total_ns};
}

std::string FormatDuration(Duration duration) {
  std::string text;
  int64_t left_ns = duration.ns;
  for (const Unit& unit : kUnits) {
    if (left_ns < unit.ns) continue;
    absl::StrAppend(&text, left_ns / unit.ns, unit.name);
    left_ns %= unit.ns;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace floodgate
