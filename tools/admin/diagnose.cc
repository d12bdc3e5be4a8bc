// DiagnoseConnection and AdminPeer of admin_client.h.
#include <grp.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/fd.h"
#include "tools/admin/admin_client.h"

namespace floodgate {
namespace {

// "its group is adm (members may connect)": what a user who was refused can do about it.
std::string WhoMayConnect(const std::string& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) {
    return "a directory on the way to it is closed to this user; run as root or as its owner";
  }
  const group* entry = ::getgrgid(file.st_gid);
  const std::string name = entry != nullptr ? entry->gr_name : absl::StrCat(file.st_gid);
  if ((file.st_mode & S_IWGRP) != 0) {
    return absl::StrCat("members of group ", name, " may connect: join it, or run as root");
  }
  return "only its owner may connect: run as that user or as root, or set admin.mode = \"0660\"";
}

absl::Status Explain(int error, const Endpoint& endpoint) {
  const std::string where = endpoint.ToString();
  const std::string reason = std::strerror(error);
  switch (error) {
    case ENOENT:
      return absl::UnavailableError(absl::StrCat(
          "no socket at ", where, "; is floodgated running? --admin must be its admin.listen"));
    case ECONNREFUSED:
      return absl::UnavailableError(
          absl::StrCat("nobody listens at ", where,
                       "; is floodgated running? --admin must be its admin.listen"));
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(absl::StrCat(
          "not allowed to connect to ", where, "; ",
          endpoint.kind == Endpoint::Kind::kUnixPath ? WhoMayConnect(endpoint.path) : reason));
    default:
      return absl::UnavailableError(absl::StrCat("cannot connect to ", where, ": ", reason,
                                                 "; --admin must be floodgated's admin.listen"));
  }
}

// 0 or errno. `peer`, if not null, takes the credentials of who listens.
int TryConnect(int family, const sockaddr* address, socklen_t size, ucred* peer = nullptr) {
  const OwnedFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // The send time-out bounds connect(2) as well (socket(7)).
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (::connect(fd.get(), address, size) != 0) return errno;
  if (peer == nullptr) return 0;
  socklen_t peer_size = sizeof(*peer);
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, peer, &peer_size) == 0 ? 0 : errno;
}

int TryUnix(const Endpoint& endpoint, ucred* peer = nullptr) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const size_t offset = endpoint.kind == Endpoint::Kind::kUnixAbstract ? 1 : 0;
  std::memcpy(address.sun_path + offset, endpoint.path.data(), endpoint.path.size());
  return TryConnect(
      AF_UNIX, reinterpret_cast<const sockaddr*>(&address),
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + endpoint.path.size() + 1), peer);
}

}  // namespace

absl::Status DiagnoseConnection(const Endpoint& endpoint) {
  if (endpoint.is_unix()) {
    const int error = TryUnix(endpoint);
    return error == 0 ? absl::OkStatus() : Explain(error, endpoint);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(endpoint.host.c_str(), absl::StrCat(endpoint.port).c_str(), &hints, &found);
  if (error != 0) {
    return absl::NotFoundError(absl::StrCat("cannot look up ", endpoint.host, ": ",
                                            ::gai_strerror(error), "; check --admin"));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  int reason = 0;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    reason = TryConnect(entry->ai_family, entry->ai_addr, entry->ai_addrlen);
    if (reason == 0) return absl::OkStatus();
  }
  return Explain(reason, endpoint);
}

std::optional<int> AdminPeer(const Endpoint& endpoint) {
  ucred peer{};
  if (!endpoint.is_unix() || TryUnix(endpoint, &peer) != 0 || peer.pid <= 0) return std::nullopt;
  return peer.pid;
}

}  // namespace floodgate
