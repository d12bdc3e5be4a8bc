// `floodgate-tune predict`, from its options to its exit status.
#ifndef FLOODGATE_TOOLS_TUNE_PREDICT_COMMAND_H_
#define FLOODGATE_TOOLS_TUNE_PREDICT_COMMAND_H_

#include "tools/tune/predict_options.h"

namespace floodgate::tune {

// 0: it ran, whatever came out; 1: it failed; 130, 143: SIGINT, SIGTERM came while it measured.
// The last three have been told. While it simulates a signal ends the process.
int RunPredict(const PredictOptions& options);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_PREDICT_COMMAND_H_
