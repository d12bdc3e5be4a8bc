// The tables of the report, as HTML.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_TABLES_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_TABLES_H_

#include <string>
#include <vector>

#include "tools/tune/ranking.h"
#include "tools/tune/recommendation_file.h"
#include "tools/tune/records.h"
#include "tools/tune/report/findings.h"
#include "tools/tune/report/line_plot.h"

namespace floodgate::tune {

// The best first; medians over the runs. `runs`: how many each setting was to have; 0: not known.
std::string SettingsTable(const std::vector<SettingOutcome>& summaries, int runs);
// The best setting with one thing changed. "" if no such setting was tried.
std::string VariationsTable(const SettingOutcome& best, const std::vector<Variation>& variations);
// What the lines show: when shares of the agents were in, and the deepest queue.
std::string MilestonesTable(const std::vector<Shown>& shown);
// The backlogs that `floodgate-tune recommend` has simulated.
std::string SimulatedTable(const KeptRecommendation& recommendation);
// Every comparison, numbered as in the plot.
std::string ComparisonsTable(const std::vector<Comparison>& comparisons);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_TABLES_H_
