// Kinds of options of a command line, for all programs here. What is wrong with a value is thrown
// as CLI::ParseError.
#ifndef FLOODGATE_TOOLS_OPTIONS_OPTION_KINDS_H_
#define FLOODGATE_TOOLS_OPTIONS_OPTION_KINDS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

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

// A number from `least` to `most`.
template <typename Number>
CLI::Option* AddNumber(CLI::App& app, const std::string& name, Number& value, Number least,
                       Number most, const std::string& help) {
  return app.add_option(name, value, help)
      ->type_name(absl::StrCat("N (", least, " to ", most, ")"))
      ->check(CLI::Range(least, most).description(""));
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
