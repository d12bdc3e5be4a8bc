#include "tools/tune/predict.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/version.h"
#include "floodgate/backoff_text.h"
#include "tools/sim/choices.h"
#include "tools/tune/result_json.h"
#include "tools/tune/rules.h"
#include "tools/tune/words.h"

namespace floodgate::tune {
namespace {

using Json = nlohmann::ordered_json;

// From a send until the other end's thread has it, when that sleeps.
constexpr Duration kLoopbackOneWay = Duration::Microseconds(10);
// System calls of floodgate-storm, which over loopback do the kernel's work of both ends.
constexpr Duration kStormConnect = Duration::Microseconds(30);
constexpr Duration kStormSend = Duration::Microseconds(20);
constexpr Duration kStormAnswer = Duration::Microseconds(40);

double Microseconds(Duration duration) {
  return static_cast<double>(duration.ns) / 1e3;
}

Json Row(const Prediction& prediction) {
  const sim::ColdStartResult& result = prediction.result;
  return {{"backlog", prediction.setting.backlog},
          {"drain_rate", prediction.setting.drain_rate},
          {"handshakes", prediction.setting.handshakes},
          {"served", result.served},
          {"time_to_50_percent_s", TimeOrNull(result.half, Duration::Seconds(1))},
          {"time_to_99_percent_s", TimeOrNull(result.most, Duration::Seconds(1))},
          {"time_to_all_s", TimeOrNull(result.all, Duration::Seconds(1))},
          {"goodput_ratio", prediction.goodput_ratio()},
          {"wasted_handshakes", prediction.wasted_handshakes()},
          {"attempts", result.attempts},
          {"gave_up", result.gave_up},
          {"stale", result.stale},
          {"syn_retransmits", result.syn_retransmits},
          {"queue_depth_max", result.queue_depth_max},
          {"digest", absl::StrFormat("%016x", result.digest)}};
}

void SetStorm(const StormHost& storm, sim::ColdStartSetup& setup) {
  setup.fleet.loopback = true;
  setup.fleet.one_way = kLoopbackOneWay;
  setup.fleet.one_way_spread = kLoopbackOneWay;
  setup.fleet.exponential_syn_pct = storm.exponential_syn_pct;
  setup.fleet.host = storm.costs;
  if (storm.probe_gap.ns <= 0) return;
  setup.probes = sim::ControllerProbes();
  setup.probes->gap = storm.probe_gap;
}

}  // namespace

double Prediction::goodput_ratio() const {
  if (result.hellos_answered == 0) return 0;
  return static_cast<double>(result.served) / static_cast<double>(result.hellos_answered);
}

uint64_t Prediction::wasted_handshakes() const {
  return result.hellos_answered - std::min(result.served, result.hellos_answered);
}

sim::AgentHostCosts StormCosts(const HandshakeCost& handshake) {
  return {.connect = kStormConnect,
          .hello = handshake.client_hello + kStormSend,
          .finish = handshake.client_finish + kStormSend,
          .answer = kStormAnswer};
}

Prediction Predict(const Question& question, const Setting& setting) {
  sim::ColdStartSetup setup;
  setup.agents = static_cast<uint64_t>(question.fleet.agents);
  setup.signal_after = question.parked;
  setup.limit = question.limit;
  setup.fleet.patience = question.fleet.patience;
  setup.fleet.retry = question.fleet.retry;
  if (question.storm.has_value()) SetStorm(*question.storm, setup);
  setup.scenario.seed = question.seed;
  setup.scenario.processor.cores = question.cores;
  setup.scenario.network.somaxconn =
      std::max(setup.scenario.network.somaxconn, static_cast<uint32_t>(setting.backlog));
  if (question.storm.has_value()) setup.scenario.network.somaxconn = question.storm->somaxconn;
  sim::DaemonSetup& daemon = setup.scenario.daemon;
  SetCosts(question.cost, daemon);
  daemon.options.agent.backlog = setting.backlog;
  daemon.options.drain.rate = setting.drain_rate;
  daemon.options.limits.handshakes = setting.handshakes;
  daemon.options.runtime.workers = question.cores;  // as runtime.workers = 0 chooses
  daemon.descriptors_max = std::max(
      daemon.descriptors_max, static_cast<uint64_t>(DescriptorsNeeded(question.fleet.agents)));
  return {.setting = setting, .result = sim::RunColdStart(setup)};
}

TrialResult AsTrial(const Prediction& prediction) {
  const sim::ColdStartResult& result = prediction.result;
  TrialResult trial;
  trial.agents = result.agents;
  trial.served = result.served;
  trial.half = result.half;
  trial.most = result.most;
  trial.all = result.all;
  trial.attempts = result.attempts;
  trial.gave_up = result.gave_up;
  trial.accept_overflows = result.queue_overflows;
  trial.syn_retransmits = result.syn_retransmits;
  trial.stale = result.stale;
  trial.wasted_handshakes = prediction.wasted_handshakes();
  trial.queue_depth_max = result.queue_depth_max;
  for (const sim::ColdStartMoment& moment : result.timeline) {
    trial.timeline.push_back(
        {.at = moment.at, .queue_depth = moment.queue_depth, .served = moment.served});
  }
  return trial;
}

std::string PredictionHeading(const Question& question) {
  const Fleet& fleet = question.fleet;
  return absl::StrFormat(
      "%s at once when the gate opens, patience %s, retry %s; %s, %.0f us a "
      "handshake and %.0f us for all else\n%8s %6s %6s %15s %10s %10s %10s %8s %9s %8s %9s %9s\n",
      Counted(fleet.agents, "agent"), sim::PatienceText(fleet.patience),
      RetryPolicyName(fleet.retry), Counted(question.cores, "core"),
      Microseconds(question.cost.handshake.whole()), Microseconds(question.cost.rest), "backlog",
      "drain", "shakes", "served", "50 %", "99 %", "all", "goodput", "gave up", "stale",
      "SYN again", "queue max");
}

std::string PredictionRow(const Prediction& prediction) {
  const sim::ColdStartResult& result = prediction.result;
  const Setting& setting = prediction.setting;
  return absl::StrFormat("%8d %6d %6d %7d/%7d %10s %10s %10s %7.1f%% %9d %8d %9d %9d\n",
                         setting.backlog, setting.drain_rate, setting.handshakes, result.served,
                         result.agents, TimeOrNever(result.half), TimeOrNever(result.most),
                         TimeOrNever(result.all), prediction.goodput_ratio() * 100, result.gave_up,
                         result.stale, result.syn_retransmits, result.queue_depth_max);
}

std::string PredictionsJson(const Question& question, const std::string& key,
                            const std::vector<Prediction>& predictions) {
  Json rows = Json::array();
  for (const Prediction& prediction : predictions) rows.push_back(Row(prediction));
  const Json whole = {{"version", Version()},
                      {"agents", question.fleet.agents},
                      {"cores", question.cores},
                      {"patience", sim::PatienceText(question.fleet.patience)},
                      {"retry", std::string(RetryPolicyName(question.fleet.retry))},
                      {"handshake_cost_us", Microseconds(question.cost.handshake.whole())},
                      {"other_cost_us", Microseconds(question.cost.rest)},
                      {"handshake_measured", key.empty() ? Json() : Json(key)},
                      {"limit_s", question.limit.seconds()},
                      {"seed", question.seed},
                      {"settings", rows}};
  return whole.dump(2) + "\n";
}

}  // namespace floodgate::tune
