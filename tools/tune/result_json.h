// A trial's result as JSON: in the files of records.h, and in what the commands print.
#ifndef FLOODGATE_TOOLS_TUNE_RESULT_JSON_H_
#define FLOODGATE_TOOLS_TUNE_RESULT_JSON_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/tune/json_fields.h"
#include "tools/tune/trial.h"

namespace floodgate::tune {

// In that unit; null: nullopt.
nlohmann::ordered_json TimeOrNull(const std::optional<Duration>& time, Duration unit);

// The keys are in docs/tuning.md, "sweep". Seconds and milliseconds are floating point, exact to
// the nanosecond; null where the result has nothing. The timeline is an array of
// [seconds, queue depth, served].
nlohmann::ordered_json ToJson(const TrialResult& result);
nlohmann::ordered_json ToJson(const Setting& setting);
// agents, patience, retry.
nlohmann::ordered_json ToJson(const Fleet& fleet);

nlohmann::ordered_json TimelineJson(const std::vector<TrialMoment>& timeline);

// From an object that holds at least the keys that ToJson writes. InvalidArgument: the message
// names the key and what it must be.
absl::StatusOr<TrialResult> ResultOf(const nlohmann::json& json);
// Of the key "timeline".
std::vector<TrialMoment> TimelineOf(JsonFields& fields);
absl::StatusOr<Setting> SettingOf(const nlohmann::json& json);
absl::StatusOr<Fleet> FleetOf(const nlohmann::json& json);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_RESULT_JSON_H_
