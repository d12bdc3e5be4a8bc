// `floodgate-tune recommend`, from its options to its exit status.
#ifndef FLOODGATE_TOOLS_TUNE_RECOMMEND_COMMAND_H_
#define FLOODGATE_TOOLS_TUNE_RECOMMEND_COMMAND_H_

#include "tools/tune/recommend_options.h"

namespace floodgate::tune {

// 0: there are settings that do it, and if they were tried they did; 1: there are none, or it
// failed; 130, 143: SIGINT, SIGTERM came while it measured or tried. What failed has been told.
// While it simulates a signal ends the process.
int RunRecommend(const RecommendOptions& options);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_RECOMMEND_COMMAND_H_
