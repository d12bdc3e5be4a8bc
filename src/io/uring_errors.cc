#include "io/uring_errors.h"

#include <cerrno>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "io/errno_text.h"

namespace floodgate {
namespace {

// kernel.io_uring_disabled: 0 allowed, 1 for members of kernel.io_uring_group alone, 2 for nobody.
// -1 where the kernel has no such setting.
int ReadDisabledSetting() {
  std::ifstream file("/proc/sys/kernel/io_uring_disabled");
  int value = -1;
  return file >> value ? value : -1;
}

std::string LikelyCause(int error) {
  switch (error) {
    case ENOSYS:
      return "; the kernel has no io_uring, or a seccomp profile hides it";
    case EPERM: {
      const int setting = ReadDisabledSetting();
      if (setting > 0) {
        return absl::StrCat("; kernel.io_uring_disabled is ", setting,
                            ": allow it with `sysctl kernel.io_uring_disabled=0`");
      }
      return "; a seccomp profile (container runtimes have one by default) or a security module "
             "forbids it";
    }
    case EACCES:
      return "; a security module forbids it";
    case EINVAL:
      return "; the kernel is too old (Linux 6.10 or later is needed)";
    case ENOMEM:
      return "; RLIMIT_MEMLOCK (ulimit -l) or the memory limit of the control group is too low";
    case EMFILE:
    case ENFILE:
      return "; no descriptor is left (ulimit -n)";
    default:
      return "";
  }
}

}  // namespace

absl::Status UringError(absl::string_view call, int error) {
  return absl::UnavailableError(
      absl::StrCat(call, " failed: ", ErrnoText(error), LikelyCause(error)));
}

}  // namespace floodgate
