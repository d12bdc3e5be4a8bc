#include "tools/tune/text_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace floodgate::tune {

absl::Status Unusable(const std::string& path, const char* doing) {
  return absl::UnavailableError(absl::StrCat(path, " cannot be ", doing, ": ", std::strerror(errno),
                                             "; is the directory there, with "
                                             "room on its device, and this user's?"));
}

absl::StatusOr<std::optional<std::string>> ReadTextFile(const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is no file; move it away, or use another directory"));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) return Unusable(path, "read");
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) return Unusable(path, "read");
  return text;
}

}  // namespace floodgate::tune
