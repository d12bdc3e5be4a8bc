// The sweep as heat maps: time to 99 per cent over backlog and drain rate, one for each number of
// handshakes at a time.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_HEAT_MAP_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_HEAT_MAP_H_

#include <vector>

#include "tools/tune/ranking.h"
#include "tools/tune/records.h"
#include "tools/tune/report/svg.h"

namespace floodgate::tune {

// The values that were tried or are to be, each ascending and once.
struct SweepAxes {
  std::vector<int> backlogs, drain_rates, handshakes;

  bool is_one_setting() const;
};

// Of the plan, if there is one, and of the trials, whether planned or not.
SweepAxes AxesOf(const Records& records);

// All maps have one scale of colours, logarithmic. A cell has its time in it, how many agents were
// not in (in the worst run; hatched), and the mark of the best. `summaries`: as Rank leaves them,
// the best first; not empty.
std::vector<Figure> HeatMaps(const SweepAxes& axes, const std::vector<SettingOutcome>& summaries);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_HEAT_MAP_H_
