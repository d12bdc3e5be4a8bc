// How the report looks: CSS with a light and a dark scheme, and one for paper.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_STYLE_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_STYLE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tools/tune/report/svg.h"

namespace floodgate::tune {

// Of the pictures: colours as variables, and the classes that svg.h's users name. Neither has a '<'
// or '&', so both may stand in HTML and in XML as they are.
absl::string_view PlotStyle();
// Of all else on the page.
absl::string_view PageStyle();

// The picture as a file of its own, with its style and ground in it.
std::string StandaloneSvg(const Figure& figure);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_STYLE_H_
