// `floodgate-tune report`: the records of a directory as one HTML file. Records in, text out.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_PAGE_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_PAGE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/tune/records.h"
#include "tools/tune/report/findings.h"
#include "tools/tune/report/svg.h"

namespace floodgate::tune {

struct ReportInput {
  Records records;
  // What `floodgate-tune recommend` has left in the directory, shown as it is. Empty: nothing.
  std::vector<FileLines> recommended;
};

struct Report {
  // Well-formed XML and HTML 5 at once; nothing in it comes from elsewhere, and no script.
  std::string html;
  // The pictures in it, in its order.
  std::vector<Figure> figures;
};

// FailedPrecondition: there is nothing to report on; the message has the remedy.
// The same input has the same text.
absl::StatusOr<Report> MakeReport(const ReportInput& input, absl::string_view directory);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_PAGE_H_
