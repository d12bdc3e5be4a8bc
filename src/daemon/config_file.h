// Reading the configuration's file from disk.
#ifndef FLOODGATE_DAEMON_CONFIG_FILE_H_
#define FLOODGATE_DAEMON_CONFIG_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace floodgate {

inline constexpr size_t kConfigBytesMax = size_t{1} << 20;

// All of the file at `path`: a regular file of at most kConfigBytesMax. Never waits for a writer,
// as reading from a FIFO would: a daemon that reloads must not stop for it. InvalidArgument: it is
// something else, or may not be read; the message says what, and what would be right.
absl::StatusOr<std::string> ReadConfigFile(const std::string& path);

}  // namespace floodgate

#endif  // FLOODGATE_DAEMON_CONFIG_FILE_H_
