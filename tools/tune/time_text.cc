#include "tools/tune/time_text.h"

#include "absl/strings/str_format.h"

namespace floodgate::tune {

std::string SecondsOrNever(const std::optional<Duration>& time) {
  return time.has_value() ? absl::StrFormat("%.2f s", time->seconds()) : "never";
}

}  // namespace floodgate::tune
