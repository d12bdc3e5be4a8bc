// Numbers and times in the sentences and tables that people read: of the commands, and of the
// report.
#ifndef FLOODGATE_TOOLS_TUNE_WORDS_H_
#define FLOODGATE_TOOLS_TUNE_WORDS_H_

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/time.h"

namespace floodgate::tune {

// "12,345", "-3".
std::string CountText(int64_t count);
template <std::integral Number>
std::string CountText(Number count) {
  return CountText(static_cast<int64_t>(count));
}
// A median of counts: "12", or "12.5" where it lies between two; big ones whole.
std::string CountText(double count);

// "1 trial is", "2,000 trials are": a count, and the words that suit it.
template <std::integral Number>
std::string Counted(Number count, absl::string_view one, absl::string_view many) {
  return absl::StrCat(CountText(count), " ", count == 1 ? one : many);
}
std::string Counted(double count, absl::string_view one, absl::string_view many);

// The same with a noun that takes an s: "1 agent", "1,000 agents".
template <typename Number>
std::string Counted(Number count, absl::string_view noun) {
  return Counted(count, noun, absl::StrCat(noun, "s"));
}

// Three digits and the unit that suits: "35.0 us", "0.35 ms", "420 ms", "1.42 s", "14.2 s",
// "142 s", "16.7 min".
std::string TimeText(Duration duration);
std::string TimeText(const std::optional<Duration>& duration, absl::string_view absent);
// "1.40–1.61 s": one unit for both; one time where they look the same.
std::string RangeText(Duration least, Duration most);
// "1.42 s"; nullopt: "never".
std::string TimeOrNever(const std::optional<Duration>& time);
// "after 1.42 s"; nullopt: "never".
std::string AfterOrNever(const std::optional<Duration>& time);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_WORDS_H_
