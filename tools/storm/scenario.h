// Scenarios: options from a file.
#ifndef FLOODGATE_TOOLS_STORM_SCENARIO_H_
#define FLOODGATE_TOOLS_STORM_SCENARIO_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace floodgate::storm {

// One line of a scenario as the command line would have it.
struct ScenarioOption {
  std::string name;      // "retry-base"; "target" for what has no name there
  std::string argument;  // "--retry-base=1s"; "127.0.0.1:17070"
  std::string place;     // "cold-start.toml:3:1", of the key
  bool applies = true;   // false: a flag that the scenario leaves down
};

// Reads a TOML file of keys and strings, numbers or booleans (for flags); "target" may be an array
// of strings. Names and values are not judged. InvalidArgument: file, line, column and what is
// wrong.
absl::StatusOr<std::vector<ScenarioOption>> LoadScenario(const std::string& path);

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_SCENARIO_H_
