// An axis of a plot: where a value is on it, and its ticks.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_AXIS_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_AXIS_H_

#include <string>
#include <vector>

namespace floodgate::tune {

struct Tick {
  double value = 0;
  std::string label;
};

// Linear or logarithmic, from `least` to `most`; least < most, and 0 < least if logarithmic.
struct Axis {
  double least = 0, most = 1;
  bool logarithmic = false;
  std::vector<Tick> ticks;  // ascending, within the axis

  // 0 at the least and 1 at the most; what is beyond is put at the end.
  double At(double value) const;
};

// From 0 to a round number at or above `most`, its ticks at steps of 1, 2 or 5 times a power of
// ten, 3 to 7 of them. REQUIRES: most >= 0; 0 is taken for 1.
Axis LinearAxis(double most);
// From a round number at or below `least` to one at or above `most`; ticks at 1, 2 and 5 times
// powers of ten, or at powers of ten alone, at most 7 of them. REQUIRES: 0 < least <= most.
Axis LogarithmicAxis(double least, double most);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_AXIS_H_
