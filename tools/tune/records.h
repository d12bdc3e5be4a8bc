// The directory of a sweep and what else is tried out: its files, line by line JSON, so that a run
// that was broken off can go on and a report can be made of what there is.
//
//   trials.jsonl       first a line "plan" (Plan below), then a line "trial" for each trial done
//   comparisons.jsonl  a line "comparison" for each setting predicted and measured
//
// A line is {"plan": {...}} and so on; the keys are in docs/tuning.md, "sweep".
// A last line without its newline was cut off by a crash; it is ignored, and written again.
#ifndef FLOODGATE_TOOLS_TUNE_RECORDS_H_
#define FLOODGATE_TOOLS_TUNE_RECORDS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/tune/trial.h"

namespace floodgate::tune {

// What a sweep is to try, and where. Two sweeps into one directory must have the same.
struct Plan {
  Fleet fleet;
  int cores = 1;
  KeyKind key = KeyKind::kEcdsaP256;
  Duration limit;
  std::vector<int> backlogs, drain_rates, handshakes;  // each combination is a setting
  int runs = 1;                                        // of each setting
  // Of this host; not compared.
  std::string version, kernel, processor, started;  // started: RFC 3339, UTC
  int64_t somaxconn = 0;
  int host_cores = 0;
};

struct Trial {
  Setting setting;
  int run = 1;  // 1 to Plan::runs
  TrialResult result;
};

// A setting predicted and measured.
struct Comparison {
  Setting setting;
  Fleet fleet;
  int cores = 1;
  KeyKind key = KeyKind::kEcdsaP256;
  Duration handshake_cost;  // what the prediction reckoned with
  TrialResult measured;
  TrialResult predicted;  // without controller figures and CPU times
};

struct Records {
  std::optional<Plan> plan;
  std::vector<Trial> trials;
  std::vector<Comparison> comparisons;
};

// What is in the directory; empty if there is nothing. InvalidArgument: a file is not of this
// format; the message names file and line.
absl::StatusOr<Records> ReadRecords(const std::string& directory);

// Append one line and sync it. The directory must be there.
absl::Status AppendPlan(const std::string& directory, const Plan& plan);
absl::Status AppendTrial(const std::string& directory, const Trial& trial);
absl::Status AppendComparison(const std::string& directory, const Comparison& comparison);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_RECORDS_H_
