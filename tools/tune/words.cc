#include "tools/tune/words.h"

#include <cmath>
#include <cstddef>

#include "absl/strings/str_format.h"

namespace floodgate::tune {
namespace {

struct TimeUnit {
  double seconds;
  absl::string_view name;
};

TimeUnit UnitOf(Duration duration) {
  const double seconds = duration.seconds();
  if (seconds > 0 && seconds < 0.00009995) return {1e-6, "us"};
  if (seconds < 0.9995) return {1e-3, "ms"};
  return seconds < 600 ? TimeUnit{1, "s"} : TimeUnit{60, "min"};
}

std::string ThreeDigits(double value) {
  const double size = std::fabs(value);
  const int decimals = size >= 99.95 || size == 0 ? 0 : size >= 9.995 ? 1 : 2;
  return absl::StrFormat("%.*f", decimals, value);
}

}  // namespace

std::string CountText(int64_t count) {
  const std::string digits = absl::StrCat(count);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    const bool after_digit = i > 0 && digits[i - 1] != '-';
    if (after_digit && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

std::string CountText(double count) {
  const double whole = std::round(count);
  if (std::fabs(whole - count) < 0.05 || std::fabs(count) >= 100) {
    return CountText(static_cast<int64_t>(whole));
  }
  return absl::StrFormat("%.1f", count);
}

std::string Counted(double count, absl::string_view one, absl::string_view many) {
  const std::string text = CountText(count);
  return absl::StrCat(text, " ", text == "1" ? one : many);
}

std::string TimeText(Duration duration) {
  const TimeUnit unit = UnitOf(duration);
  return absl::StrCat(ThreeDigits(duration.seconds() / unit.seconds), " ", unit.name);
}

std::string TimeText(const std::optional<Duration>& duration, absl::string_view absent) {
  return duration.has_value() ? TimeText(*duration) : std::string(absent);
}

std::string RangeText(Duration least, Duration most) {
  const TimeUnit unit = UnitOf(most);
  const std::string from = ThreeDigits(least.seconds() / unit.seconds);
  const std::string to = ThreeDigits(most.seconds() / unit.seconds);
  if (from == to) return absl::StrCat(to, " ", unit.name);
  return absl::StrCat(from, "–", to, " ", unit.name);
}

std::string TimeOrNever(const std::optional<Duration>& time) {
  return TimeText(time, "never");
}

std::string AfterOrNever(const std::optional<Duration>& time) {
  return time.has_value() ? absl::StrCat("after ", TimeText(*time)) : "never";
}

}  // namespace floodgate::tune
