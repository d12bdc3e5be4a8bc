// What `floodgate-tune report` was asked.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_OPTIONS_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace floodgate::tune {

struct ReportOptions {
  std::string directory;  // with records.h's files; the report is written there
  bool figures = false;   // each picture as a file of its own, too
};

// Adds the command. `options` outlives the parsing; `chosen` is called when this command was asked
// for and its options are whole.
void AddReport(CLI::App& app, ReportOptions& options, std::function<void()> chosen);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_OPTIONS_H_
