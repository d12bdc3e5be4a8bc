#include "tools/tune/report/text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "floodgate/backoff_text.h"
#include "tools/sim/choices.h"

namespace floodgate::tune {
namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";

// Bytes of the UTF-8 character that begins `text` and may be in XML; 0: there is none.
size_t CharacterSize(absl::string_view text) {
  const auto at = [text](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[i])); };
  const uint32_t first = at(0);
  if (first < 0x80) {
    const bool control = first < 0x20 || first == 0x7F;
    return !control || first == '\n' || first == '\t' ? 1 : 0;
  }
  const size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || size > text.size()) return 0;
  uint32_t code = first & (0x7FU >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xC0U) != 0x80) return 0;
    code = (code << 6U) | (at(i) & 0x3FU);
  }
  const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  const bool outside = code > 0x10FFFF || code == 0xFFFE || code == 0xFFFF;
  // U+0080 to U+009F are controls, too.
  return overlong || surrogate || outside || code < 0xA0 ? 0 : size;
}

constexpr absl::string_view kDash = "–";

// Whether `word` stands there and no letter follows.
bool IsWordAt(absl::string_view text, size_t at, absl::string_view word) {
  const absl::string_view rest = text.substr(at);
  if (!absl::StartsWith(rest, word)) return false;
  return rest.size() == word.size() ||
         !absl::ascii_isalnum(static_cast<unsigned char>(rest[word.size()]));
}

}  // namespace

std::string Escape(absl::string_view text) {
  std::string escaped;
  while (!text.empty()) {
    const size_t size = CharacterSize(text);
    const char first = text.front();
    if (size == 0) {
      absl::StrAppend(&escaped, kReplacement);
    } else if (first == '&') {
      escaped += "&amp;";
    } else if (first == '<') {
      escaped += "&lt;";
    } else if (first == '>') {
      escaped += "&gt;";
    } else if (first == '"') {
      escaped += "&quot;";
    } else if (first == '\'') {
      escaped += "&#39;";
    } else {
      absl::StrAppend(&escaped, text.substr(0, size));
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return escaped;
}

std::string Prose(absl::string_view text) {
  static constexpr absl::string_view kUnits[] = {" s", " ms", " us", " min", " %"};
  const std::string escaped = Escape(text);
  const absl::string_view rest = escaped;
  std::string prose;
  bool in_code = false;
  for (size_t i = 0; i < rest.size(); ++i) {
    const bool after_digit = i > 0 && absl::ascii_isdigit(static_cast<unsigned char>(rest[i - 1]));
    const bool unit = after_digit && !in_code && rest[i] == ' ' &&
                      std::any_of(std::begin(kUnits), std::end(kUnits),
                                  [&](absl::string_view u) { return IsWordAt(rest, i, u); });
    if (rest[i] == '`') {
      prose += in_code ? "</code>" : "<code>";
      in_code = !in_code;
    } else if (unit) {
      prose += "\u00A0";
    } else if (after_digit && absl::StartsWith(rest.substr(i), kDash)) {
      absl::StrAppend(&prose, kDash, "\u2060");
      i += kDash.size() - 1;
    } else {
      prose.push_back(rest[i]);
    }
  }
  return prose;
}

std::string RangeText(const TimeSpread& spread) {
  if (!spread.least.has_value()) return "never";
  if (!spread.most.has_value()) return absl::StrCat(TimeText(*spread.least), " to never");
  return RangeText(*spread.least, *spread.most);
}

std::string MinuteText(const std::string& time) {
  if (time.size() != 20 || time[10] != 'T' || time.back() != 'Z') return time;
  return absl::StrCat(time.substr(0, 10), " ", time.substr(11, 5), " UTC");
}

std::string TimesText(double factor) {
  return absl::StrFormat("%.*f times", factor < 9.95 ? 1 : 0, factor);
}

std::string DrainText(int drain_rate) {
  return drain_rate == 0 ? "no drain rate"
                         : absl::StrCat(CountText(int64_t{drain_rate}), " a second");
}

std::string HandshakesText(int handshakes) {
  return handshakes == 0 ? "as floodgated chooses" : CountText(int64_t{handshakes});
}

std::string SettingText(const Setting& setting, bool shortly) {
  std::string text = absl::StrCat("backlog ", CountText(int64_t{setting.backlog}));
  if (setting.drain_rate != 0) {
    absl::StrAppend(&text, ", drain rate ", CountText(int64_t{setting.drain_rate}), "/s");
  } else if (!shortly) {
    absl::StrAppend(&text, ", no drain rate");
  }
  if (setting.handshakes != 0) {
    absl::StrAppend(&text, ", ", Counted(setting.handshakes, "handshake"), " at a time");
  } else if (!shortly) {
    absl::StrAppend(&text, ", handshakes as floodgated chooses");
  }
  return text;
}

absl::string_view KeyText(KeyKind key) {
  switch (key) {
    case KeyKind::kRsa2048:
      return "RSA 2048";
    case KeyKind::kRsa4096:
      return "RSA 4096";
    case KeyKind::kEcdsaP256:
      break;
  }
  return "ECDSA P-256";
}

std::string FleetText(const Fleet& fleet) {
  return absl::StrCat(Counted(fleet.agents, "agent"), " at once, patience ",
                      sim::PatienceText(fleet.patience), ", retry ",
                      std::string(RetryPolicyName(fleet.retry)));
}

}  // namespace floodgate::tune
