// The table of options: each is described once, and reading, writing and comparing follow from it.
#ifndef FLOODGATE_CORE_CONFIG_KEYS_H_
#define FLOODGATE_CORE_CONFIG_KEYS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/options.h"

namespace toml {
inline namespace v3 {
class node;
}
}  // namespace toml

namespace floodgate {

// What is wrong with a value.
struct ValueFault {
  std::string problem;  // empty: nothing
  std::string remedy;
  // Where in the text, 1 and up, if it is an element of the value; 0 = the value itself.
  int line = 0;
  int column = 0;

  bool ok() const { return problem.empty(); }
};
using ValueFaults = std::vector<ValueFault>;  // empty: nothing is wrong

struct ConfigKey {
  absl::string_view section;
  absl::string_view name;
  // For people: what may be written, with its range. "duration, 0s to 8760h"
  std::string type;
  bool live = false;  // a reload puts it in force; else it waits for a restart
  // Puts the value into the options; with any fault they stay as they were. REQUIRES: the section
  // is there, if it is one that may be absent.
  std::function<ValueFaults(const toml::node& value, Options& options)> read;
  // The value as TOML.
  std::function<std::string(const Options& options)> write;
  // Takes over the value of `from`.
  std::function<void(const Options& from, Options& to)> copy;

  std::string full_name() const;
};

// In the order in which they are written.
const std::vector<ConfigKey>& Keys();

// Sections that may be absent: "controller" and "tls".
bool IsOptionalSection(absl::string_view section);
bool HasSection(const Options& options, absl::string_view section);
void AddSection(Options& options, absl::string_view section);

}  // namespace floodgate

#endif  // FLOODGATE_CORE_CONFIG_KEYS_H_
