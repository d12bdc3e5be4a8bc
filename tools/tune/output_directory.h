// The directory that --out names, and files in it.
#ifndef FLOODGATE_TOOLS_TUNE_OUTPUT_DIRECTORY_H_
#define FLOODGATE_TOOLS_TUNE_OUTPUT_DIRECTORY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace floodgate::tune {

// Makes it, with those above it, unless it is there. Unavailable: it cannot be made, or this user
// may not make files in it.
absl::Status MakeDirectory(const std::string& directory);

// Removes those of them that are there. Unavailable: one cannot be removed.
absl::Status RemoveFiles(const std::string& directory, const std::vector<std::string>& names);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_OUTPUT_DIRECTORY_H_
