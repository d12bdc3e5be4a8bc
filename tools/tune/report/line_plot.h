// Lines over time: what the queue held, and who was in.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_LINE_PLOT_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_LINE_PLOT_H_

#include <string>
#include <vector>

#include "tools/tune/ranking.h"
#include "tools/tune/records.h"
#include "tools/tune/report/svg.h"

namespace floodgate::tune {

// A trial to be drawn, and as what.
struct Shown {
  std::string role;   // "best", "best and default", "default", "worst": as people read it
  std::string style;  // "best", "default", "worst": the class of style.h
  const SettingOutcome* summary = nullptr;
  const Trial* trial = nullptr;  // with a timeline
};

// Of the best setting, the default one (if it was tried) and the worst (if there are two or more):
// each one's typical trial; one of them alone if nobody was served with any. Those without a
// timeline are left out. `summaries`: the best first.
std::vector<Shown> ShownTrials(const std::vector<Trial>& trials,
                               const std::vector<SettingOutcome>& summaries);

// REQUIRES: shown is not empty.
Figure QueuePlot(const std::vector<Shown>& shown);
Figure ServedPlot(const std::vector<Shown>& shown);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_LINE_PLOT_H_
