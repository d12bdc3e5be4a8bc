#include "tools/storm/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"

namespace floodgate::storm {
namespace {

// Closes without touching the errno that the caller is to see.
int Failed(OwnedFd& fd) {
  const int error = errno;
  fd.Reset();
  errno = error;
  return -1;
}

}  // namespace

SocketAddress SourceAddress(const IpAddress& address) {
  SocketAddress source;
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, address.bytes.data() + 12, 4);
    std::memcpy(source.storage, &v4, sizeof v4);
    source.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, address.bytes.data(), 16);
    std::memcpy(source.storage, &v6, sizeof v6);
    source.size = sizeof v6;
  }
  return source;
}

int StartConnect(const SocketAddress& target, const SocketAddress* source) {
  const auto* address = reinterpret_cast<const sockaddr*>(target.storage);
  OwnedFd fd(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return -1;
  const int one = 1;
  if (address->sa_family != AF_UNIX) {
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (source != nullptr) {
      // The port is chosen at connect, by the whole of the connection: ip(7).
      ::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
      if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(source->storage), source->size) != 0) {
        return Failed(fd);
      }
    }
  }
  if (::connect(fd.get(), address, target.size) != 0 && errno != EINPROGRESS) return Failed(fd);
  return fd.Release();
}

int ProbeSource(const IpAddress& source) {
  const SocketAddress address = SourceAddress(source);
  const auto* raw = reinterpret_cast<const sockaddr*>(address.storage);
  const OwnedFd fd(::socket(raw->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return fd.valid() && ::bind(fd.get(), raw, address.size) == 0 ? 0 : errno;
}

int ProbeRoute(const SocketAddress& target, const IpAddress& source) {
  // Connecting a datagram socket looks the route up and sends nothing (udp(7)).
  const SocketAddress address = SourceAddress(source);
  const auto* raw = reinterpret_cast<const sockaddr*>(target.storage);
  const OwnedFd fd(::socket(raw->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(address.storage), address.size) != 0) {
    return errno;
  }
  return ::connect(fd.get(), raw, target.size) == 0 ? 0 : errno;
}

int PendingError(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

void ResetOnClose(int fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace floodgate::storm
