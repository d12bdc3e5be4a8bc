#include "tools/tune/report_command.h"

#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "io/socket.h"
#include "tools/tune/console.h"
#include "tools/tune/records.h"
#include "tools/tune/report/page.h"
#include "tools/tune/report/style.h"

namespace floodgate::tune {
namespace {

// What `floodgate-tune recommend --out` writes.
constexpr std::array<const char*, 2> kRecommended = {"floodgate.toml", "90-floodgate.conf"};

// "" if it is not there.
std::string ReadText(const std::string& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

absl::Status Write(const std::string& path, const std::string& text) {
  absl::Status status = WriteFileAtomically(path, text);
  return status.ok() ? Print(absl::StrCat(path, "\n")) : status;
}

}  // namespace

int RunReport(const ReportOptions& options) {
  absl::StatusOr<Records> records = ReadRecords(options.directory);
  if (!records.ok()) return Fail(records.status());
  ReportInput input = {.records = *std::move(records), .recommended = {}};
  for (const char* file : kRecommended) {
    std::string text = ReadText(absl::StrCat(options.directory, "/", file));
    if (!text.empty()) input.recommended.push_back({file, std::move(text)});
  }
  const absl::StatusOr<Report> report = MakeReport(input, options.directory);
  if (!report.ok()) return Fail(report.status());
  absl::Status status = Write(absl::StrCat(options.directory, "/report.html"), report->html);
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
