#include "tools/tune/predict.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/version.h"
#include "floodgate/backoff_text.h"
#include "tools/sim/choices.h"
#include "tools/tune/rules.h"

namespace floodgate::tune {
namespace {

using Json = nlohmann::ordered_json;

Json SecondsOrNull(const std::optional<Duration>& duration) {
  return duration.has_value() ? Json(duration->seconds()) : Json();
}

std::string SecondsOrNever(const std::optional<Duration>& duration) {
  return duration.has_value() ? absl::StrFormat("%.2f s", duration->seconds()) : "never";
}

double Microseconds(Duration duration) {
  return static_cast<double>(duration.ns) / 1e3;
}

Json Row(const Prediction& prediction) {
  const sim::ColdStartResult& result = prediction.result;
  return {{"backlog", prediction.backlog},
          {"served", result.served},
          {"time_to_50_percent_s", SecondsOrNull(result.half)},
          {"time_to_99_percent_s", SecondsOrNull(result.most)},
          {"time_to_all_s", SecondsOrNull(result.all)},
          {"goodput_ratio", prediction.goodput_ratio()},
          {"wasted_handshakes", prediction.wasted_handshakes()},
          {"attempts", result.attempts},
          {"gave_up", result.gave_up},
          {"stale", result.stale},
          {"syn_retransmits", result.syn_retransmits},
          {"queue_depth_max", result.queue_depth_max},
          {"digest", absl::StrFormat("%016x", result.digest)}};
}

}  // namespace

double Prediction::goodput_ratio() const {
  if (result.hellos_answered == 0) return 1;
  return static_cast<double>(result.served) / static_cast<double>(result.hellos_answered);
}

uint64_t Prediction::wasted_handshakes() const {
  return result.hellos_answered - std::min(result.served, result.hellos_answered);
}

Prediction Predict(const Question& question, int backlog) {
  sim::ColdStartSetup setup;
  setup.agents = static_cast<uint64_t>(question.agents);
  setup.signal_after = {};
  setup.limit = question.limit;
  setup.fleet.patience = question.patience;
  setup.fleet.retry = question.retry;
  setup.scenario.seed = question.seed;
  setup.scenario.processor.cores = question.cores;
  setup.scenario.network.somaxconn =
      std::max(setup.scenario.network.somaxconn, static_cast<uint32_t>(backlog));
  sim::DaemonSetup& daemon = setup.scenario.daemon;
  daemon.options.agent.backlog = backlog;
  daemon.options.runtime.workers = question.cores;  // as runtime.workers = 0 chooses
  daemon.tls.hello = question.handshake.hello;
  daemon.tls.finish = question.handshake.finish;
  daemon.descriptors_max =
      std::max(daemon.descriptors_max, static_cast<uint64_t>(DescriptorsNeeded(question.agents)));
  return {.backlog = backlog, .result = sim::RunColdStart(setup)};
}

std::string PredictionHeading(const Question& question) {
  return absl::StrFormat(
      "%d agents at once when the gate opens, patience %s, retry %s; %d core%s, %.0f us a "
      "handshake\n%9s %15s %10s %10s %10s %8s %9s %9s %10s %10s\n",
      question.agents, sim::PatienceText(question.patience), RetryPolicyName(question.retry),
      question.cores, question.cores == 1 ? "" : "s", Microseconds(question.handshake.whole()),
      "backlog", "served", "50 %", "99 %", "all", "goodput", "gave up", "stale", "SYN again",
      "queue max");
}

std::string PredictionRow(const Prediction& prediction) {
  const sim::ColdStartResult& result = prediction.result;
  return absl::StrFormat(
      "%9d %7d/%7d %10s %10s %10s %7.1f%% %9d %9d %10d %10d\n", prediction.backlog, result.served,
      result.agents, SecondsOrNever(result.half), SecondsOrNever(result.most),
      SecondsOrNever(result.all), prediction.goodput_ratio() * 100, result.gave_up, result.stale,
      result.syn_retransmits, result.queue_depth_max);
}

std::string PredictionsJson(const Question& question, const std::string& key,
                            const std::vector<Prediction>& predictions) {
  Json rows = Json::array();
  for (const Prediction& prediction : predictions) rows.push_back(Row(prediction));
  const Json whole = {{"version", Version()},
                      {"agents", question.agents},
                      {"cores", question.cores},
                      {"patience", sim::PatienceText(question.patience)},
                      {"retry", std::string(RetryPolicyName(question.retry))},
                      {"handshake_cost_us", Microseconds(question.handshake.whole())},
                      {"handshake_measured", key.empty() ? Json() : Json(key)},
                      {"limit_s", question.limit.seconds()},
                      {"seed", question.seed},
                      {"settings", rows}};
  return whole.dump(2) + "\n";
}

}  // namespace floodgate::tune
