#include "daemon/announce.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace floodgate {

std::string PortsJson(const BoundPorts& ports) {
  const nlohmann::ordered_json json = {
      {"controller", ports.controller}, {"agent", ports.agent}, {"admin", ports.admin}};
  return json.dump();
}

absl::Status NotifyDescriptor(int fd, const std::string& line) {
  const std::string text = line + "\n";
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t result = ::write(fd, text.data() + written, text.size() - written);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0) {
      return absl::InvalidArgumentError(absl::StrCat("--notify-fd ", fd, ": ", std::strerror(errno),
                                                     "; it must be a descriptor open for writing"));
    }
    written += static_cast<size_t>(result);
  }
  ::close(fd);
  return absl::OkStatus();
}

void NotifySystemd(const std::string& state) {
  ::sd_notify(/*unset_environment=*/0, state.c_str());
}

}  // namespace floodgate
