// The part of socket.h that asks the host instead of making sockets.
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "io/errno_text.h"
#include "io/socket.h"

namespace floodgate {
namespace {

// Not to be found after a crash in the middle: the name tells whose it was.
std::string TemporaryName(const std::string& path) {
  return absl::StrCat(path, ".", getpid());
}

bool WriteAll(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

absl::StatusOr<std::vector<IpAddress>> OwnAddresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot list this host's addresses: ", ErrnoText(errno)));
  }
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  std::vector<IpAddress> addresses;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const uint32_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    addresses.push_back(ToPeerAddress(entry->ifa_addr, size).ip);
  }
  return addresses;
}

uint64_t RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return raised.rlim_cur;
  return limit.rlim_cur;
}

std::optional<uint32_t> SomaxConn() {
  std::ifstream file("/proc/sys/net/core/somaxconn");
  uint32_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

std::optional<uint64_t> ListenOverflows() {
  // Two lines a group: "TcpExt: Name Name ..." and "TcpExt: 1 2 ...".
  std::ifstream file("/proc/net/netstat");
  std::string names;
  std::string values;
  while (std::getline(file, names) && std::getline(file, values)) {
    std::istringstream name_stream(names);
    std::istringstream value_stream(values);
    std::string name;
    std::string value;
    if (!(name_stream >> name) || !(value_stream >> value) || name != "TcpExt:") continue;
    uint64_t count = 0;
    while (name_stream >> name && value_stream >> count) {
      if (name == "ListenOverflows") return count;
    }
  }
  return std::nullopt;
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view text) {
  const std::string temporary = TemporaryName(path);
  const auto failed = [&](absl::string_view what) {
    const int error = errno;
    unlink(temporary.c_str());
    return absl::UnavailableError(
        absl::StrCat("cannot write ", path, ": ", what, ": ", ErrnoText(error)));
  };
  unlink(temporary.c_str());
  OwnedFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd.valid()) return failed("creating a file beside it");
  if (!WriteAll(fd.get(), text)) return failed("writing");
  if (fsync(fd.get()) != 0) return failed("flushing");
  if (rename(temporary.c_str(), path.c_str()) != 0) return failed("renaming into place");
  return absl::OkStatus();
}

}  // namespace floodgate
