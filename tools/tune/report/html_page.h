// A page of the report as it grows.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_HTML_PAGE_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_HTML_PAGE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/tune/report/findings.h"
#include "tools/tune/report/svg.h"

namespace floodgate::tune {

struct HtmlPage {
  std::string html;
  std::vector<Figure> figures;  // that it has shown

  // Plain text, with code between back quotes: see Prose.
  void Paragraph(absl::string_view text);
  void Items(absl::string_view tag, const std::vector<std::string>& items);
  void File(const FileLines& file);
  void Picture(Figure figure);
};

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_HTML_PAGE_H_
