#include "tools/tune/output_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace floodgate::tune {

absl::Status MakeDirectory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error || !std::filesystem::is_directory(directory, error)) {
    return absl::UnavailableError(absl::StrCat("--out: ", directory, " cannot be made: ",
                                               error.message(), "; name a directory of this user"));
  }
  if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat("--out: nothing can be written to ", directory, ": ",
                                             std::strerror(errno),
                                             "; name a directory of this user"));
}

absl::Status RemoveFiles(const std::string& directory, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    std::error_code error;
    std::filesystem::remove(std::filesystem::path(directory) / name, error);
    if (error) {
      return absl::UnavailableError(absl::StrCat(directory, "/", name,
                                                 " cannot be removed: ", error.message(),
                                                 "; it is of an earlier question: remove it"));
    }
  }
  return absl::OkStatus();
}

}  // namespace floodgate::tune
