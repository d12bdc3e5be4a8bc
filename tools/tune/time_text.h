// Times in the tables of the commands.
#ifndef FLOODGATE_TOOLS_TUNE_TIME_TEXT_H_
#define FLOODGATE_TOOLS_TUNE_TIME_TEXT_H_

#include <optional>
#include <string>

#include "base/time.h"

namespace floodgate::tune {

// "1.25 s"; nullopt: "never".
std::string SecondsOrNever(const std::optional<Duration>& time);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_TIME_TEXT_H_
