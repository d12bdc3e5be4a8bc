#include "daemon/reload_access.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/fd.h"

namespace floodgate {

std::vector<std::string> UnreadableAtReload(const std::string& config, const Options& options) {
  std::vector<std::pair<std::string, std::string>> files = {{"the configuration", config}};
  if (options.tls.has_value()) {
    files.emplace_back("tls.certificate", options.tls->certificate);
    files.emplace_back("tls.private_key", options.tls->private_key);
    if (options.controller.has_value()) {
      files.emplace_back("controller.client_ca", options.controller->client_ca);
    }
  }
  const std::string user =
      options.runtime.user.empty() ? "this user" : absl::StrCat("'", options.runtime.user, "'");
  std::vector<std::string> lines;
  for (const auto& [what, path] : files) {
    if (path.empty()) continue;
    const OwnedFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (fd.valid()) continue;
    lines.push_back(absl::StrCat(what, ", ", path, ", cannot be read by ", user, ": ",
                                 std::strerror(errno),
                                 ", so every reload will fail; let that user's group read it "
                                 "(chgrp, chmod g+r) and pass its directories (chmod g+x)"));
  }
  return lines;
}

}  // namespace floodgate
