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

// A line of a plot.
struct PlotLine {
  std::string text;   // what it is of, in the plot's key: 50 characters at the most
  std::string style;  // "best", "default", "worst": the class of style.h
  const std::vector<TrialMoment>* timeline = nullptr;  // not empty
};

std::vector<PlotLine> LinesOf(const std::vector<Shown>& shown);

// `name`: the picture's, see Figure. REQUIRES: there are lines.
Figure QueuePlot(const std::vector<PlotLine>& lines, const std::string& name);
Figure ServedPlot(const std::vector<PlotLine>& lines, const std::string& name);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_LINE_PLOT_H_
