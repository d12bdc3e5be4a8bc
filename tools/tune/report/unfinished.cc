#include "tools/tune/report/unfinished.h"

#include <algorithm>

namespace floodgate::tune {

std::vector<Unfinished> UnfinishedOf(const Records& records) {
  std::vector<Unfinished> unfinished;
  if (!records.plan.has_value()) return unfinished;
  const Plan& plan = *records.plan;
  for (const int backlog : plan.backlogs) {
    for (const int drain_rate : plan.drain_rates) {
      for (const int handshakes : plan.handshakes) {
        const Setting setting = {backlog, drain_rate, handshakes};
        const auto done = static_cast<int>(
            std::count_if(records.trials.begin(), records.trials.end(),
                          [&setting](const Trial& trial) { return trial.setting == setting; }));
        if (done < plan.runs) unfinished.push_back({setting, plan.runs - done});
      }
    }
  }
  return unfinished;
}

int TrialsMissing(const Records& records) {
  int missing = 0;
  for (const Unfinished& unfinished : UnfinishedOf(records)) missing += unfinished.runs;
  return missing;
}

}  // namespace floodgate::tune
