// What `floodgate-tune sweep` tries in which order, and what it makes of it. Pure: values in,
// values and texts out.
#ifndef FLOODGATE_TOOLS_TUNE_SWEEP_H_
#define FLOODGATE_TOOLS_TUNE_SWEEP_H_

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "tools/tune/ranking.h"
#include "tools/tune/records.h"

namespace floodgate::tune {

// One trial to make.
struct Step {
  Setting setting;
  int run = 1;

  friend bool operator==(const Step&, const Step&) = default;
};

// Every combination, the last of the three fastest: the order of the table.
std::vector<Setting> Combinations(const std::vector<int>& backlogs,
                                  const std::vector<int>& drain_rates,
                                  const std::vector<int>& handshakes);
std::vector<Setting> SettingsOf(const Plan& plan);
// Run 1 of all settings, then run 2 of all: what drifts on the host meets all settings alike.
std::vector<Step> StepsOf(const Plan& plan);
// Those steps of which there is no trial.
std::vector<Step> Missing(const Plan& plan, const std::vector<Trial>& trials);

// In what two plans differ that must have the same, "--runs is 3 there and 1 here"; empty if in
// nothing.
std::vector<std::string> Differences(const Plan& there, const Plan& here);

// About how long these steps take, by how long the trials took: those of the same setting if there
// are any, else all. nullopt: there are no trials.
std::optional<Duration> TimeFor(const std::vector<Step>& steps, const std::vector<Trial>& trials);

// One for each setting that has a trial, in the order of SettingsOf.
std::vector<SettingOutcome> InPlannedOrder(const Plan& plan, const std::vector<Trial>& trials);

// For people, with a heading.
std::string SweepTable(const Plan& plan, const std::vector<SettingOutcome>& settings);
// One object; its keys are in docs/tuning.md. `missing`: how many trials are still to be made.
std::string SweepJson(const Plan& plan, const std::vector<SettingOutcome>& settings,
                      size_t missing);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_SWEEP_H_
