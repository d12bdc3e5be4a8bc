// Reading a file whole, and saying why it cannot be.
#ifndef FLOODGATE_TOOLS_TUNE_TEXT_FILE_H_
#define FLOODGATE_TOOLS_TUNE_TEXT_FILE_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace floodgate::tune {

// nullopt: it is not there. InvalidArgument: it is no file. Unavailable: it cannot be read.
absl::StatusOr<std::optional<std::string>> ReadTextFile(const std::string& path);

// Unavailable, for the reason that errno has. `doing`: "read", "written".
absl::Status Unusable(const std::string& path, const char* doing);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_TEXT_FILE_H_
