// A configuration that a test writes, key by key.
#ifndef FLOODGATE_TESTS_E2E_CONFIG_H_
#define FLOODGATE_TESTS_E2E_CONFIG_H_

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace floodgate::e2e {

class Config {
 public:
  // `key` is "section.key", `value` as TOML has it: `"text"`, `5`, `["a", "b"]`.
  Config& Set(const std::string& key, const std::string& value) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(key, absl::MaxSplits('.', 1));
    sections_[parts.first][parts.second] = value;
    return *this;
  }
  Config& SetText(const std::string& key, const std::string& text) {
    return Set(key, absl::StrCat("\"", text, "\""));
  }
  Config& RemoveSection(const std::string& section) {
    sections_.erase(section);
    return *this;
  }

  std::string ToToml() const {
    std::string text;
    for (const auto& [section, keys] : sections_) {
      absl::StrAppend(&text, "[", section, "]\n");
      for (const auto& [key, value] : keys) absl::StrAppend(&text, key, " = ", value, "\n");
    }
    return text;
  }

 private:
  std::map<std::string, std::map<std::string, std::string>> sections_;
};

}  // namespace floodgate::e2e

#endif  // FLOODGATE_TESTS_E2E_CONFIG_H_
