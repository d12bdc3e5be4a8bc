// What of the settings loses agents, or time. Part of the findings.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_LOSSES_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_LOSSES_H_

#include <string>
#include <vector>

#include "tools/tune/ranking.h"
#include "tools/tune/report/findings.h"

namespace floodgate::tune {

// Why a setting does worse than the best, as far as the counters tell: clauses, the weightiest
// first, joined by "; ". "" if they do not.
std::string CauseOf(const SettingOutcome& summary, const SettingOutcome& best);

// `summaries`: the best first; not empty.
std::vector<std::string> LossSentences(const std::vector<SettingOutcome>& summaries);
std::vector<Variation> VariationsOf(const std::vector<SettingOutcome>& summaries);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_LOSSES_H_
