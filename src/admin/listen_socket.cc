#include "admin/listen_socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace floodgate {
namespace {

constexpr int kBacklog = 128;

absl::Status Fault(absl::StatusCode code, const Endpoint& endpoint, absl::string_view what,
                   absl::string_view remedy) {
  return absl::Status(code, absl::StrCat("cannot listen on ", endpoint.ToString(),
                                         " (admin.listen): ", what, "; ", remedy));
}

absl::Status ErrnoFault(int error, const Endpoint& endpoint) {
  const std::string what = std::strerror(error);
  switch (error) {
    case EADDRINUSE:
      return Fault(absl::StatusCode::kAlreadyExists, endpoint, what,
                   "stop what uses it, or choose another address");
    case EACCES:
    case EPERM:
    case EROFS:
      return Fault(absl::StatusCode::kPermissionDenied, endpoint, what,
                   endpoint.is_unix() ? "make its directory writable for this user"
                                      : "choose a port above 1023");
    case ENOENT:
    case ENOTDIR:
      return Fault(absl::StatusCode::kNotFound, endpoint, what, "make its directory first");
    case EADDRNOTAVAIL:
      return Fault(absl::StatusCode::kInvalidArgument, endpoint, what,
                   "use an address of this host");
    default:
      return Fault(absl::StatusCode::kUnavailable, endpoint, what,
                   "choose another address or make this one usable");
  }
}

absl::StatusOr<OwnedFd> MakeSocket(int family, const Endpoint& endpoint) {
  OwnedFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return ErrnoFault(errno, endpoint);
  return fd;
}

absl::Status BindAndListen(const OwnedFd& fd, const sockaddr* address, socklen_t size,
                           const Endpoint& endpoint) {
  if (::bind(fd.get(), address, size) != 0) return ErrnoFault(errno, endpoint);
  if (endpoint.kind != Endpoint::Kind::kUnixPath && ::listen(fd.get(), kBacklog) != 0) {
    return ErrnoFault(errno, endpoint);
  }
  return absl::OkStatus();
}

// REQUIRES: the path fits, as Endpoint promises.
socklen_t UnixAddress(const Endpoint& endpoint, sockaddr_un& address) {
  address = {};
  address.sun_family = AF_UNIX;
  // An abstract name begins with a zero byte and is as long as the address says (unix(7)).
  const size_t offset = endpoint.kind == Endpoint::Kind::kUnixAbstract ? 1 : 0;
  std::memcpy(address.sun_path + offset, endpoint.path.data(), endpoint.path.size());
  const size_t size = offsetof(sockaddr_un, sun_path) + endpoint.path.size() + 1;
  return static_cast<socklen_t>(size);
}

// Makes way for a new socket file: a socket that nobody listens on any more is removed. Two
// daemons that start at the same moment may both find it dead; the second bind fails then.
absl::Status RemoveStale(const Endpoint& endpoint, const sockaddr_un& address, socklen_t size) {
  struct stat file {};
  if (::lstat(endpoint.path.c_str(), &file) != 0) return absl::OkStatus();  // bind tells the rest.
  if (!S_ISSOCK(file.st_mode)) {
    return Fault(absl::StatusCode::kFailedPrecondition, endpoint,
                 "there is a file that is not a socket", "move it away, or choose another path");
  }
  absl::StatusOr<OwnedFd> probe = MakeSocket(AF_UNIX, endpoint);
  if (!probe.ok()) return probe.status();
  // EAGAIN: somebody listens, and is busy.
  if (::connect(probe->get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 ||
      errno == EAGAIN) {
    return Fault(absl::StatusCode::kAlreadyExists, endpoint, "another program listens there",
                 "stop it, or choose another path");
  }
  if (errno != ECONNREFUSED) return ErrnoFault(errno, endpoint);
  if (::unlink(endpoint.path.c_str()) != 0) return ErrnoFault(errno, endpoint);
  return absl::OkStatus();
}

absl::StatusOr<ListenSocket> ListenUnix(const Endpoint& endpoint, uint32_t mode) {
  sockaddr_un address{};
  const socklen_t size = UnixAddress(endpoint, address);
  const bool is_path = endpoint.kind == Endpoint::Kind::kUnixPath;
  if (is_path) {
    if (absl::Status status = RemoveStale(endpoint, address, size); !status.ok()) return status;
  }
  absl::StatusOr<OwnedFd> fd = MakeSocket(AF_UNIX, endpoint);
  if (!fd.ok()) return fd.status();
  absl::Status status =
      BindAndListen(*fd, reinterpret_cast<const sockaddr*>(&address), size, endpoint);
  if (!status.ok()) return status;
  ListenSocket socket{.fd = *std::move(fd), .bound = endpoint};
  if (!is_path) return socket;
  // Before listen(2) nobody can connect, whatever the umask made of the permissions.
  struct stat file {};
  if (::chmod(endpoint.path.c_str(), static_cast<mode_t>(mode)) != 0 ||
      ::lstat(endpoint.path.c_str(), &file) != 0 || ::listen(socket.fd.get(), kBacklog) != 0) {
    const int error = errno;
    ::unlink(endpoint.path.c_str());
    return ErrnoFault(error, endpoint);
  }
  socket.file_device = file.st_dev;
  socket.file_inode = file.st_ino;
  return socket;
}

bool IsLoopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
         (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == 127);
}

absl::StatusOr<ListenSocket> ListenTcp(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(endpoint.host.c_str(), absl::StrCat(endpoint.port).c_str(), &hints, &found);
  if (error != 0) {
    return Fault(absl::StatusCode::kNotFound, endpoint, ::gai_strerror(error),
                 "use an address of this host");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  absl::StatusOr<OwnedFd> fd = MakeSocket(found->ai_family, endpoint);
  if (!fd.ok()) return fd.status();
  // A restart need not wait for TIME_WAIT; a living listener is still an error.
  const int on = 1;
  ::setsockopt(fd->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  absl::Status status = BindAndListen(*fd, found->ai_addr, found->ai_addrlen, endpoint);
  if (!status.ok()) return status;
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  if (::getsockname(fd->get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return ErrnoFault(errno, endpoint);
  }
  ListenSocket socket{.fd = *std::move(fd), .bound = endpoint, .reachable = !IsLoopback(bound)};
  socket.bound.port =
      ntohs(bound.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(bound).sin_port
                                       : reinterpret_cast<const sockaddr_in6&>(bound).sin6_port);
  return socket;
}

}  // namespace

absl::StatusOr<ListenSocket> ListenForAdmin(const Endpoint& listen, uint32_t mode) {
  return listen.is_unix() ? ListenUnix(listen, mode) : ListenTcp(listen);
}

void RemoveSocketFile(const ListenSocket& socket) {
  struct stat file {};
  if (socket.file_inode == 0 || ::lstat(socket.bound.path.c_str(), &file) != 0) return;
  if (file.st_dev == socket.file_device && file.st_ino == socket.file_inode) {
    ::unlink(socket.bound.path.c_str());
  }
}

}  // namespace floodgate
