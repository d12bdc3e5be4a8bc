#include "daemon/config_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/fd.h"

namespace floodgate {
namespace {

absl::Status Fault(const std::string& path, absl::string_view problem, absl::string_view remedy) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", problem, "; ", remedy));
}

absl::Status Unreadable(const std::string& path, int error) {
  return Fault(path, absl::StrCat("cannot be read: ", std::strerror(error)),
               "--config takes a file that this user may read");
}

absl::Status TooLong(const std::string& path) {
  return Fault(path, "is longer than 1 MiB", "--config takes a configuration, which is shorter");
}

}  // namespace

absl::StatusOr<std::string> ReadConfigFile(const std::string& path) {
  // Without O_NONBLOCK the opening of a FIFO waits for whoever writes into it.
  const OwnedFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return Unreadable(path, errno);
  struct stat facts = {};
  if (::fstat(fd.get(), &facts) != 0) return Unreadable(path, errno);
  if (!S_ISREG(facts.st_mode)) {
    return Fault(path, S_ISDIR(facts.st_mode) ? "is a directory" : "is no regular file",
                 "--config takes a regular file");
  }
  // Its size is no promise: whoever writes it may do so now.
  std::string text;
  while (text.size() <= kConfigBytesMax) {
    char buffer[16 * 1024];
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unreadable(path, errno);
    if (got == 0) return text;
    text.append(buffer, static_cast<size_t>(got));
  }
  return TooLong(path);
}

}  // namespace floodgate
