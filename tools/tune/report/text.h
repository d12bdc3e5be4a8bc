// Words and numbers of the report, as people read them, and how text gets into the file.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_TEXT_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tools/tune/ranking.h"
#include "tools/tune/trial.h"
#include "tools/tune/words.h"

namespace floodgate::tune {

// As text or an attribute's value of HTML and of XML 1.0: the five marks are written as references;
// what neither may hold (control characters, what is no UTF-8) becomes U+FFFD.
std::string Escape(absl::string_view text);

// The same for a sentence of a page: between back quotes is code; a number is not parted from its
// unit, nor a range.
std::string Prose(absl::string_view text);

// "1.40–1.61 s"; "1.40 s to never"; "never".
std::string RangeText(const TimeSpread& spread);
// "2026-01-02 03:04 UTC", of RFC 3339 in UTC; anything else as it is.
std::string MinuteText(const std::string& time);
// How many times longer: "1.2 times", "18 times".
std::string TimesText(double factor);

// "no drain rate", "500 a second"; "as floodgated chooses", "16".
std::string DrainText(int drain_rate);
std::string HandshakesText(int handshakes);
// "backlog 4,096, no drain rate, 16 handshakes at a time". Without what 0 leaves to floodgated, if
// `shortly`.
std::string SettingText(const Setting& setting, bool shortly);
// "ECDSA P-256", "RSA 2048", "RSA 4096".
absl::string_view KeyText(KeyKind key);
// "1,000 agents at once, patience 10s, retry immediate".
std::string FleetText(const Fleet& fleet);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_TEXT_H_
