// Writes one inline SVG picture. Colours come from the classes of style.h, so that a picture suits
// a light and a dark page; an attribute here is for what the data decides.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_SVG_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_SVG_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace floodgate::tune {

struct Point {
  double x = 0, y = 0;
};

// A finished picture. `svg` is well-formed XML.
struct Figure {
  std::string name;  // "heat-map-1": its id, and its file's name
  std::string svg;
  double width = 0;  // of the view box: one unit is a pixel at its natural size
};

class Svg {
 public:
  // `title` says what it is, `description` what is to be seen; both are plain text, for those who
  // cannot see it. `name` is an id, unique in the page.
  Svg(absl::string_view name, double width, double height, absl::string_view title,
      absl::string_view description);

  // `attributes` is ready XML: class="axis". `text` is plain text.
  void Rect(double x, double y, double width, double height, absl::string_view attributes);
  void Line(Point from, Point to, absl::string_view attributes);
  void Polyline(const std::vector<Point>& points, absl::string_view attributes);
  void Polygon(const std::vector<Point>& points, absl::string_view attributes);
  void Circle(Point centre, double radius, absl::string_view attributes);
  void Text(Point at, absl::string_view text, absl::string_view attributes);
  // Ready XML, such as <defs>.
  void Raw(absl::string_view xml);

  Figure Finish() &&;

 private:
  std::string name_;
  std::string xml_;
  double width_;
};

// At most two decimals, none that are not needed: "12", "0.5".
std::string NumberText(double number);

// How wide a text is about, at that font size; a little too much for most fonts.
double TextWidth(absl::string_view text, double font_size);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_SVG_H_
