#include "tools/tune/report/scatter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/tune/report/frame.h"
#include "tools/tune/report/text.h"

namespace floodgate::tune {
namespace {

// Beyond this ratio of the greatest to the least, the axes are logarithmic.
constexpr double kLinearRatioMax = 5;
constexpr double kMark = 5, kFont = 12, kLineHeight = 14;

struct Spot {
  size_t number = 0;
  double measured = 0, predicted = 0;  // seconds
  bool in_band = false;
};

// A rectangle that is taken by a mark or a number.
struct Box {
  double left, top, right, bottom;

  bool Meets(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

std::vector<Spot> SpotsOf(const std::vector<Comparison>& comparisons) {
  std::vector<Spot> spots;
  for (size_t i = 0; i < comparisons.size(); ++i) {
    if (!ErrorOf(comparisons[i]).has_value()) continue;
    spots.push_back({i + 1, comparisons[i].measured.most->seconds(),
                     comparisons[i].predicted.most->seconds(), InBand(comparisons[i])});
  }
  return spots;
}

Axis AxisOf(const std::vector<Spot>& spots) {
  double least = spots.front().measured;
  double most = 0;
  for (const Spot& spot : spots) {
    least = std::min({least, spot.measured, spot.predicted});
    most = std::max({most, spot.measured, spot.predicted});
  }
  if (least <= 0 || most / least <= kLinearRatioMax) return LinearAxis(most * 1.02);
  return LogarithmicAxis(least * 0.9, most * 1.1);
}

void DrawBand(const Frame& frame, Svg& svg) {
  // On either kind of axis its edges are straight; what is outside of the frame is cut off.
  const double low = frame.x.least;
  const double high = frame.x.most;
  const auto at = [&frame, low](double x, double factor) {
    Point point = frame.At(x, x);
    const double height = frame.bottom() - frame.top();
    if (frame.y.logarithmic) {
      point.y -= height * std::log(factor) / std::log(frame.y.most / low);
    } else {
      point.y = frame.bottom() - (frame.bottom() - point.y) * factor;
    }
    return point;
  };
  svg.Raw(absl::StrFormat(
      "<clipPath id=\"scatter-clip\"><rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>"
      "</clipPath>\n<g clip-path=\"url(#scatter-clip)\">\n",
      NumberText(frame.left()), NumberText(frame.top()), NumberText(frame.right() - frame.left()),
      NumberText(frame.bottom() - frame.top())));
  svg.Polygon({at(low, 1 + kBand), at(high, 1 + kBand), at(high, 1 - kBand), at(low, 1 - kBand)},
              "class=\"band\"");
  svg.Line(frame.At(low, low), frame.At(high, high), "class=\"line same\"");
  svg.Raw("</g>\n");
}

Box BoxAround(Point centre, double width, double height) {
  return {centre.x - width / 2, centre.y - height / 2, centre.x + width / 2, centre.y + height / 2};
}

// The nearest place for a text of that size where nothing else is.
std::optional<Point> FreePlace(Point spot, double width, const Frame& frame,
                               const std::vector<Box>& taken) {
  constexpr std::array<Point, 8> kDirections = {
      {{1, 0}, {-1, 0}, {0, -1}, {0, 1}, {0.8, -0.8}, {-0.8, 0.8}, {0.8, 0.8}, {-0.8, -0.8}}};
  for (const double distance : {1.0, 1.8, 2.8, 4.0}) {
    for (const Point& direction : kDirections) {
      const Point centre = {spot.x + direction.x * distance * (kMark + 3 + width / 2),
                            spot.y + direction.y * distance * (kMark + 3 + kLineHeight / 2)};
      const Box box = BoxAround(centre, width, kLineHeight);
      const bool inside = box.left >= frame.left() && box.right <= frame.right() &&
                          box.top >= frame.top() && box.bottom <= frame.bottom();
      const bool free = std::none_of(taken.begin(), taken.end(),
                                     [&box](const Box& other) { return box.Meets(other); });
      if (inside && free) return centre;
    }
  }
  return std::nullopt;
}

void DrawSpots(const std::vector<Spot>& spots, const Frame& frame, Svg& svg) {
  std::vector<Box> taken;
  taken.reserve(2 * spots.size());
  for (const Spot& spot : spots) {
    taken.push_back(BoxAround(frame.At(spot.measured, spot.predicted), 2 * kMark, 2 * kMark));
  }
  for (const Spot& spot : spots) {
    const Point at = frame.At(spot.measured, spot.predicted);
    const std::string number = absl::StrCat(spot.number);
    const double width = TextWidth(number, kFont) + 4;
    const std::optional<Point> place = FreePlace(at, width, frame, taken);
    if (place.has_value()) {
      svg.Line(at, *place, "class=\"leader\"");
      svg.Rect(place->x - width / 2, place->y - kLineHeight / 2, width, kLineHeight,
               "class=\"number-ground\"");
      svg.Text({place->x, place->y + 4.2}, number, "class=\"small middle\"");
      taken.push_back(BoxAround(*place, width, kLineHeight));
    }
  }
  for (const Spot& spot : spots) {
    const Point at = frame.At(spot.measured, spot.predicted);
    if (spot.in_band) {
      svg.Circle(at, kMark, "class=\"mark inside\"");
    } else {
      svg.Polygon({{at.x, at.y - kMark - 1.5},
                   {at.x + kMark + 1.5, at.y},
                   {at.x, at.y + kMark + 1.5},
                   {at.x - kMark - 1.5, at.y}},
                  "class=\"mark outside\"");
    }
  }
}

std::string Description(const std::vector<Spot>& spots) {
  std::string text = "Measured, then predicted: ";
  const auto time = [](double seconds) {
    return TimeText(Duration{static_cast<int64_t>(seconds * 1e9)});
  };
  for (const Spot& spot : spots) {
    absl::StrAppend(&text, spot.number, ": ", time(spot.measured), ", ", time(spot.predicted),
                    "; ");
  }
  return text + "the table has the settings.";
}

}  // namespace

std::optional<double> ErrorOf(const Comparison& comparison) {
  const std::optional<Duration>& measured = comparison.measured.most;
  const std::optional<Duration>& predicted = comparison.predicted.most;
  if (!measured.has_value() || !predicted.has_value() || measured->ns <= 0) return std::nullopt;
  return predicted->seconds() / measured->seconds() - 1;
}

bool InBand(const Comparison& comparison) {
  const std::optional<double> error = ErrorOf(comparison);
  return error.has_value() && std::fabs(*error) <= kBand;
}

std::optional<Figure> ScatterPlot(const std::vector<Comparison>& comparisons) {
  const std::vector<Spot> spots = SpotsOf(comparisons);
  if (spots.empty()) return std::nullopt;
  Frame frame;
  frame.x = AxisOf(spots);
  frame.y = frame.x;
  frame.heading = "Predicted and measured time until 99 % are in";
  frame.x_label = frame.x.logarithmic ? "measured, seconds (logarithmic)" : "measured, seconds";
  frame.y_label = frame.x.logarithmic ? "predicted, seconds (logarithmic)" : "predicted, seconds";
  frame.key = {{"as measured", "same"}, {"within 20 % of the measurement", "band-key"}};
  frame.plot_height = 360;
  Svg svg("prediction", frame.width, frame.height(), frame.heading, Description(spots));
  DrawBand(frame, svg);
  frame.Draw(svg);
  DrawSpots(spots, frame, svg);
  return std::move(svg).Finish();
}

}  // namespace floodgate::tune
