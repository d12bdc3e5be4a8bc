#include "tools/tune/sweep.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/duration.h"
#include "floodgate/backoff_text.h"
#include "tools/sim/choices.h"
#include "tools/tune/key_names.h"

namespace floodgate::tune {
namespace {

// To start and end the programs of a trial, beside the storm itself.
constexpr Duration kAround = Duration::Seconds(1);

std::vector<const TrialResult*> ResultsOf(const Setting& setting,
                                          const std::vector<Trial>& trials) {
  std::vector<const TrialResult*> results;
  for (const Trial& trial : trials) {
    if (trial.setting == setting) results.push_back(&trial.result);
  }
  return results;
}

Duration MeanTime(const std::vector<const TrialResult*>& results) {
  Duration sum;
  for (const TrialResult* result : results) {
    if (!result->timeline.empty()) sum = sum + result->timeline.back().at;
    sum = sum + kAround;
  }
  return sum / static_cast<int64_t>(results.size());
}

// What two plans must have the same, as the command line has it.
std::vector<std::pair<std::string, std::string>> Options(const Plan& plan) {
  const auto list = [](const std::vector<int>& values) { return absl::StrJoin(values, ","); };
  return {{"--agents", absl::StrCat(plan.fleet.agents)},
          {"--patience", sim::PatienceText(plan.fleet.patience)},
          {"--retry", std::string(RetryPolicyName(plan.fleet.retry))},
          {"--cores", absl::StrCat(plan.cores)},
          {"--key", KeyName(plan.key)},
          {"--limit", FormatDuration(plan.limit)},
          {"--backlog", list(plan.backlogs)},
          {"--drain-rate", list(plan.drain_rates)},
          {"--handshakes", list(plan.handshakes)},
          {"--runs", absl::StrCat(plan.runs)}};
}

}  // namespace

std::vector<Setting> Combinations(const std::vector<int>& backlogs,
                                  const std::vector<int>& drain_rates,
                                  const std::vector<int>& handshakes) {
  std::vector<Setting> settings;
  for (const int backlog : backlogs) {
    for (const int drain_rate : drain_rates) {
      for (const int handshake : handshakes) {
        settings.push_back({.backlog = backlog, .drain_rate = drain_rate, .handshakes = handshake});
      }
    }
  }
  return settings;
}

std::vector<Setting> SettingsOf(const Plan& plan) {
  return Combinations(plan.backlogs, plan.drain_rates, plan.handshakes);
}

std::vector<Step> StepsOf(const Plan& plan) {
  std::vector<Step> steps;
  for (int run = 1; run <= plan.runs; ++run) {
    for (const Setting& setting : SettingsOf(plan)) {
      steps.push_back({.setting = setting, .run = run});
    }
  }
  return steps;
}

std::vector<Step> Missing(const Plan& plan, const std::vector<Trial>& trials) {
  std::vector<Step> missing;
  for (const Step& step : StepsOf(plan)) {
    const bool done = std::any_of(trials.begin(), trials.end(), [&step](const Trial& trial) {
      return trial.setting == step.setting && trial.run == step.run;
    });
    if (!done) missing.push_back(step);
  }
  return missing;
}

std::vector<std::string> Differences(const Plan& there, const Plan& here) {
  const auto options_there = Options(there);
  const auto options_here = Options(here);
  std::vector<std::string> differences;
  for (size_t i = 0; i < options_here.size(); ++i) {
    const auto& [name, value] = options_here[i];
    if (value == options_there[i].second) continue;
    differences.push_back(
        absl::StrCat(name, " is ", options_there[i].second, " there and ", value, " here"));
  }
  return differences;
}

std::optional<Duration> TimeFor(const std::vector<Step>& steps, const std::vector<Trial>& trials) {
  if (trials.empty()) return std::nullopt;
  std::vector<const TrialResult*> all;
  all.reserve(trials.size());
  for (const Trial& trial : trials) all.push_back(&trial.result);
  Duration sum;
  for (const Step& step : steps) {
    const std::vector<const TrialResult*> same = ResultsOf(step.setting, trials);
    sum = sum + MeanTime(same.empty() ? all : same);
  }
  return sum;
}

std::vector<SettingOutcome> InPlannedOrder(const Plan& plan, const std::vector<Trial>& trials) {
  const std::vector<SettingOutcome> outcomes = OutcomesOf(trials);
  std::vector<SettingOutcome> ordered;
  for (const Setting& setting : SettingsOf(plan)) {
    const auto found =
        std::find_if(outcomes.begin(), outcomes.end(),
                     [&](const SettingOutcome& outcome) { return outcome.setting == setting; });
    if (found != outcomes.end()) ordered.push_back(*found);
  }
  return ordered;
}

}  // namespace floodgate::tune
