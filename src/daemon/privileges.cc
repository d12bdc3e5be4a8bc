#include "daemon/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace floodgate {

absl::Status DropTo(const std::string& user) {
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) {
    return absl::NotFoundError(absl::StrCat("runtime.user: there is no user '", user,
                                            "' on this host; create it (adduser --system), or name "
                                            "one of `getent passwd`"));
  }
  if (::geteuid() == entry->pw_uid && ::getuid() == entry->pw_uid) return absl::OkStatus();
  if (::initgroups(entry->pw_name, entry->pw_gid) != 0 ||
      ::setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 ||
      ::setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0) {
    return absl::PermissionDeniedError(absl::StrCat("runtime.user: cannot become '", user,
                                                    "': ", std::strerror(errno),
                                                    "; start as root, or leave it empty"));
  }
  if (entry->pw_uid != 0 && ::setresuid(0, 0, 0) == 0) {
    return absl::InternalError("runtime.user: root could be had back after it was given up");
  }
  return absl::OkStatus();
}

}  // namespace floodgate
