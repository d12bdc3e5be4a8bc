// What a report could have and has not, and which command adds it.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_ABSENT_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_ABSENT_H_

#include <string>
#include <vector>

#include "tools/tune/report/page.h"

namespace floodgate::tune {

// One sentence for each part that is missing, with its command; as far as the rest tells of it, for
// the same fleet. Plain text, for Prose.
std::vector<std::string> AbsentParts(const ReportInput& input);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_ABSENT_H_
