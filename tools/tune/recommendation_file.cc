#include "tools/tune/recommendation_file.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tools/tune/json_fields.h"
#include "tools/tune/key_names.h"
#include "tools/tune/result_json.h"
#include "tools/tune/text_file.h"

namespace floodgate::tune {
namespace {

using Json = nlohmann::json;

constexpr Duration kSecond = Duration::Seconds(1);
constexpr Duration kMicrosecond = Duration::Microseconds(1);
constexpr int64_t kIntMost = std::numeric_limits<int>::max();

// The same error, with where it is.
absl::Status In(const std::string& where, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat("in ", where, ": ", status.message()));
}

absl::Status ReadEach(const Json& rows, const char* key,
                      const std::function<absl::Status(const Json&)>& read) {
  for (size_t i = 0; i < rows.size(); ++i) {
    absl::Status status = In(absl::StrCat("\"", key, "\"[", i, "]"), read(rows[i]));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReadSimulation(const Json& json, int64_t agents, TrialResult& result) {
  JsonFields fields(json);
  result.agents = static_cast<uint64_t>(agents);
  result.served = fields.Count("served");
  result.most = fields.TimeOrNull("time_to_99_percent_s", kSecond);
  result.all = fields.TimeOrNull("time_to_all_s", kSecond);
  result.gave_up = fields.Count("gave_up");
  result.syn_retransmits = fields.Count("syn_retransmits");
  result.accept_overflows = fields.Count("queue_overflows");
  result.queue_depth_max = fields.Count("queue_depth_max");
  if (json.is_object() && json.contains("timeline")) result.timeline = TimelineOf(fields);
  return fields.status();
}

absl::Status ReadSimulated(const Json& json, KeptRecommendation& recommendation) {
  JsonFields fields(json);
  KeptRecommendation::Simulated simulated;
  simulated.backlog = static_cast<int>(fields.Whole("backlog", 1, kIntMost));
  simulated.does_it = fields.Flag("does_it");
  const Json& together = fields.Any("together");
  const Json& parked = fields.Any("parked");
  absl::Status status = fields.status();
  const int64_t agents = recommendation.fleet.agents;
  if (status.ok())
    status = In("\"together\"", ReadSimulation(together, agents, simulated.together));
  if (status.ok()) status = In("\"parked\"", ReadSimulation(parked, agents, simulated.parked));
  if (status.ok()) recommendation.simulated.push_back(std::move(simulated));
  return status;
}

absl::Status ReadLine(const Json& json, KeptRecommendation& recommendation) {
  JsonFields fields(json);
  std::string line = fields.Text("line");
  std::string why = fields.Text("why");
  if (fields.status().ok()) recommendation.settings.push_back({std::move(line), std::move(why)});
  return fields.status();
}

absl::Status ReadBottleneck(const Json& json, KeptRecommendation& recommendation) {
  JsonFields fields(json);
  recommendation.why_not = fields.Text("why");
  for (const Json& remedy : fields.Array("remedies")) {
    if (!remedy.is_string()) {
      fields.Fail("remedies", "an array of texts");
      break;
    }
    recommendation.remedies.push_back(remedy.get<std::string>());
  }
  return fields.status();
}

absl::Status ReadTried(const Json& json, KeptRecommendation& recommendation) {
  JsonFields fields(json);
  KeptRecommendation::Storm storm;
  const Json& fleet_json = fields.Any("fleet");
  const Json& result_json = fields.Any("result");
  if (!fields.Any("fewer").is_null()) storm.fewer = fields.Text("fewer");
  storm.all_in_time = fields.Flag("all_in_time");
  storm.storm_was_limit = fields.Flag("storm_was_limit");
  if (!fields.status().ok()) return fields.status();
  const absl::StatusOr<Fleet> fleet = FleetOf(fleet_json);
  if (!fleet.ok()) return In("\"fleet\"", fleet.status());
  absl::StatusOr<TrialResult> result = ResultOf(result_json);
  if (!result.ok()) return In("\"result\"", result.status());
  storm.fleet = *fleet;
  storm.result = *std::move(result);
  recommendation.tried = std::move(storm);
  return absl::OkStatus();
}

absl::Status ReadQuestion(JsonFields& fields, KeptRecommendation& recommendation) {
  recommendation.version = fields.Text("version");
  recommendation.cores = static_cast<int>(fields.Whole("cores", 1, kIntMost));
  recommendation.cost = fields.Time("handshake_cost_us", kMicrosecond);
  recommendation.cost = recommendation.cost + fields.Time("other_cost_us", kMicrosecond);
  if (!fields.Any("handshake_measured").is_null()) {
    recommendation.key = ParseKey(fields.Text("handshake_measured"));
    if (!recommendation.key.has_value()) {
      fields.Fail("handshake_measured", "ecdsa, rsa-2048, rsa-4096 or null");
    }
  }
  recommendation.recovery = fields.Time("recovery_s", kSecond);
  recommendation.parked = fields.Time("parked_s", kSecond);
  recommendation.met = fields.Flag("met");
  return fields.status();
}

absl::Status ReadAnswer(const Json& json, JsonFields& fields, KeptRecommendation& recommendation) {
  const absl::StatusOr<Setting> setting = SettingOf(json);
  if (!setting.ok()) return setting.status();
  recommendation.setting = *setting;
  const Json& settings = fields.Array("settings");
  const Json& simulated = fields.Array("simulated");
  const Json& bottleneck = fields.Any("bottleneck");
  const Json& tried = fields.Any("tried");
  if (recommendation.met && settings.empty())
    fields.Fail("settings", "there, since \"met\" is true");
  if (!recommendation.met && bottleneck.is_null()) {
    fields.Fail("bottleneck", "there, since \"met\" is false");
  }
  absl::Status status = fields.status();
  if (status.ok()) {
    status = ReadEach(settings, "settings",
                      [&](const Json& row) { return ReadLine(row, recommendation); });
  }
  if (status.ok()) {
    status = ReadEach(simulated, "simulated",
                      [&](const Json& row) { return ReadSimulated(row, recommendation); });
  }
  if (status.ok() && !bottleneck.is_null()) {
    status = In("\"bottleneck\"", ReadBottleneck(bottleneck, recommendation));
  }
  if (status.ok() && !tried.is_null()) status = In("\"tried\"", ReadTried(tried, recommendation));
  return status;
}

absl::Status Read(const Json& json, KeptRecommendation& recommendation) {
  if (!json.is_object()) return absl::InvalidArgumentError("it must be an object: {...}");
  const absl::StatusOr<Fleet> fleet = FleetOf(json);
  if (!fleet.ok()) return fleet.status();
  recommendation.fleet = *fleet;
  JsonFields fields(json);
  absl::Status status = ReadQuestion(fields, recommendation);
  return status.ok() ? ReadAnswer(json, fields, recommendation) : status;
}

}  // namespace

absl::StatusOr<std::optional<KeptRecommendation>> ReadRecommendation(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/", kRecommendationFile);
  const absl::StatusOr<std::optional<std::string>> text = ReadTextFile(path);
  if (!text.ok()) return text.status();
  if (!text->has_value()) return std::nullopt;
  const Json json = Json::parse(**text, nullptr, /*allow_exceptions=*/false);
  KeptRecommendation recommendation;
  const absl::Status status = json.is_discarded() ? absl::InvalidArgumentError("it is no JSON")
                                                  : Read(json, recommendation);
  if (status.ok()) return recommendation;
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": ", std::string(status.message()),
      "; remove it, or let floodgate-tune recommend with this directory as --out write it anew"));
}

}  // namespace floodgate::tune
