#include "tools/storm/results.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace floodgate::storm {
namespace {

struct Phase {
  const char* name;
  const char* meaning;
  Samples Results::*samples;
};
constexpr std::array<Phase, 5> kPhases = {{
    {"connect", "connect", &Results::connect},
    {"handshake", "TLS handshake", &Results::handshake},
    {"first_byte", "first byte", &Results::first_byte},
    {"served", "attempt until served", &Results::served},
    {"from_first_try", "first try until served", &Results::from_first_try},
}};
constexpr std::array<std::pair<const char*, double>, 4> kPercentiles = {
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1.0}}};

double PerSecond(uint64_t count, Duration elapsed) {
  return elapsed.ns > 0 ? static_cast<double>(count) / elapsed.seconds() : 0;
}

}  // namespace

double Samples::PercentileMs(double share) {
  if (ns_.empty()) return 0;
  if (!std::exchange(sorted_, true)) std::sort(ns_.begin(), ns_.end());
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(ns_.size())));
  return static_cast<double>(ns_[std::max<size_t>(rank, 1) - 1]) / 1e6;
}

std::string ResultsTable(Results& results) {
  std::string text = absl::StrFormat(
      "agents        %d, served %d\nattempts      %d (%d of them retries), %d connected, at most "
      "%d open at a time\nhandshakes    %d full, %d resumed\nelapsed       %.3f s, last served "
      "after %.3f s, %.1f served a second\nown CPU       %.3f s (%.0f %% of a core: near 100 %%, "
      "the storm itself was the limit)\n\n",
      results.agents, results.agents_served, results.attempts, results.retries, results.connected,
      results.open_max, results.handshakes_full, results.handshakes_resumed,
      results.elapsed.seconds(), results.until_last_served.seconds(),
      PerSecond(results.Count(Outcome::kServed), results.elapsed), results.cpu_seconds,
      results.elapsed.ns > 0 ? 100 * results.cpu_seconds / results.elapsed.seconds() : 0);
  absl::StrAppendFormat(&text, "%-24s %8s %10s %10s %10s %10s\n", "milliseconds", "count", "p50",
                        "p90", "p99", "max");
  for (const Phase& phase : kPhases) {
    Samples& samples = results.*phase.samples;
    if (samples.size() == 0) continue;
    absl::StrAppendFormat(&text, "%-24s %8d", phase.meaning, samples.size());
    for (const auto& [name, share] : kPercentiles) {
      absl::StrAppendFormat(&text, " %10.3f", samples.PercentileMs(share));
    }
    text += '\n';
  }
  absl::StrAppend(&text, "\nhow attempts ended\n");
  for (size_t i = 0; i < kOutcomeNames.size(); ++i) {
    if (results.outcomes[i] == 0) continue;
    absl::StrAppendFormat(&text, "  %-20s %8d\n", std::string(kOutcomeNames[i]),
                          results.outcomes[i]);
  }
  if (results.closed_while_held > 0) {
    absl::StrAppendFormat(&text, "\n%d served agents were cut off while they stayed\n",
                          results.closed_while_held);
  }
  return text;
}

std::string ResultsJson(Results& results) {
  nlohmann::ordered_json json = {
      {"agents", results.agents},
      {"agents_served", results.agents_served},
      {"attempts", results.attempts},
      {"retries", results.retries},
      {"connected", results.connected},
      {"handshakes", {{"full", results.handshakes_full}, {"resumed", results.handshakes_resumed}}},
      {"closed_while_held", results.closed_while_held},
      {"bytes_received", results.bytes_received},
      {"open_max", results.open_max},
      {"elapsed_s", results.elapsed.seconds()},
      {"until_last_served_s", results.until_last_served.seconds()},
      {"goodput_per_s", PerSecond(results.Count(Outcome::kServed), results.elapsed)},
      {"cpu_s", results.cpu_seconds}};
  for (size_t i = 0; i < kOutcomeNames.size(); ++i) {
    json["outcomes"][std::string(kOutcomeNames[i])] = results.outcomes[i];
  }
  for (const Phase& phase : kPhases) {
    Samples& samples = results.*phase.samples;
    nlohmann::ordered_json row = {{"count", samples.size()}};
    for (const auto& [name, share] : kPercentiles) row[name] = samples.PercentileMs(share);
    json["latency_ms"][phase.name] = std::move(row);
  }
  return json.dump(2);
}

}  // namespace floodgate::storm
