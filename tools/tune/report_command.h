// `floodgate-tune report`.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_COMMAND_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_COMMAND_H_

#include "tools/tune/report_options.h"

namespace floodgate::tune {

// Reads the directory, writes the report into it and prints where. The exit status: 1 if there is
// nothing to report on, or a file cannot be read or written; what was wrong has been told. Files of
// `recommend` that cannot be read are a warning where there is something else to report on.
int RunReport(const ReportOptions& options);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_COMMAND_H_
