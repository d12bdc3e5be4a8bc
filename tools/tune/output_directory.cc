#include "tools/tune/output_directory.h"

#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace floodgate::tune {

absl::Status MakeDirectory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error && std::filesystem::is_directory(directory, error)) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("--out: ", directory, " cannot be made: ",
                                             error.message(), "; name a directory of this user"));
}

absl::Status WriteWhole(const std::string& directory, const std::string& name,
                        const std::string& text) {
  const std::string path = absl::StrCat(directory, "/", name);
  const std::string begun = path + ".new";
  std::error_code error;
  std::ofstream file(begun, std::ios::binary | std::ios::trunc);
  if (file << text && file.flush()) {
    file.close();
    std::filesystem::rename(begun, path, error);
    if (!error) return absl::OkStatus();
  }
  std::filesystem::remove(begun, error);
  return absl::UnavailableError(absl::StrCat(
      path, " cannot be written; is the directory this user's, with room on its device?"));
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
