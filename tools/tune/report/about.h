// The report's last section: on what, when and how its figures came about.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_ABOUT_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_ABOUT_H_

#include <string>

#include "tools/tune/records.h"

namespace floodgate::tune {

// HTML, with the settings that are not done yet.
std::string AboutSection(const Records& records);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_ABOUT_H_
