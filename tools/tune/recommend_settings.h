// What to set for a recommended backlog, each with its reason. Pure.
#ifndef FLOODGATE_TOOLS_TUNE_RECOMMEND_SETTINGS_H_
#define FLOODGATE_TOOLS_TUNE_RECOMMEND_SETTINGS_H_

#include <vector>

#include "tools/tune/recommend.h"

namespace floodgate::tune {

// Of `recommendation`: best, tried and admissions_per_second. The configuration's first, then the
// kernel's, then the unit's. Of the kernel's those are left out that are enough as Linux has them
// by default.
std::vector<Reasoned> SettingsFor(const Wanted& wanted, const Recommendation& recommendation);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_RECOMMEND_SETTINGS_H_
