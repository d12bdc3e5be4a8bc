// Configuration: TOML text to options and back. Pure: whoever calls it reads the files. Meaning,
// units and ranges of each option are in docs/configuration.md.
#ifndef FLOODGATE_CORE_CONFIG_H_
#define FLOODGATE_CORE_CONFIG_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/options.h"

namespace floodgate {

// One thing that is wrong.
struct ConfigFault {
  std::string file;  // as the caller named it, or "--set"
  int line = 0;      // 1 and up; 0 where there is no text to point at
  int column = 0;
  std::string key;      // "limits.delay"; a section; or empty
  std::string problem;  // what is wrong
  std::string remedy;   // what would be right

  // "FILE:LINE:COLUMN: KEY: what is wrong; what would be right"
  std::string ToString() const;
};

// Where something stands.
struct ConfigPlace {
  std::string file;  // as the caller named it, or "--set"
  int line = 0;      // 1 and up; 0 where there is no text to point at
  int column = 0;
};

struct ConfigResult {
  Options options;                  // usable only if there are no faults
  std::vector<ConfigFault> faults;  // every one that there is, in the order of the text
  // Sections ("tls") and options ("tls.certificate") that are set, and where they were set last.
  std::map<std::string, ConfigPlace> places;
  // Sections and options whose value in `options` is not what was meant: each has a fault, or is
  // what a misspelt name probably stands for.
  std::set<std::string> doubtful;
  bool is_toml = true;  // else nobody knows what the text says

  // Whether `key` ("section.option") has the value that was meant.
  bool Certain(const std::string& key) const;
  // A fault of `key`, which turned out when its value was used: where it stands, as far as known.
  ConfigFault FaultOf(const std::string& key, std::string problem, std::string remedy) const;

  std::string file;  // as the caller named it
};

// Reads `text` (TOML 1.0), which faults call `file`, and then `sets`, each "section.key=value" and
// over the text; a value that is not TOML is taken as a string, so that no shell quoting is needed.
ConfigResult ReadConfig(absl::string_view text, absl::string_view file,
                        absl::Span<const std::string> sets);

// TOML text with every option in it, defaults too, that ReadConfig reads back as the same options.
// A section that is absent is written as a comment.
std::string WriteConfig(const Options& options);

// An option in which two configurations differ.
struct KeyChange {
  std::string key;
  bool live = false;  // takes effect on a reload; else it waits for a restart
};
std::vector<KeyChange> Compare(const Options& running, const Options& wanted);

// `running` with those options of `wanted` that can change live.
Options WithLiveKeys(const Options& running, const Options& wanted);

// "section.key" of every option that there is.
std::vector<std::string> ConfigKeys();

}  // namespace floodgate

#endif  // FLOODGATE_CORE_CONFIG_H_
