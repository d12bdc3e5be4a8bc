#include "tools/tune/report_options.h"

#include <utility>

namespace floodgate::tune {

void AddReport(CLI::App& app, ReportOptions& options, std::function<void()> chosen) {
  CLI::App* sub = app.add_subcommand(
      "report",
      "What sweep, predict --validate and recommend have found, as one HTML file: DIR/report.html");
  sub->add_option("DIR", options.directory, "The --out of sweep, predict or recommend")
      ->required()
      ->type_name("");
  sub->add_flag("--figures", options.figures, "Write each picture as DIR/report-NAME.svg, too");
  sub->callback(std::move(chosen));
}

}  // namespace floodgate::tune
