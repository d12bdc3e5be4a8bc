#include "tools/tune/report_command.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "io/socket.h"
#include "tools/tune/console.h"
#include "tools/tune/recommendation_file.h"
#include "tools/tune/records.h"
#include "tools/tune/report/page.h"
#include "tools/tune/report/style.h"
#include "tools/tune/text_file.h"

namespace floodgate::tune {
namespace {

// Tells it, here and in the page, which has all else. The page names files without their directory.
void Warn(const absl::Status& status, const std::string& directory, ReportInput& input) {
  const std::string message(status.message());
  Remark(absl::StrCat("warning: ", message, "; the report has all else"));
  input.warnings.push_back(absl::StrCat("This is missing here, since it could not be read: ",
                                        absl::StripPrefix(message, absl::StrCat(directory, "/")),
                                        "."));
}

// An error where there is nothing else to report on.
absl::Status AddRecommendation(const std::string& directory, ReportInput& input) {
  absl::StatusOr<std::optional<KeptRecommendation>> recommendation = ReadRecommendation(directory);
  if (recommendation.ok()) {
    input.recommendation = *std::move(recommendation);
  } else if (HasResults(input)) {
    Warn(recommendation.status(), directory, input);
  } else {
    return recommendation.status();
  }
  for (const char* name : {kTomlFile, kSysctlFile}) {
    absl::StatusOr<std::optional<std::string>> text =
        ReadTextFile(absl::StrCat(directory, "/", name));
    if (!text.ok()) Warn(text.status(), directory, input);
    if (!text.ok() || text->value_or("").empty()) continue;
    input.recommended.push_back({name, **std::move(text)});
  }
  return absl::OkStatus();
}

absl::Status Write(const std::string& path, const std::string& text) {
  absl::Status status = WriteFileAtomically(path, text);
  return status.ok() ? Print(absl::StrCat(path, "\n")) : status;
}

}  // namespace

int RunReport(const ReportOptions& options) {
  absl::StatusOr<Records> records = ReadRecords(options.directory);
  if (!records.ok()) return Fail(records.status());
  ReportInput input = {.records = *std::move(records)};
  absl::Status status = AddRecommendation(options.directory, input);
  if (!status.ok()) return Fail(status);
  const absl::StatusOr<Report> report = MakeReport(input, options.directory);
  if (!report.ok()) return Fail(report.status());
  status = Write(absl::StrCat(options.directory, "/report.html"), report->html);
  if (options.figures) {
    for (const Figure& figure : report->figures) {
      if (!status.ok()) break;
      status = Write(absl::StrCat(options.directory, "/report-", figure.name, ".svg"),
                     StandaloneSvg(figure));
    }
  }
  return status.ok() ? 0 : Fail(status);
}

}  // namespace floodgate::tune
