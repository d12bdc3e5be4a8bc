// ReadConfig: walks the TOML, hands each value to its option, collects what is wrong.
#include <toml++/toml.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/config.h"
#include "core/config_keys.h"
#include "core/config_rules.h"
#include "core/config_values.h"

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

// The name that `name` was probably meant to be; empty if it is another word than all of them.
absl::string_view Nearest(absl::string_view name, const std::vector<absl::string_view>& names) {
  constexpr size_t kWrongLettersMax = 2;
  absl::string_view nearest;
  size_t least = kWrongLettersMax + 1;
  for (const absl::string_view candidate : names) {
    // Whole lines of text are no misspelt names, and would take long to compare.
    if (name.size() > candidate.size() + kWrongLettersMax) continue;
    const size_t distance = Distance(name, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

std::string Suggestion(absl::string_view nearest, const std::vector<absl::string_view>& names) {
  if (!nearest.empty()) return absl::StrCat("did you mean ", nearest, "?");
  return absl::StrCat("there are ", absl::StrJoin(names, ", "));
}

// In alphabetical order.
std::vector<absl::string_view> SectionNames() {
  std::set<absl::string_view> sections;
  for (const ConfigKey& key : Keys()) sections.insert(key.section);
  return {sections.begin(), sections.end()};
}

std::vector<absl::string_view> KeyNames(absl::string_view section) {
  std::vector<absl::string_view> names;
  for (const ConfigKey& key : Keys()) {
    if (key.section == section) names.push_back(key.name);
  }
  return names;
}

const ConfigKey* FindKey(absl::string_view section, absl::string_view name) {
  for (const ConfigKey& key : Keys()) {
    if (key.section == section && key.name == name) return &key;
  }
  return nullptr;
}

// abseil's string_view is another type than std's in this build of it.
absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

// A fault is one line, whatever the file holds: control bytes become \x0A.
std::string OneLine(absl::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&line, "\\x%02X", byte);
    } else {
      line += c;
    }
  }
  return line;
}

class Reader {
 public:
  Reader(absl::string_view file, ConfigResult& result) : file_(file), result_(result) {
    result_.file = std::string(file);
    SetDefaults(result_.options);
  }

  void ReadFile(absl::string_view text);
  void ReadSet(absl::string_view set);
  // REQUIRES: called last. Tells what options are to each other, but not what follows from a fault
  // that has been told already.
  void CheckRules();

 private:
  struct Place {
    absl::string_view file;
    toml::source_position at;  // line 0: nowhere in a text
  };

  static void SetDefaults(Options& options);
  void AddFault(const Place& place, absl::string_view key, absl::string_view problem,
                absl::string_view remedy);
  void ReadRoot(const toml::table& root);
  bool KnownSection(absl::string_view section, const Place& place);
  // Null, and a fault: there is none.
  const ConfigKey* KnownKey(absl::string_view section, absl::string_view name, const Place& place);
  // `place` is the value's.
  void ReadValue(const ConfigKey& key, const toml::node& value, const Place& place);
  void AddFaults(const ConfigKey& key, const ValueFaults& faults, const Place& place);
  void SetPlace(const std::string& name, const Place& place);
  bool FollowsFromFault(const RuleFault& rule) const;

  const absl::string_view file_;
  ConfigResult& result_;
};

void Reader::SetDefaults(Options& options) {
  options.agent.listen = {*Endpoint::Parse("[::]:17070")};
  options.backend.address = *Endpoint::Parse("127.0.0.1:17072");
  options.admin.listen = *Endpoint::Parse("unix:/run/floodgate/admin.sock");
}

void Reader::AddFault(const Place& place, absl::string_view key, absl::string_view problem,
                      absl::string_view remedy) {
  result_.faults.push_back({.file = std::string(place.file),
                            .line = static_cast<int>(place.at.line),
                            .column = static_cast<int>(place.at.column),
                            .key = OneLine(key),
                            .problem = OneLine(problem),
                            .remedy = OneLine(remedy)});
}

void Reader::SetPlace(const std::string& name, const Place& place) {
  result_.places[name] = {.file = std::string(place.file),
                          .line = static_cast<int>(place.at.line),
                          .column = static_cast<int>(place.at.column)};
}

void Reader::ReadFile(absl::string_view text) {
  try {
    const toml::table root = toml::parse(std::string(text), std::string(file_));
    ReadRoot(root);
  } catch (const toml::parse_error& error) {
    result_.is_toml = false;
    AddFault({file_, error.source().begin}, "",
             absl::StrCat("not TOML: ", std::string(error.description())),
             "the rest of the file was not looked at");
  }
}

void Reader::ReadRoot(const toml::table& root) {
  for (const auto& [key, node] : root) {
    const absl::string_view section = View(key.str());
    const Place place{file_, key.source().begin};
    if (!node.is_table()) {
      // Most often an option above the first section, which TOML puts into none.
      std::vector<std::string> homes;
      for (const ConfigKey& known : Keys()) {
        if (known.name == section) homes.push_back(absl::StrCat("[", known.section, "]"));
      }
      if (!homes.empty()) {
        AddFault(place, section, "stands outside of any section",
                 absl::StrCat("expected it below ", absl::StrJoin(homes, " or ")));
        continue;
      }
    }
    if (!KnownSection(section, place)) continue;
    SetPlace(std::string(section), place);
    if (!node.is_table()) {
      result_.doubtful.insert(std::string(section));
      AddFault(place, section, absl::StrCat("is ", TypeOf(node)),
               absl::StrCat("expected a section, [", section, "]"));
      continue;
    }
    AddSection(result_.options, section);
    for (const auto& [name, value] : *node.as_table()) {
      const ConfigKey* found = KnownKey(section, View(name.str()), {file_, name.source().begin});
      if (found != nullptr) ReadValue(*found, value, {file_, value.source().begin});
    }
  }
}

bool Reader::KnownSection(absl::string_view section, const Place& place) {
  const std::vector<absl::string_view> sections = SectionNames();
  if (std::find(sections.begin(), sections.end(), section) != sections.end()) return true;
  const absl::string_view nearest = Nearest(section, sections);
  result_.doubtful.insert(std::string(nearest));
  AddFault(place, Shortened(section), "there is no such section", Suggestion(nearest, sections));
  return false;
}

const ConfigKey* Reader::KnownKey(absl::string_view section, absl::string_view name,
                                  const Place& place) {
  const ConfigKey* key = FindKey(section, name);
  if (key != nullptr) return key;
  const std::vector<absl::string_view> names = KeyNames(section);
  const absl::string_view nearest = Nearest(name, names);
  if (!nearest.empty()) result_.doubtful.insert(absl::StrCat(section, ".", nearest));
  std::string remedy = Suggestion(nearest, names);
  if (nearest.empty()) {
    for (const absl::string_view other : SectionNames()) {
      if (FindKey(other, name) != nullptr)
        remedy = absl::StrCat("did you mean ", other, ".", name, "?");
    }
  }
  AddFault(place, absl::StrCat(section, ".", Shortened(name)), "there is no such option", remedy);
  return nullptr;
}

void Reader::ReadValue(const ConfigKey& key, const toml::node& value, const Place& place) {
  SetPlace(key.full_name(), place);
  AddFaults(key, key.read(value, result_.options), place);
}

void Reader::AddFaults(const ConfigKey& key, const ValueFaults& faults, const Place& place) {
  for (const ValueFault& fault : faults) {
    Place at = place;
    // A setting of the command line is no text to point into.
    if (place.at.line > 0 && fault.line > 0) {
      at.at = {static_cast<toml::source_index>(fault.line),
               static_cast<toml::source_index>(fault.column)};
    }
    AddFault(at, key.full_name(), fault.problem, fault.remedy);
  }
  if (faults.empty()) {
    result_.doubtful.erase(key.full_name());
  } else {
    result_.doubtful.insert(key.full_name());
  }
}

// A table of one, "value"; empty if `value` is not TOML, or more than one value.
toml::table ParseValue(absl::string_view value) {
  try {
    toml::table parsed = toml::parse(absl::StrCat("value = ", value));
    if (parsed.size() == 1) return parsed;
  } catch (const toml::parse_error&) {
    // Not TOML is an answer here, not a fault.
  }
  return {};
}

void Reader::ReadSet(absl::string_view set) {
  const Place place{kSetFile, {}};
  const size_t equals = set.find('=');
  const size_t dot = set.find('.');
  if (equals == absl::string_view::npos || dot == absl::string_view::npos || dot > equals) {
    return AddFault(place, "", absl::StrCat(Quoted(set), " is no setting"),
                    "expected section.key=value");
  }
  const absl::string_view section = set.substr(0, dot);
  if (!KnownSection(section, place)) return;
  const ConfigKey* key = KnownKey(section, set.substr(dot + 1, equals - dot - 1), place);
  if (key == nullptr) return;
  AddSection(result_.options, section);
  SetPlace(key->full_name(), place);

  const absl::string_view value = set.substr(equals + 1);
  const toml::table parsed = ParseValue(value);
  // As a string, so that no shell needs quotes. In quotes it is not TOML only if it is not UTF-8.
  const toml::table text = ParseValue(WriteText(value));
  if (text.empty()) {
    return AddFaults(*key, {{"is not UTF-8", "expected text in UTF-8"}}, place);
  }
  if (parsed.empty()) return AddFaults(*key, key->read(*text.get("value"), result_.options), place);
  ValueFaults faults = key->read(*parsed.get("value"), result_.options);
  // tls.min_version=1.3 and gate.self_id=0 are TOML, but of another type than was meant.
  if (!faults.empty() && key->read(*text.get("value"), result_.options).empty()) faults.clear();
  AddFaults(*key, faults, place);
}

bool Reader::FollowsFromFault(const RuleFault& rule) const {
  if (!result_.is_toml || result_.doubtful.count(rule.key) > 0) return true;
  return std::any_of(rule.involved.begin(), rule.involved.end(),
                     [this](const std::string& name) { return result_.doubtful.count(name) > 0; });
}

void Reader::CheckRules() {
  std::set<std::string> broken;
  for (const RuleFault& rule : BrokenRules(result_.options)) {
    if (FollowsFromFault(rule)) continue;
    broken.insert(rule.key);
    result_.faults.push_back(
        result_.FaultOf(rule.key, OneLine(rule.problem), OneLine(rule.remedy)));
  }
  // Only now: what two rules say of one option is told both times.
  result_.doubtful.merge(broken);
}

}  // namespace

ConfigResult ReadConfig(absl::string_view text, absl::string_view file,
                        absl::Span<const std::string> sets) {
  ConfigResult result;
  Reader reader(file, result);
  reader.ReadFile(text);
  for (const std::string& set : sets) reader.ReadSet(set);
  reader.CheckRules();
  std::stable_sort(result.faults.begin(), result.faults.end(),
                   [](const ConfigFault& a, const ConfigFault& b) {
                     if (a.file != b.file) return b.file == kSetFile;
                     return std::pair(a.line, a.column) < std::pair(b.line, b.column);
                   });
  return result;
}

}  // namespace floodgate
