#include "tools/storm/results.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/version.h"

namespace floodgate::storm {
namespace {

struct Phase {
  const char* name;
  const char* meaning;
  Histogram Results::*histogram;
};
constexpr std::array<Phase, 9> kPhases = {{
    {"connect", "connect", &Results::connect},
    {"handshake", "TLS handshake", &Results::handshake},
    {"first_byte", "first byte", &Results::first_byte},
    {"served", "attempt until served", &Results::served},
    {"from_first_try", "first try until served", &Results::from_first_try},
    {"time_to_admitted", "arrival until served", &Results::time_to_admitted},
    {"time_to_return", "cut off until served", &Results::time_to_return},
    {"heartbeat", "heartbeat until answered", &Results::heartbeat},
    {"arrival_late", "arrivals begun late", &Results::arrival_late},
}};
constexpr std::array<std::pair<const char*, double>, 4> kPercentiles = {
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1.0}}};
constexpr std::array<const char*, 4> kEndedBy = {"done", "attempts", "duration", "interrupt"};
// From this share of a core on, waiting for the storm itself shows in its figures.
constexpr double kBusyShare = 0.8;

const char* EndedByText(const Results& results) {
  return kEndedBy[static_cast<size_t>(results.ended_by)];
}

double Milliseconds(Duration duration) {
  return static_cast<double>(duration.ns) / 1e6;
}

nlohmann::ordered_json SecondsOrNull(std::optional<Duration> duration) {
  return duration.has_value() ? nlohmann::ordered_json(duration->seconds()) : nullptr;
}

nlohmann::ordered_json TimelineJson(const std::vector<TimelineRow>& rows) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const TimelineRow& row : rows) {
    nlohmann::ordered_json entry;
    for (const TimelineColumn& column : TimelineColumns()) {
      const std::optional<double> value = column.value(row);
      nlohmann::ordered_json& field = entry[column.name];
      if (!value.has_value()) continue;  // null
      if (column.is_count) {
        field = static_cast<int64_t>(*value);
      } else {
        field = *value;
      }
    }
    json.push_back(std::move(entry));
  }
  return json;
}

void AppendSummary(const Results& results, std::string& text) {
  absl::StrAppendFormat(&text, "agents        %d, served %d\n", results.agents,
                        results.agents_served);
  if (results.agents_faulty > 0) {
    absl::StrAppendFormat(&text, "faulty        %d of the agents\n", results.agents_faulty);
  }
  absl::StrAppendFormat(
      &text, "attempts      %d (%d of them retries), %d connected, at most %d open at a time\n",
      results.attempts, results.retries, results.connected, results.open_max);
  absl::StrAppendFormat(&text, "handshakes    %d full, %d resumed\n", results.handshakes_full,
                        results.handshakes_resumed);
  absl::StrAppendFormat(&text,
                        "elapsed       %.3f s (%s), last served after %.3f s, goodput %.1f/s\n",
                        results.elapsed.seconds(), EndedByText(results),
                        results.until_last_served.seconds(), results.goodput_per_second());
  if (results.until_all.has_value()) {
    absl::StrAppendFormat(&text, "all served    after %.3f s, 99 %% of the agents after %.3f s\n",
                          results.until_all->seconds(), results.until_99_percent->seconds());
  }
  if (results.arrivals_missed > 0) {
    absl::StrAppendFormat(&text,
                          "missed        %d arrivals: no agent was free, use more --agents\n",
                          results.arrivals_missed);
  }
  absl::StrAppendFormat(
      &text, "own CPU       %.3f s, %.0f %% of a core%s; %d MiB\n", results.cpu_seconds(),
      100 * results.cpu_share(),
      results.cpu_share() >= kBusyShare ? ": the storm itself was (nearly) the limit" : "",
      results.resident_kib_max / 1024);
}

}  // namespace

double Results::goodput_per_second() const {
  return until_last_ended.ns > 0
             ? static_cast<double>(Count(Outcome::kServed)) / until_last_ended.seconds()
             : 0;
}

double Results::cpu_share() const {
  return elapsed.ns > 0 ? cpu_seconds() / elapsed.seconds() : 0;
}

std::string ProgressLine(const Results& results, Duration elapsed, size_t agents, int64_t open) {
  return absl::StrFormat("%.1f s: %d attempts (%d retries), %d of %d agents served, %d open",
                         elapsed.seconds(), results.attempts, results.retries,
                         results.agents_served, agents, open);
}

std::string ResultsTable(const Results& results) {
  std::string text;
  AppendSummary(results, text);
  absl::StrAppendFormat(&text, "\n%-24s %8s %10s %10s %10s %10s\n", "milliseconds", "count", "p50",
                        "p90", "p99", "max");
  for (const Phase& phase : kPhases) {
    const Histogram& histogram = results.*phase.histogram;
    if (histogram.count() == 0) continue;
    absl::StrAppendFormat(&text, "%-24s %8d", phase.meaning, histogram.count());
    for (const auto& [name, share] : kPercentiles) {
      absl::StrAppendFormat(&text, " %10.3f", Milliseconds(histogram.Percentile(share)));
    }
    text += '\n';
  }
  absl::StrAppend(&text, "\nhow attempts ended\n");
  for (size_t i = 0; i < kOutcomes; ++i) {
    if (results.outcomes[i] == 0) continue;
    absl::StrAppendFormat(&text, "  %-22s %8d  %s\n", kOutcomeTexts[i].name, results.outcomes[i],
                          kOutcomeTexts[i].meaning);
  }
  if (results.closed_while_held > 0) {
    absl::StrAppendFormat(&text, "\n%d served agents were cut off while they stayed\n",
                          results.closed_while_held);
  }
  if (results.heartbeats_sent > 0) {
    absl::StrAppendFormat(&text, "%d heartbeats, %d answered, %d missed\n", results.heartbeats_sent,
                          results.heartbeats_answered, results.heartbeats_missed);
  }
  if (!results.first_error.empty()) {
    absl::StrAppend(&text, "\nfirst error: ", results.first_error, "\n");
  }
  return text;
}

std::string ResultsJson(const Results& results) {
  nlohmann::ordered_json json = {
      {"version", Version()},
      {"ended_by", EndedByText(results)},
      {"agents", results.agents},
      {"agents_faulty", results.agents_faulty},
      {"agents_served", results.agents_served},
      {"agents_unserved", results.agents_unserved},
      {"attempts", results.attempts},
      {"retries", results.retries},
      {"reconnects", results.reconnects},
      {"connected", results.connected},
      {"handshakes", {{"full", results.handshakes_full}, {"resumed", results.handshakes_resumed}}},
      {"closed_while_held", results.closed_while_held},
      {"heartbeats",
       {{"sent", results.heartbeats_sent},
        {"answered", results.heartbeats_answered},
        {"missed", results.heartbeats_missed}}},
      {"bytes_received", results.bytes_received},
      {"open_max", results.open_max},
      {"started_monotonic_s", static_cast<double>(results.started.ns) / 1e9},
      {"elapsed_s", results.elapsed.seconds()},
      {"until_last_served_s", results.until_last_served.seconds()},
      {"until_last_ended_s", results.until_last_ended.seconds()},
      {"time_to_50_percent_s", SecondsOrNull(results.until_50_percent)},
      {"time_to_99_percent_s", SecondsOrNull(results.until_99_percent)},
      {"time_to_all_s", SecondsOrNull(results.until_all)},
      {"arrivals_missed", results.arrivals_missed},
      {"syn_retransmits", nullptr},
      {"goodput_per_s", results.goodput_per_second()},
      {"cpu_s", results.cpu_seconds()},
      {"cpu_user_s", results.cpu_user_seconds},
      {"cpu_system_s", results.cpu_system_seconds},
      {"cpu_share", results.cpu_share()},
      {"resident_kib_max", results.resident_kib_max},
      {"first_error", results.first_error}};
  if (results.syn_retransmits.has_value()) json["syn_retransmits"] = *results.syn_retransmits;
  for (size_t i = 0; i < kOutcomes; ++i) {
    json["outcomes"][kOutcomeTexts[i].name] = results.outcomes[i];
  }
  for (const Phase& phase : kPhases) {
    const Histogram& histogram = results.*phase.histogram;
    nlohmann::ordered_json row = {{"count", histogram.count()},
                                  {"min", Milliseconds(histogram.least())},
                                  {"mean", Milliseconds(histogram.mean())}};
    for (const auto& [name, share] : kPercentiles) {
      row[name] = Milliseconds(histogram.Percentile(share));
    }
    json["latency_ms"][phase.name] = std::move(row);
  }
  json["timeline"] = TimelineJson(results.timeline);
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace floodgate::storm
