// Faults as text, options as text, and what a reload makes of them. Reading is in config_reader.cc.
#include "core/config.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/config_keys.h"

namespace floodgate {
std::string ConfigFault::ToString() const {
  std::string text = file;
  if (line > 0) absl::StrAppend(&text, ":", line, ":", column);
  if (!text.empty()) text += ": ";
  if (!key.empty()) absl::StrAppend(&text, key, ": ");
  text += problem;
  if (!remedy.empty()) absl::StrAppend(&text, "; ", remedy);
  return text;
}

bool ConfigResult::Certain(const std::string& key) const {
  return is_toml && !doubtful.contains(key) && !doubtful.contains(key.substr(0, key.find('.')));
}

ConfigFault ConfigResult::FaultOf(const std::string& key, std::string problem,
                                  std::string remedy) const {
  ConfigFault fault{
      .file = file, .key = key, .problem = std::move(problem), .remedy = std::move(remedy)};
  // Where the option was set, else where its section begins, else the file at large.
  auto at = places.find(key);
  if (at == places.end()) at = places.find(key.substr(0, key.find('.')));
  if (at == places.end()) return fault;
  fault.file = at->second.file;
  fault.line = at->second.line;
  fault.column = at->second.column;
  return fault;
}

std::string WriteConfig(const Options& options) {
  std::string text;
  absl::string_view section;
  for (const ConfigKey& key : Keys()) {
    if (key.section != section) {
      section = key.section;
      absl::StrAppend(&text, text.empty() ? "" : "\n");
      if (HasSection(options, section)) {
        absl::StrAppend(&text, "[", section, "]\n");
      } else {
        absl::StrAppend(&text, "# [", section, "] is absent\n");
      }
    }
    if (!HasSection(options, section)) continue;
    absl::StrAppend(&text, key.name, " = ", key.write(options), "\n");
  }
  return text;
}

std::vector<KeyChange> Compare(const Options& running, const Options& wanted) {
  std::vector<KeyChange> changes;
  std::set<absl::string_view> told;
  for (const ConfigKey& key : Keys()) {
    const bool here = HasSection(running, key.section);
    const bool there = HasSection(wanted, key.section);
    if (here != there) {
      if (told.insert(key.section).second) {
        changes.push_back({.key = std::string(key.section), .live = false});
      }
    } else if (here && key.write(running) != key.write(wanted)) {
      changes.push_back({.key = key.full_name(), .live = key.live});
    }
  }
  return changes;
}

Options WithLiveKeys(const Options& running, const Options& wanted) {
  Options merged = running;
  for (const ConfigKey& key : Keys()) {
    if (!key.live || !HasSection(running, key.section) || !HasSection(wanted, key.section))
      continue;
    key.copy(wanted, merged);
  }
  return merged;
}

std::vector<std::string> ConfigKeys() {
  std::vector<std::string> names;
  for (const ConfigKey& key : Keys()) names.push_back(key.full_name());
  return names;
}

}  // namespace floodgate
