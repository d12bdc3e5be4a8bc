// What of a sweep's plan is not done yet.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_UNFINISHED_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_UNFINISHED_H_

#include <vector>

#include "tools/tune/records.h"

namespace floodgate::tune {

struct Unfinished {
  Setting setting;
  int runs = 0;  // that are missing, 1 and up
};

// In the order of the plan; nothing without a plan.
std::vector<Unfinished> UnfinishedOf(const Records& records);
// All of those runs together.
int TrialsMissing(const Records& records);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_UNFINISHED_H_
