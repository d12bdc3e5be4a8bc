// `floodgate-tune report`: what is in a directory as one HTML file. Records in, text out.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_PAGE_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_PAGE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/tune/recommendation_file.h"
#include "tools/tune/records.h"
#include "tools/tune/report/findings.h"
#include "tools/tune/report/svg.h"

namespace floodgate::tune {

struct ReportInput {
  Records records;
  // The files that `floodgate-tune recommend` has left in the directory for other programs, shown
  // as they are. Empty: none.
  std::vector<FileLines> recommended = {};
  // And what it says there of them.
  std::optional<KeptRecommendation> recommendation = {};
  // What of the directory could not be read, in sentences: it is told, and the rest is shown.
  std::vector<std::string> warnings = {};
};

struct Report {
  // Well-formed XML and HTML 5 at once; nothing in it comes from elsewhere, and no script.
  std::string html;
  // The pictures in it, in its order.
  std::vector<Figure> figures;
};

// Whether there is anything to report on: a trial, a comparison or a recommendation.
bool HasResults(const ReportInput& input);

// FailedPrecondition: there is nothing to report on; the message has the remedy.
// The same input has the same text.
absl::StatusOr<Report> MakeReport(const ReportInput& input, absl::string_view directory);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_PAGE_H_
