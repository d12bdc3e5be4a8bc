// floodgate-storm as a process, and its JSON.
#ifndef FLOODGATE_TESTS_TOOLS_STORM_PROCESS_H_
#define FLOODGATE_TESTS_TOOLS_STORM_PROCESS_H_

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/child_process.h"

namespace floodgate::tools {

std::vector<std::string> StormCommand(std::vector<std::string> arguments);

struct StormRun {
  int exit_code = -1;
  nlohmann::json json;
  std::string errors;

  uint64_t Count(const std::string& key) const { return json.at(key).get<uint64_t>(); }
  // Only the outcomes that occurred: {{"served", 10}}.
  std::map<std::string, uint64_t> Outcomes() const;
  uint64_t LatencyCount(const std::string& phase) const;
};

// Runs `floodgate-storm --json ARGUMENTS` to its end and checks what holds of every run: attempts
// are the sum of all outcomes, histograms count what the counters count, percentiles do not fall.
StormRun RunStorm(const std::vector<std::string>& arguments);
StormRun ReadStorm(int exit_code, const std::string& output, const std::string& errors);

}  // namespace floodgate::tools

#endif  // FLOODGATE_TESTS_TOOLS_STORM_PROCESS_H_
