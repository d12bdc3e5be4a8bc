#include "tools/tune/programs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace floodgate::tune {
namespace {

bool MayRun(const std::string& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

std::vector<std::string> Directories() {
  std::vector<std::string> directories;
  std::error_code error;
  const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) directories.push_back(own.parent_path().string());
  const char* path = std::getenv("PATH");
  if (path == nullptr) return directories;
  for (const absl::string_view directory : absl::StrSplit(path, ':', absl::SkipEmpty())) {
    directories.emplace_back(directory);
  }
  return directories;
}

}  // namespace

absl::StatusOr<std::string> FindProgram(const std::string& name, const std::string& option,
                                        const std::string& given) {
  if (!given.empty()) {
    if (MayRun(given)) return given;
    return absl::NotFoundError(
        absl::StrCat(option, ": ", given, " is no file that may be run; give the path of ", name));
  }
  const std::vector<std::string> directories = Directories();
  for (const std::string& directory : directories) {
    std::string path = absl::StrCat(directory, "/", name);
    if (MayRun(path)) return path;
  }
  return absl::NotFoundError(absl::StrCat("there is no ", name, " in ",
                                          absl::StrJoin(directories, ", "), "; give its path with ",
                                          option));
}

}  // namespace floodgate::tune
