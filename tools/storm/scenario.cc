#include "tools/storm/scenario.h"

#include <toml++/toml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace floodgate::storm {
namespace {

constexpr absl::string_view kTarget = "target";

std::string PlaceOf(const std::string& path, const toml::source_position& at) {
  return absl::StrCat(path, ":", at.line, ":", at.column);
}

// What a value is on the command line. nullopt: nothing there is like it.
std::optional<std::string> Text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return absl::StrCat(number->get());
  if (const auto* number = node.as_floating_point()) return absl::StrFormat("%.17g", number->get());
  return std::nullopt;
}

absl::Status WrongValue(const std::string& place, const std::string& name) {
  return absl::InvalidArgumentError(
      absl::StrCat(place, ": ", name, " must be a string, a number or true or false",
                   name == kTarget ? ", or an array of strings" : ""));
}

absl::Status Append(const std::string& path, const std::string& name, const std::string& place,
                    const toml::node& node, std::vector<ScenarioOption>& options) {
  if (name == kTarget && node.is_array()) {
    for (const toml::node& item : *node.as_array()) {
      const std::string at = PlaceOf(path, item.source().begin);
      if (!item.is_string()) return WrongValue(at, name);
      options.push_back({name, item.as_string()->get(), at});
    }
    return absl::OkStatus();
  }
  if (const auto* flag = node.as_boolean()) {
    options.push_back({name, absl::StrCat("--", name), place, flag->get()});
    return absl::OkStatus();
  }
  std::optional<std::string> text = Text(node);
  if (!text.has_value()) return WrongValue(place, name);
  options.push_back(
      {name, name == kTarget ? *std::move(text) : absl::StrCat("--", name, "=", *text), place});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<ScenarioOption>> LoadScenario(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  if (!file || !(text << file.rdbuf())) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " cannot be read: ", std::strerror(errno)));
  }
  try {
    const toml::table root = toml::parse(text.str(), path);
    std::vector<ScenarioOption> options;
    for (const auto& [key, node] : root) {
      const std::string name(key.str());
      const absl::Status status =
          Append(path, name, PlaceOf(path, key.source().begin), node, options);
      if (!status.ok()) return status;
    }
    return options;
  } catch (const toml::parse_error& error) {
    return absl::InvalidArgumentError(absl::StrCat(
        PlaceOf(path, error.source().begin), ": not TOML: ", std::string(error.description())));
  }
}

}  // namespace floodgate::storm
