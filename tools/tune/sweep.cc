#include "tools/tune/sweep.h"

#include <algorithm>
#include <limits>

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

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  // Written so that infinities stay what they are.
  return values[middle - 1] / 2 + values[middle] / 2;
}

template <typename Value>
double MedianOf(const std::vector<const TrialResult*>& results, Value value) {
  std::vector<double> values;
  values.reserve(results.size());
  for (const TrialResult* result : results) values.push_back(static_cast<double>(value(*result)));
  return Median(std::move(values));
}

std::optional<Duration> MedianTime(const std::vector<const TrialResult*>& results,
                                   std::optional<Duration> TrialResult::*time) {
  const double ns = MedianOf(results, [time](const TrialResult& result) {
    const std::optional<Duration>& value = result.*time;
    return value.has_value() ? static_cast<double>(value->ns)
                             : std::numeric_limits<double>::infinity();
  });
  if (ns == std::numeric_limits<double>::infinity()) return std::nullopt;
  return Duration::Nanoseconds(static_cast<int64_t>(ns));
}

SettingSummary SummaryOf(const Setting& setting, const std::vector<const TrialResult*>& results) {
  const auto count = [&results](uint64_t TrialResult::*member) {
    return MedianOf(results, [member](const TrialResult& result) { return result.*member; });
  };
  SettingSummary summary;
  summary.setting = setting;
  summary.runs = static_cast<int>(results.size());
  summary.served = count(&TrialResult::served);
  summary.half = MedianTime(results, &TrialResult::half);
  summary.most = MedianTime(results, &TrialResult::most);
  summary.all = MedianTime(results, &TrialResult::all);
  summary.accept_overflows = count(&TrialResult::accept_overflows);
  summary.syn_retransmits = count(&TrialResult::syn_retransmits);
  summary.stale = count(&TrialResult::stale);
  summary.wasted_handshakes = count(&TrialResult::wasted_handshakes);
  summary.queue_depth_max = count(&TrialResult::queue_depth_max);
  summary.controller_p99 = MedianTime(results, &TrialResult::controller_p99);
  summary.storm_cpu_share =
      MedianOf(results, [](const TrialResult& result) { return result.storm_cpu_share; });
  return summary;
}

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

std::vector<Setting> SettingsOf(const Plan& plan) {
  std::vector<Setting> settings;
  for (const int backlog : plan.backlogs) {
    for (const int drain_rate : plan.drain_rates) {
      for (const int handshakes : plan.handshakes) {
        settings.push_back(
            {.backlog = backlog, .drain_rate = drain_rate, .handshakes = handshakes});
      }
    }
  }
  return settings;
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

std::vector<SettingSummary> Summarize(const Plan& plan, const std::vector<Trial>& trials) {
  std::vector<SettingSummary> summaries;
  for (const Setting& setting : SettingsOf(plan)) {
    const std::vector<const TrialResult*> results = ResultsOf(setting, trials);
    if (!results.empty()) summaries.push_back(SummaryOf(setting, results));
  }
  return summaries;
}

}  // namespace floodgate::tune
