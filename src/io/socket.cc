#include "io/socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/errno_text.h"

namespace floodgate {
namespace {

static_assert(sizeof(sockaddr_un) <= sizeof(SocketAddress::storage), "any address of ours fits");

// Dead peers are found after two minutes instead of the two hours of tcp(7)'s default.
constexpr int kKeepAliveIdleSeconds = 60;
constexpr int kKeepAliveIntervalSeconds = 15;
constexpr int kKeepAliveProbes = 4;

const sockaddr* AsSockaddr(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr*>(address.storage);
}

SocketAddress FromSockaddr(const void* address, size_t size) {
  SocketAddress result;
  std::memcpy(result.storage, address, size);
  result.size = static_cast<uint32_t>(size);
  return result;
}

absl::StatusOr<SocketAddress> UnixAddress(const Endpoint& endpoint) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  // One byte of sun_path goes to the leading or the closing NUL (unix(7)).
  if (endpoint.path.empty() || endpoint.path.size() > sizeof(address.sun_path) - 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the path of a unix socket must have 1 to ", sizeof(address.sun_path) - 1,
                     " bytes, ", endpoint.ToString(), " has ", endpoint.path.size()));
  }
  const bool is_abstract = endpoint.kind == Endpoint::Kind::kUnixAbstract;
  std::memcpy(address.sun_path + (is_abstract ? 1 : 0), endpoint.path.data(), endpoint.path.size());
  return FromSockaddr(&address, offsetof(sockaddr_un, sun_path) + 1 + endpoint.path.size());
}

std::optional<SocketAddress> LiteralAddress(const Endpoint& endpoint) {
  const auto ip = IpAddress::Parse(endpoint.host);
  if (!ip.has_value()) return std::nullopt;
  // "::ffff:192.0.2.1" is IPv4, and an IPv4 socket serves it best.
  if (ip->is_v4()) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    std::memcpy(&address.sin_addr, ip->bytes.data() + 12, 4);
    return FromSockaddr(&address, sizeof(address));
  }
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(endpoint.port);
  std::memcpy(&address.sin6_addr, ip->bytes.data(), 16);
  return FromSockaddr(&address, sizeof(address));
}

absl::Status ResolverError(const std::string& host, int error, int system_error) {
  const std::string what =
      absl::StrCat("cannot resolve '", host,
                   "': ", error == EAI_SYSTEM ? ErrnoText(system_error) : gai_strerror(error));
  if (error == EAI_AGAIN) return absl::UnavailableError(absl::StrCat(what, "; try again later"));
  return absl::NotFoundError(what);
}

absl::StatusOr<std::vector<SocketAddress>> ResolveName(const Endpoint& endpoint) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  // Literals never come here, so that a host with loopback alone may use "[::1]" (AI_ADDRCONFIG
  // leaves loopback out of account). "localhost" must not depend on other interfaces either.
  // Literals with a scope ("fe80::1%eth0") are resolved by this too.
  hints.ai_flags = AI_NUMERICSERV | (endpoint.host == "localhost" ? 0 : AI_ADDRCONFIG);
  addrinfo* found = nullptr;
  const std::string port = absl::StrCat(endpoint.port);
  const int error = getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) return ResolverError(endpoint.host, error, errno);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    addresses.push_back(FromSockaddr(entry->ai_addr, entry->ai_addrlen));
  }
  return addresses;
}

bool SetOption(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

absl::Status BindError(const Endpoint& endpoint, int error) {
  const std::string what = absl::StrCat("cannot bind ", endpoint.ToString(), ": ");
  switch (error) {
    case EADDRINUSE:
      return absl::AlreadyExistsError(
          absl::StrCat(what, ErrnoText(error), "; another process listens there (see ",
                       endpoint.is_unix() ? "ss -lxp" : "ss -ltnp", ")"));
    case EACCES:
      if (endpoint.is_unix()) {
        return absl::PermissionDeniedError(
            absl::StrCat(what, ErrnoText(error), "; the directory must be writable for this user"));
      }
      return absl::PermissionDeniedError(absl::StrCat(
          what, ErrnoText(error),
          "; ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE"));
    case EADDRNOTAVAIL:
      return absl::InvalidArgumentError(absl::StrCat(
          what, ErrnoText(error), "; no interface of this host has that address (see ip address)"));
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(
          absl::StrCat(what, ErrnoText(error), "; the directory of the socket must exist"));
    case EAFNOSUPPORT:
      return absl::UnavailableError(absl::StrCat(
          what, ErrnoText(error), "; this kernel has that address family switched off"));
    default:
      return absl::UnavailableError(absl::StrCat(what, ErrnoText(error)));
  }
}

// Removes a socket file whose process has ended. OK when nothing is there afterwards.
absl::Status RemoveStaleSocket(const Endpoint& endpoint, const SocketAddress& address) {
  struct stat status;
  if (lstat(endpoint.path.c_str(), &status) != 0) {
    return errno == ENOENT ? absl::OkStatus() : BindError(endpoint, errno);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return absl::AlreadyExistsError(absl::StrCat(
        "cannot bind ", endpoint.ToString(),
        ": a file that is not a socket is in the way; move it or choose another path"));
  }
  const OwnedFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe.valid()) return BindError(endpoint, errno);
  const int result = connect(probe.get(), AsSockaddr(address), address.size);
  // Only a socket that nobody holds any more refuses; a full queue (EAGAIN) has a living owner.
  if (result != 0 && errno == ECONNREFUSED) {
    if (unlink(endpoint.path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
    return BindError(endpoint, errno);
  }
  if (result != 0 && errno == ENOENT) return absl::OkStatus();
  if (result == 0 || errno == EAGAIN || errno == EPROTOTYPE) {
    return absl::AlreadyExistsError(
        absl::StrCat("cannot bind ", endpoint.ToString(),
                     ": already in use by a running process (see ss -lxp)"));
  }
  return BindError(endpoint, errno);
}

absl::StatusOr<BoundSocket> BindUnix(const Endpoint& endpoint, const SocketAddress& address,
                                     const BindOptions& options) {
  OwnedFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return BindError(endpoint, errno);
  const bool has_file = endpoint.kind == Endpoint::Kind::kUnixPath;
  if (has_file) {
    if (absl::Status status = RemoveStaleSocket(endpoint, address); !status.ok()) return status;
    // bind(2) makes the file with the mode of the socket's inode less the umask, which belongs to
    // the whole process; the inode's mode belongs to us. Never wider than asked, not for a moment.
    if (fchmod(fd.get(), options.unix_mode) != 0) return BindError(endpoint, errno);
  }
  if (bind(fd.get(), AsSockaddr(address), address.size) != 0) return BindError(endpoint, errno);
  // The umask may have taken bits away that were asked for.
  if (has_file && chmod(endpoint.path.c_str(), options.unix_mode) != 0) {
    const int error = errno;
    unlink(endpoint.path.c_str());
    return BindError(endpoint, error);
  }
  return BoundSocket{.fd = std::move(fd), .bound = endpoint};
}

// Whether the address is "::", which takes IPv4 as well.
bool IsAnyV6(const SocketAddress& address) {
  sockaddr_in6 v6;
  if (AsSockaddr(address)->sa_family != AF_INET6) return false;
  std::memcpy(&v6, address.storage, sizeof(v6));
  return IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr);
}

absl::StatusOr<BoundSocket> BindTcp(const Endpoint& endpoint, const SocketAddress& address) {
  const int family = AsSockaddr(address)->sa_family;
  OwnedFd fd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return BindError(endpoint, errno);
  // Accepted connections inherit these, which spares each of them the calls.
  const bool options_set =
      SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1) &&
      (family != AF_INET6 ||
       SetOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, IsAnyV6(address) ? 0 : 1)) &&
      SetOption(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1) &&
      SetOption(fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1) &&
      SetOption(fd.get(), IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds) &&
      SetOption(fd.get(), IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds) &&
      SetOption(fd.get(), IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
  if (!options_set || bind(fd.get(), AsSockaddr(address), address.size) != 0) {
    return BindError(endpoint, errno);
  }
  const std::optional<PeerAddress> bound = LocalAddress(fd.get());
  if (!bound.has_value()) return BindError(endpoint, errno);
  BoundSocket result = {.fd = std::move(fd), .bound = endpoint};
  result.bound.port = bound->port;
  return result;
}

}  // namespace

std::optional<PeerAddress> LocalAddress(int fd) {
  sockaddr_storage address;
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return std::nullopt;
  const PeerAddress local = ToPeerAddress(reinterpret_cast<const sockaddr*>(&address), size);
  if (local.family != PeerAddress::Family::kIp) return std::nullopt;
  return local;
}

PeerAddress ToPeerAddress(const sockaddr* address, uint32_t size) {
  PeerAddress peer;
  if (size >= sizeof(sockaddr_in) && address->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof(v4));
    peer.family = PeerAddress::Family::kIp;
    peer.port = ntohs(v4.sin_port);
    peer.ip = IpAddress::V4(ntohl(v4.sin_addr.s_addr));
  } else if (size >= sizeof(sockaddr_in6) && address->sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, address, sizeof(v6));
    peer.family = PeerAddress::Family::kIp;
    peer.port = ntohs(v6.sin6_port);
    std::memcpy(peer.ip.bytes.data(), &v6.sin6_addr, peer.ip.bytes.size());
  }
  return peer;
}

absl::StatusOr<std::vector<SocketAddress>> Resolve(const Endpoint& endpoint) {
  if (endpoint.is_unix()) {
    absl::StatusOr<SocketAddress> address = UnixAddress(endpoint);
    if (!address.ok()) return address.status();
    return std::vector<SocketAddress>{*address};
  }
  if (const auto literal = LiteralAddress(endpoint); literal.has_value()) {
    return std::vector<SocketAddress>{*literal};
  }
  return ResolveName(endpoint);
}

absl::StatusOr<BoundSocket> Bind(const Endpoint& endpoint, const BindOptions& options) {
  const absl::StatusOr<std::vector<SocketAddress>> addresses = Resolve(endpoint);
  if (!addresses.ok()) return addresses.status();
  const SocketAddress& first = addresses->front();
  return endpoint.is_unix() ? BindUnix(endpoint, first, options) : BindTcp(endpoint, first);
}

void UnlinkUnixPath(const Endpoint& endpoint) {
  struct stat status;
  if (endpoint.kind != Endpoint::Kind::kUnixPath) return;
  if (lstat(endpoint.path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  unlink(endpoint.path.c_str());
}

}  // namespace floodgate
