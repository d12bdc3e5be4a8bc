#include "tools/tune/report/frame.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace floodgate::tune {
namespace {

constexpr double kFont = 13, kKeyTop = 26, kKeyLine = 19, kBelow = 48, kRightLeast = 22;

}  // namespace

double Frame::left() const {
  double widest = 0;
  for (const Tick& tick : y.ticks) widest = std::max(widest, TextWidth(tick.label, kFont));
  return widest + 12;
}

// Half of the last label is beyond the axis.
double Frame::right() const {
  const double label = x.ticks.empty() ? 0 : TextWidth(x.ticks.back().label, kFont);
  return width - std::max(kRightLeast, label / 2 + 2);
}

// Below the heading, the key and the label of the vertical axis.
double Frame::top() const {
  return kKeyTop + kKeyLine * static_cast<double>(key.size()) + 32;
}

double Frame::bottom() const {
  return top() + plot_height;
}

double Frame::height() const {
  return bottom() + kBelow;
}

Point Frame::At(double x_value, double y_value) const {
  return {left() + (right() - left()) * x.At(x_value), bottom() - plot_height * y.At(y_value)};
}

void Frame::Draw(Svg& svg) const {
  svg.Text({0, 16}, heading, "class=\"heading\"");
  double line = kKeyTop + kKeyLine / 2;
  for (const KeyEntry& entry : key) {
    svg.Line({0, line}, {34, line}, absl::StrFormat("class=\"line %s\"", entry.style));
    svg.Text({44, line + 4.5}, entry.text, "class=\"label\"");
    line += kKeyLine;
  }
  svg.Text({0, top() - 14}, y_label, "class=\"label muted\"");
  for (const Tick& tick : y.ticks) {
    const Point at = At(x.least, tick.value);
    svg.Line(at, {right(), at.y}, "class=\"grid\"");
    svg.Text({at.x - 8, at.y + 4.5}, tick.label, "class=\"label end\"");
  }
  for (const Tick& tick : x.ticks) {
    const Point at = At(tick.value, y.least);
    svg.Line(at, {at.x, top()}, "class=\"grid\"");
    svg.Text({at.x, at.y + 21}, tick.label, "class=\"label middle\"");
  }
  svg.Line({left(), bottom()}, {right(), bottom()}, "class=\"axis\"");
  svg.Line({left(), top()}, {left(), bottom()}, "class=\"axis\"");
  svg.Text({(left() + right()) / 2, bottom() + 40}, x_label, "class=\"label middle muted\"");
}

}  // namespace floodgate::tune
