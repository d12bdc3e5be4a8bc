// Kinds of options of a command line, for all programs here. What is wrong with a value is thrown
// as CLI::ParseError.
#ifndef FLOODGATE_TOOLS_OPTIONS_OPTION_KINDS_H_
#define FLOODGATE_TOOLS_OPTIONS_OPTION_KINDS_H_

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/time.h"

namespace floodgate {

// Words and what they stand for.
template <typename Value>
using Choices = std::vector<std::pair<const char*, Value>>;

// The value of `option` is wrong; `why` ends with what would be right.
[[noreturn]] void Refuse(const std::string& option, const std::string& why);

void AddPercent(CLI::App& app, const std::string& name, int& value, const std::string& help);

// `value` holds the default.
void AddDuration(CLI::App& app, const std::string& name, Duration& value, const std::string& help);

// Text that goes into a request line or a header field.
void AddToken(CLI::App& app, const std::string& name, std::string& value, const std::string& help);

// A whole number of 64 bits, without a sign: "-1" would wrap. `value` is one, or an optional one.
template <typename Value>
CLI::Option* AddSeed(CLI::App& app, const std::string& name, Value& value,
                     const std::string& help) {
  const auto check = [](const std::string& text) -> std::string {
    uint64_t number = 0;
    const bool sound = !text.empty() && text.front() >= '0' && text.front() <= '9' &&
                       absl::SimpleAtoi(text, &number);
    return sound ? "" : absl::StrCat("\"", text, "\" is none; write 0 to 18446744073709551615");
  };
  return app.add_option(name, value, help)->type_name("N")->check(check, "");
}

// A number from `least` to `most`.
template <typename Number>
CLI::Option* AddNumber(CLI::App& app, const std::string& name, Number& value, Number least,
                       Number most, const std::string& help) {
  CLI::Option* option = app.add_option(name, value, help)
                            ->type_name(absl::StrCat("N (", least, " to ", most, ")"))
                            ->check(CLI::Range(least, most).description(""));
  if constexpr (std::is_floating_point_v<Number>) {
    // Not a number is neither below one end nor above the other.
    const auto check = [](const std::string& text) -> std::string {
      double number = 0;
      const bool sound = absl::SimpleAtod(text, &number) && std::isfinite(number);
      return sound ? "" : absl::StrCat("\"", text, "\" is no finite number");
    };
    option->check(check, "");
  }
  return option;
}

template <typename Value>
std::vector<std::string> Words(const Choices<Value>& choices) {
  std::vector<std::string> words;
  for (const auto& [word, choice] : choices) words.emplace_back(word);
  return words;
}

template <typename Value>
Value ReadChoice(const std::string& option, const std::string& text,
                 const Choices<Value>& choices) {
  for (const auto& [word, choice] : choices) {
    if (text == word) return choice;
  }
  Refuse(option, absl::StrCat("\"", text, "\" is none of ", absl::StrJoin(Words(choices), ", ")));
}

// An option that takes one of several words. `value` holds the default.
template <typename Value>
void AddChoice(CLI::App& app, const std::string& name, Value& value, const Choices<Value>& choices,
               const std::string& help) {
  std::string preset;
  for (const auto& [word, choice] : choices) {
    if (choice == value) preset = word;
  }
  const auto read = [&value, &choices, name](const std::string& text) {
    value = ReadChoice(name, text, choices);
  };
  app.add_option_function<std::string>(name, read, help)
      ->type_name(absl::StrJoin(Words(choices), "|"))
      ->default_str(preset);
}

}  // namespace floodgate

#endif  // FLOODGATE_TOOLS_OPTIONS_OPTION_KINDS_H_
