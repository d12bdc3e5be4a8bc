// The frame of a plot with two axes: grid, ticks, labels and the key above.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_FRAME_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_FRAME_H_

#include <string>
#include <vector>

#include "tools/tune/report/axis.h"
#include "tools/tune/report/svg.h"

namespace floodgate::tune {

struct KeyEntry {
  std::string text;
  std::string style;  // the class of its mark, a short line
};

struct Frame {
  Axis x, y;
  std::string heading;           // of the plot; one line
  std::string x_label, y_label;  // quantity and unit
  std::vector<KeyEntry> key;     // one line each
  double width = 480;            // of the whole picture
  double plot_height = 220;      // of the part between the axes

  double height() const;
  Point At(double x_value, double y_value) const;
  // Everything but the data.
  void Draw(Svg& svg) const;

  double left() const;
  double right() const;
  double top() const;
  double bottom() const;
};

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_FRAME_H_
