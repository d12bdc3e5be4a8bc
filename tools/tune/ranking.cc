#include "tools/tune/ranking.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <tuple>

#include "absl/types/span.h"

namespace floodgate::tune {
namespace {

using Summaries = absl::Span<SettingOutcome>;
using SettingKey = std::tuple<int, int, int>;

// Longer than any: sorts behind all that was measured.
constexpr Duration kNever = {std::numeric_limits<int64_t>::max()};

SettingKey KeyOf(const Setting& setting) {
  return {setting.backlog, setting.drain_rate, setting.handshakes};
}

std::optional<Duration> OrNever(Duration duration) {
  if (duration == kNever) return std::nullopt;
  return duration;
}

TimeSpread SpreadOf(std::vector<Duration> times) {
  if (times.empty()) return {};
  std::sort(times.begin(), times.end());
  const size_t middle = times.size() / 2;
  Duration median = times[middle];
  if (times.size() % 2 == 0 && median != kNever) {
    median = times[middle - 1] + (median - times[middle - 1]) / 2;
  }
  return {OrNever(times.front()), OrNever(median), OrNever(times.back())};
}

using TimeMember = std::optional<Duration> TrialResult::*;

TimeSpread SpreadOf(const std::vector<const Trial*>& runs, TimeMember member) {
  std::vector<Duration> times;
  times.reserve(runs.size());
  for (const Trial* run : runs) times.push_back((run->result.*member).value_or(kNever));
  return SpreadOf(std::move(times));
}

// REQUIRES: there are values.
double MedianOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double MedianOf(const std::vector<const Trial*>& runs, uint64_t TrialResult::*member) {
  std::vector<double> values;
  values.reserve(runs.size());
  for (const Trial* run : runs) values.push_back(static_cast<double>(run->result.*member));
  return MedianOf(std::move(values));
}

std::optional<double> StormShareOf(const std::vector<const Trial*>& runs) {
  std::vector<double> shares;
  for (const Trial* run : runs) {
    if (run->result.storm_cpu_share.has_value()) shares.push_back(*run->result.storm_cpu_share);
  }
  if (shares.empty()) return std::nullopt;
  return MedianOf(std::move(shares));
}

void AddController(const std::vector<const Trial*>& runs, SettingOutcome& summary) {
  std::vector<Duration> times;
  for (const Trial* run : runs) {
    if (!run->result.controller_p99.has_value()) continue;
    const uint64_t tries = run->result.controller_tries.value_or(0);
    summary.controller_tries_least =
        times.empty() ? tries : std::min(summary.controller_tries_least, tries);
    summary.controller_tries_most = std::max(summary.controller_tries_most, tries);
    times.push_back(*run->result.controller_p99);
  }
  summary.controller_runs = static_cast<int>(times.size());
  summary.controller_p99 = SpreadOf(std::move(times));
}

SettingOutcome SummaryOf(const std::vector<const Trial*>& runs) {
  SettingOutcome summary;
  summary.setting = runs.front()->setting;
  summary.runs = static_cast<int>(runs.size());
  for (const Trial* run : runs) {
    const TrialResult& result = run->result;
    const uint64_t lost = result.agents - std::min(result.served, result.agents);
    summary.agents = std::max(summary.agents, result.agents);
    summary.lost = std::max(summary.lost, lost);
    summary.served_total += result.served;
    if (lost > 0) ++summary.runs_with_losses;
  }
  summary.half = SpreadOf(runs, &TrialResult::half);
  summary.most = SpreadOf(runs, &TrialResult::most);
  summary.all = SpreadOf(runs, &TrialResult::all);
  AddController(runs, summary);
  summary.served = MedianOf(runs, &TrialResult::served);
  summary.gave_up = MedianOf(runs, &TrialResult::gave_up);
  summary.accept_overflows = MedianOf(runs, &TrialResult::accept_overflows);
  summary.syn_retransmits = MedianOf(runs, &TrialResult::syn_retransmits);
  summary.stale = MedianOf(runs, &TrialResult::stale);
  summary.wasted_handshakes = MedianOf(runs, &TrialResult::wasted_handshakes);
  summary.queue_depth_max = MedianOf(runs, &TrialResult::queue_depth_max);
  summary.storm_cpu_share = StormShareOf(runs);
  return summary;
}

// One step of the order: what counts, when two of it are alike, and the steps for those.
struct Step {
  std::function<int64_t(const SettingOutcome&)> value;
  double alike_share = 0;
  int64_t alike = 0;
};

bool Alike(const Step& step, int64_t least, int64_t value) {
  if (value == least) return true;
  if (value == kNever.ns) return false;
  return value - least <= step.alike ||
         static_cast<double>(value - least) <= static_cast<double>(least) * step.alike_share;
}

void Order(Summaries summaries, absl::Span<const Step> steps) {
  if (summaries.size() < 2 || steps.empty()) return;
  const Step& step = steps.front();
  std::stable_sort(summaries.begin(), summaries.end(),
                   [&step](const SettingOutcome& a, const SettingOutcome& b) {
                     return step.value(a) < step.value(b);
                   });
  for (size_t first = 0; first < summaries.size();) {
    const int64_t least = step.value(summaries[first]);
    size_t end = first + 1;
    while (end < summaries.size() && Alike(step, least, step.value(summaries[end]))) ++end;
    Order(summaries.subspan(first, end - first), steps.subspan(1));
    first = end;
  }
}

}  // namespace

std::vector<SettingOutcome> OutcomesOf(const std::vector<Trial>& trials) {
  std::map<SettingKey, std::vector<const Trial*>> runs;
  for (const Trial& trial : trials) runs[KeyOf(trial.setting)].push_back(&trial);
  std::vector<SettingOutcome> summaries;
  summaries.reserve(runs.size());
  for (const auto& [key, of_setting] : runs) summaries.push_back(SummaryOf(of_setting));
  return summaries;
}

bool QueueWasShort(const SettingOutcome& outcome) {
  return outcome.accept_overflows > static_cast<double>(outcome.agents) / 100;
}

void Rank(std::vector<SettingOutcome>& summaries) {
  std::sort(summaries.begin(), summaries.end(),
            [](const SettingOutcome& a, const SettingOutcome& b) {
              return KeyOf(a.setting) < KeyOf(b.setting);
            });
  const std::vector<Step> steps = {
      {.value = [](const SettingOutcome& s) { return static_cast<int64_t>(s.lost); }},
      {.value = [](const SettingOutcome& s) { return s.most.median.value_or(kNever).ns; },
       .alike_share = kAlikeShare,
       .alike = kAlikeTime.ns},
      {.value = [](const SettingOutcome& s) { return int64_t{QueueWasShort(s)}; }},
      {.value = [](const SettingOutcome& s) { return s.controller_p99.median.value_or(kNever).ns; },
       .alike_share = kAlikeControllerShare,
       .alike = kAlikeControllerTime.ns},
      {.value = [](const SettingOutcome& s) { return int64_t{s.setting.backlog}; }},
      {.value = [](const SettingOutcome& s) { return int64_t{s.setting.drain_rate}; }},
      {.value = [](const SettingOutcome& s) { return int64_t{s.setting.handshakes}; }}};
  Order(absl::MakeSpan(summaries), steps);
}

bool IsWorse(const SettingOutcome& one, const SettingOutcome& other) {
  if (one.lost != other.lost) return one.lost > other.lost;
  return one.most.median.value_or(kNever) > other.most.median.value_or(kNever);
}

const SettingOutcome& WorstOf(const std::vector<SettingOutcome>& summaries) {
  const SettingOutcome* worst = &summaries.back();
  for (size_t i = 1; i + 1 < summaries.size(); ++i) {
    if (IsWorse(summaries[i], *worst)) worst = &summaries[i];
  }
  return *worst;
}

const Trial* TypicalTrial(const std::vector<Trial>& trials, const Setting& setting) {
  std::vector<const Trial*> runs;
  for (const Trial& trial : trials) {
    if (trial.setting == setting && !trial.result.timeline.empty()) runs.push_back(&trial);
  }
  if (runs.empty()) return nullptr;
  std::stable_sort(runs.begin(), runs.end(), [](const Trial* a, const Trial* b) {
    return a->result.most.value_or(kNever) < b->result.most.value_or(kNever);
  });
  return runs[(runs.size() - 1) / 2];
}

}  // namespace floodgate::tune
