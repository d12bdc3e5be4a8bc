#include "core/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/config_keys.h"
#include "core/config_rules.h"

namespace floodgate {
namespace {

constexpr absl::string_view kSetFile = "--set";

// Edit distance (Levenshtein), to guess what a misspelt name was meant to be.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

template <typename Names>
std::string Suggest(absl::string_view name, const Names& names) {
  std::string list;
  std::string nearest;
  size_t least = 3;  // More than two wrong letters is another word.
  for (const absl::string_view candidate : names) {
    absl::StrAppend(&list, list.empty() ? "" : ", ", candidate);
    const size_t distance = Distance(name, candidate);
    if (distance < least) {
      least = distance;
      nearest = std::string(candidate);
    }
  }
  if (!nearest.empty()) return absl::StrCat("did you mean ", nearest, "?");
  return absl::StrCat("there are ", list);
}

class Reader {
 public:
  Reader(absl::string_view file, ConfigResult& result) : file_(file), result_(result) {
    SetDefaults(result_.options);
  }

  void ReadText(absl::string_view text) {
    try {
      const toml::table root = toml::parse(std::string(text), std::string(file_));
      ReadRoot(root);
    } catch (const toml::parse_error& error) {
      const toml::source_position at = error.source().begin;
      AddFault(at, "", absl::StrCat("not TOML: ", std::string(error.description())),
               "the rest of the file was not looked at");
    }
  }

  void ReadSet(const std::string& set) {
    file_ = std::string(kSetFile);
    const size_t equals = set.find('=');
    const size_t dot = set.find('.');
    if (equals == std::string::npos || dot == std::string::npos || dot > equals) {
      return AddFault({}, "", absl::StrCat("\"", set, "\" is no setting"),
                      "expected section.key=value");
    }
    const std::string section = set.substr(0, dot);
    const std::string name = set.substr(dot + 1, equals - dot - 1);
    if (!KnownSection(section, {})) return;
    AddSection(result_.options, section);
    const std::string value = set.substr(equals + 1);
    try {
      const toml::table parsed = toml::parse(absl::StrCat("value = ", value));
      if (parsed.size() == 1) return ReadKey(section, name, *parsed.get("value"), {});
    } catch (const toml::parse_error&) {  // A bare string, for which no shell need quote.
    }
    const toml::value<std::string> text(value);
    ReadKey(section, name, text, {});
  }

  void CheckRules() {
    for (const RuleFault& fault : BrokenRules(result_.options)) {
      // Where its value came from, or its section, or nowhere if it is a default.
      auto at = places_.find(fault.key);
      if (at == places_.end()) at = places_.find(fault.key.substr(0, fault.key.find('.')));
      const Place place = at == places_.end() ? Place{std::string(file_), {}} : at->second;
      file_ = place.file;
      AddFault(place.at, fault.key, fault.problem, fault.remedy);
    }
  }

 private:
  struct Place {
    std::string file;
    toml::source_position at;
  };

  static void SetDefaults(Options& options) {
    options.agent.listen = {*Endpoint::Parse("[::]:17070")};
    options.backend.address = *Endpoint::Parse("127.0.0.1:17072");
    options.admin.listen = *Endpoint::Parse("unix:/run/floodgate/admin.sock");
  }

  void AddFault(toml::source_position at, absl::string_view key, std::string problem,
                std::string remedy) {
    result_.faults.push_back({.file = std::string(file_),
                              .line = static_cast<int>(at.line),
                              .column = static_cast<int>(at.column),
                              .key = std::string(key),
                              .problem = std::move(problem),
                              .remedy = std::move(remedy)});
  }

  bool KnownSection(absl::string_view name, toml::source_position at) {
    std::set<absl::string_view> sections;
    for (const ConfigKey& key : Keys()) sections.insert(key.section);
    if (sections.count(name) > 0) return true;
    AddFault(at, name, "there is no such section", Suggest(name, sections));
    return false;
  }

  void ReadRoot(const toml::table& root) {
    for (const auto& [key, node] : root) {
      const std::string section(key.str());
      if (!KnownSection(section, key.source().begin)) continue;
      places_[section] = {std::string(file_), key.source().begin};
      if (!node.is_table()) {
        AddFault(node.source().begin, section, "is a value",
                 absl::StrCat("expected a section, [", section, "]"));
        continue;
      }
      AddSection(result_.options, section);
      for (const auto& [name, value] : *node.as_table()) {
        ReadKey(section, std::string(name.str()), value, name.source().begin);
      }
    }
  }

  void ReadKey(const std::string& section, const std::string& name, const toml::node& value,
               toml::source_position key_at) {
    std::vector<absl::string_view> names;
    for (const ConfigKey& key : Keys()) {
      if (key.section != section) continue;
      if (key.name != name) {
        names.push_back(key.name);
        continue;
      }
      const toml::source_position at = key_at.line == 0 ? key_at : value.source().begin;
      places_[key.full_name()] = {std::string(file_), at};
      for (ValueFault& fault : key.read(value, result_.options)) {
        toml::source_position place = at;
        if (at.line > 0 && fault.line > 0) {
          place = {static_cast<toml::source_index>(fault.line),
                   static_cast<toml::source_index>(fault.column)};
        }
        AddFault(place, key.full_name(), std::move(fault.problem), std::move(fault.remedy));
      }
      return;
    }
    AddFault(key_at, absl::StrCat(section, ".", name), "there is no such option",
             Suggest(name, names));
  }

  std::string file_;
  ConfigResult& result_;
  std::map<std::string, Place> places_;
};

}  // namespace

std::string ConfigFault::ToString() const {
  std::string text = file;
  if (line > 0) absl::StrAppend(&text, ":", line, ":", column);
  if (!text.empty()) text += ": ";
  if (!key.empty()) absl::StrAppend(&text, key, ": ");
  text += problem;
  if (!remedy.empty()) absl::StrAppend(&text, "; ", remedy);
  return text;
}

ConfigResult ReadConfig(absl::string_view text, absl::string_view file,
                        absl::Span<const std::string> sets) {
  ConfigResult result;
  Reader reader(file, result);
  reader.ReadText(text);
  for (const std::string& set : sets) reader.ReadSet(set);
  // Relations between values mean something only when the values do.
  if (result.faults.empty()) reader.CheckRules();
  std::stable_sort(result.faults.begin(), result.faults.end(),
                   [](const ConfigFault& a, const ConfigFault& b) {
                     if (a.file != b.file) return b.file == kSetFile;
                     return std::pair(a.line, a.column) < std::pair(b.line, b.column);
                   });
  return result;
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
