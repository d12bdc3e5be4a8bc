#include "tools/tune/result_json.h"

#include <limits>
#include <optional>
#include <string>

#include "floodgate/backoff_text.h"
#include "tools/sim/choices.h"

namespace floodgate::tune {
namespace {

using Json = nlohmann::ordered_json;

constexpr Duration kSecond = Duration::Seconds(1);
constexpr Duration kMillisecond = Duration::Milliseconds(1);
constexpr int64_t kIntMost = std::numeric_limits<int>::max();

constexpr char kTimeline[] = "timeline";

template <typename Number>
Json NumberOrNull(const std::optional<Number>& number) {
  return number.has_value() ? Json(*number) : Json();
}

// A row of a timeline. nullopt: it is none.
std::optional<TrialMoment> MomentOf(const nlohmann::json& row) {
  const bool good = row.is_array() && row.size() == 3 && row[0].is_number() &&
                    row[1].is_number_unsigned() && row[2].is_number_unsigned();
  if (!good) return std::nullopt;
  const nlohmann::json at = {{kTimeline, row[0]}};
  JsonFields time(at);
  const TrialMoment moment{.at = time.Time(kTimeline, kSecond),
                           .queue_depth = row[1].get<uint64_t>(),
                           .served = row[2].get<uint64_t>()};
  if (!time.status().ok()) return std::nullopt;
  return moment;
}

}  // namespace

Json TimeOrNull(const std::optional<Duration>& time, Duration unit) {
  if (!time.has_value()) return {};
  return static_cast<double>(time->ns) / static_cast<double>(unit.ns);
}

Json TimelineJson(const std::vector<TrialMoment>& timeline) {
  Json rows = Json::array();
  for (const TrialMoment& moment : timeline) {
    rows.push_back({moment.at.seconds(), moment.queue_depth, moment.served});
  }
  return rows;
}

Json ToJson(const TrialResult& result) {
  return {{"agents", result.agents},
          {"served", result.served},
          {"time_to_50_percent_s", TimeOrNull(result.half, kSecond)},
          {"time_to_99_percent_s", TimeOrNull(result.most, kSecond)},
          {"time_to_all_s", TimeOrNull(result.all, kSecond)},
          {"attempts", result.attempts},
          {"gave_up", result.gave_up},
          {"accept_overflows", result.accept_overflows},
          {"syn_retransmits", result.syn_retransmits},
          {"stale", result.stale},
          {"wasted_handshakes", result.wasted_handshakes},
          {"queue_depth_max", result.queue_depth_max},
          {"controller_tries", NumberOrNull(result.controller_tries)},
          {"controller_p50_ms", TimeOrNull(result.controller_p50, kMillisecond)},
          {"controller_p99_ms", TimeOrNull(result.controller_p99, kMillisecond)},
          {"daemon_cpu_s", TimeOrNull(result.daemon_cpu, kSecond)},
          {"storm_cpu_share", NumberOrNull(result.storm_cpu_share)},
          {kTimeline, TimelineJson(result.timeline)}};
}

Json ToJson(const Setting& setting) {
  return {{"backlog", setting.backlog},
          {"drain_rate", setting.drain_rate},
          {"handshakes", setting.handshakes}};
}

Json ToJson(const Fleet& fleet) {
  return {{"agents", fleet.agents},
          {"patience", sim::PatienceText(fleet.patience)},
          {"retry", std::string(RetryPolicyName(fleet.retry))}};
}

std::vector<TrialMoment> TimelineOf(JsonFields& fields) {
  std::vector<TrialMoment> timeline;
  for (const nlohmann::json& row : fields.Array(kTimeline)) {
    const std::optional<TrialMoment> moment = MomentOf(row);
    const bool ascends = timeline.empty() || !moment || timeline.back().at <= moment->at;
    if (!moment.has_value() || !ascends) {
      fields.Fail(kTimeline, "an array of [seconds, queue depth, served], ascending");
      return {};
    }
    timeline.push_back(*moment);
  }
  return timeline;
}

absl::StatusOr<TrialResult> ResultOf(const nlohmann::json& json) {
  JsonFields fields(json);
  TrialResult result;
  result.agents = fields.Count("agents");
  result.served = fields.Count("served");
  result.half = fields.TimeOrNull("time_to_50_percent_s", kSecond);
  result.most = fields.TimeOrNull("time_to_99_percent_s", kSecond);
  result.all = fields.TimeOrNull("time_to_all_s", kSecond);
  result.attempts = fields.Count("attempts");
  result.gave_up = fields.Count("gave_up");
  result.accept_overflows = fields.Count("accept_overflows");
  result.syn_retransmits = fields.Count("syn_retransmits");
  result.stale = fields.Count("stale");
  result.wasted_handshakes = fields.Count("wasted_handshakes");
  result.queue_depth_max = fields.Count("queue_depth_max");
  result.controller_tries = fields.CountOrNull("controller_tries");
  result.controller_p50 = fields.TimeOrNull("controller_p50_ms", kMillisecond);
  result.controller_p99 = fields.TimeOrNull("controller_p99_ms", kMillisecond);
  result.daemon_cpu = fields.TimeOrNull("daemon_cpu_s", kSecond);
  result.storm_cpu_share = fields.NumberOrNull("storm_cpu_share");
  result.timeline = TimelineOf(fields);
  if (!fields.status().ok()) return fields.status();
  return result;
}

absl::StatusOr<Setting> SettingOf(const nlohmann::json& json) {
  JsonFields fields(json);
  const Setting setting{.backlog = static_cast<int>(fields.Whole("backlog", 1, kIntMost)),
                        .drain_rate = static_cast<int>(fields.Whole("drain_rate", 0, kIntMost)),
                        .handshakes = static_cast<int>(fields.Whole("handshakes", 0, kIntMost))};
  if (!fields.status().ok()) return fields.status();
  return setting;
}

absl::StatusOr<Fleet> FleetOf(const nlohmann::json& json) {
  JsonFields fields(json);
  Fleet fleet;
  fleet.agents = fields.Whole("agents", 1, std::numeric_limits<int64_t>::max());
  const std::optional<sim::AgentPatience> patience = sim::ParsePatience(fields.Text("patience"));
  if (!patience.has_value()) fields.Fail("patience", "such as 3s, exp:3s or 500ms/30s");
  const std::optional<RetryPolicy> retry = ParseRetryPolicy(fields.Text("retry"));
  if (!retry.has_value()) fields.Fail("retry", "a retry policy, such as immediate");
  if (!fields.status().ok()) return fields.status();
  fleet.patience = *patience;
  fleet.retry = *retry;
  return fleet;
}

}  // namespace floodgate::tune
