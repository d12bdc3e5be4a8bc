// The report's last section: on what, when and how its figures came about.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_ABOUT_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_ABOUT_H_

#include <string>

#include "tools/tune/report/page.h"

namespace floodgate::tune {

// HTML, with the settings that are not done yet, and the parts that the report has not.
std::string AboutSection(const ReportInput& input);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_ABOUT_H_
