#include "tools/tune/report/svg.h"

#include <cmath>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "tools/tune/report/text.h"

namespace floodgate::tune {
namespace {

std::string PointsText(const std::vector<Point>& points) {
  std::string text;
  for (const Point& point : points) {
    absl::StrAppend(&text, text.empty() ? "" : " ", NumberText(point.x), ",", NumberText(point.y));
  }
  return text;
}

}  // namespace

std::string NumberText(double number) {
  std::string text = absl::StrFormat("%.2f", number);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

double TextWidth(absl::string_view text, double font_size) {
  return 0.64 * font_size * static_cast<double>(text.size());
}

Svg::Svg(absl::string_view name, double width, double height, absl::string_view title,
         absl::string_view description)
    : name_(name), width_(width) {
  xml_ = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" id=\"%s\" viewBox=\"0 0 %s %s\" "
      "role=\"img\" aria-labelledby=\"%s-title %s-description\">\n<title id=\"%s-title\">%s</title>"
      "\n<desc id=\"%s-description\">%s</desc>\n",
      name, NumberText(width), NumberText(height), name, name, name, Escape(title), name,
      Escape(description));
}

void Svg::Rect(double x, double y, double width, double height, absl::string_view attributes) {
  absl::StrAppendFormat(&xml_, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" %s/>\n",
                        NumberText(x), NumberText(y), NumberText(width), NumberText(height),
                        attributes);
}

void Svg::Line(Point from, Point to, absl::string_view attributes) {
  absl::StrAppendFormat(&xml_, "<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" %s/>\n",
                        NumberText(from.x), NumberText(from.y), NumberText(to.x), NumberText(to.y),
                        attributes);
}

void Svg::Polyline(const std::vector<Point>& points, absl::string_view attributes) {
  absl::StrAppendFormat(&xml_, "<polyline points=\"%s\" %s/>\n", PointsText(points), attributes);
}

void Svg::Polygon(const std::vector<Point>& points, absl::string_view attributes) {
  absl::StrAppendFormat(&xml_, "<polygon points=\"%s\" %s/>\n", PointsText(points), attributes);
}

void Svg::Circle(Point centre, double radius, absl::string_view attributes) {
  absl::StrAppendFormat(&xml_, "<circle cx=\"%s\" cy=\"%s\" r=\"%s\" %s/>\n", NumberText(centre.x),
                        NumberText(centre.y), NumberText(radius), attributes);
}

void Svg::Text(Point at, absl::string_view text, absl::string_view attributes) {
  absl::StrAppendFormat(&xml_, "<text x=\"%s\" y=\"%s\" %s>%s</text>\n", NumberText(at.x),
                        NumberText(at.y), attributes, Escape(text));
}

void Svg::Raw(absl::string_view xml) {
  absl::StrAppend(&xml_, xml);
}

Figure Svg::Finish() && {
  xml_ += "</svg>\n";
  return {.name = std::move(name_), .svg = std::move(xml_), .width = width_};
}

}  // namespace floodgate::tune
