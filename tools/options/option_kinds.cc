#include "tools/options/option_kinds.h"

#include <algorithm>
#include <optional>

#include "core/duration.h"

namespace floodgate {

void Refuse(const std::string& option, const std::string& why) {
  throw CLI::ValidationError(option, why);
}

void AddPercent(CLI::App& app, const std::string& name, int& value, const std::string& help) {
  app.add_option(name, value, help)
      ->type_name("PERCENT")
      ->check(CLI::Range(0, 100).description(""));
}

void AddDuration(CLI::App& app, const std::string& name, Duration& value, const std::string& help) {
  const auto read = [&value, name](const std::string& text) {
    const std::optional<Duration> duration = ParseDuration(text);
    if (!duration.has_value()) {
      Refuse(name, absl::StrCat("\"", text, "\" is no duration; write 250ms, 2s or 1m30s"));
    }
    value = *duration;
  };
  app.add_option_function<std::string>(name, read, help)
      ->type_name("DURATION")
      ->default_str(FormatDuration(value));
}

void AddToken(CLI::App& app, const std::string& name, std::string& value, const std::string& help) {
  const auto check = [](const std::string& text) -> std::string {
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(),
                                                    [](char c) { return c > ' ' && c < 0x7f; });
    return plain ? "" : "must be printable ASCII without spaces";
  };
  app.add_option(name, value, help)->type_name("TEXT")->check(check, "")->capture_default_str();
}

}  // namespace floodgate
