#include "tests/e2e/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/endpoint.h"

namespace floodgate::e2e {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address FromUnix(const Endpoint& endpoint) {
  Address address;
  auto* named = reinterpret_cast<sockaddr_un*>(&address.storage);
  named->sun_family = AF_UNIX;
  const bool abstract = endpoint.kind == Endpoint::Kind::kUnixAbstract;
  std::memcpy(named->sun_path + (abstract ? 1 : 0), endpoint.path.data(), endpoint.path.size());
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + endpoint.path.size() + 1);
  return address;
}

Address FromHost(const std::string& host, uint16_t port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof *v4;
  } else {
    Require(::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1, "no address: " + host);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof *v6;
  }
  return address;
}

Address Parse(const std::string& text) {
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
  Require(endpoint.ok(), absl::StrCat(text, ": ", endpoint.status().message()));
  return endpoint->is_unix() ? FromUnix(*endpoint) : FromHost(endpoint->host, endpoint->port);
}

// What to connect to in order to reach a socket that is bound to this.
Address ToReach(const std::string& text) {
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
  Require(endpoint.ok(), absl::StrCat(text, ": ", endpoint.status().message()));
  if (endpoint->is_unix()) return FromUnix(*endpoint);
  if (endpoint->host == "::") return FromHost("::1", endpoint->port);
  if (endpoint->host == "0.0.0.0") return FromHost("127.0.0.1", endpoint->port);
  return FromHost(endpoint->host, endpoint->port);
}

std::string ToText(const Address& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    return absl::StrCat(text, ":", ntohs(v4->sin_port));
  }
  if (address.storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    return absl::StrCat("[", text, "]:", ntohs(v6->sin6_port));
  }
  return "";
}

Address LocalOf(int fd) {
  Address address;
  address.size = sizeof address.storage;
  ::getsockname(fd, address.get(), &address.size);
  return address;
}

bool WaitFor(int fd, short events, const Deadline& deadline) {
  pollfd poll_fd{.fd = fd, .events = events, .revents = 0};
  int result = 0;
  do {
    result = ::poll(&poll_fd, 1, deadline.left_ms());
  } while (result < 0 && errno == EINTR);
  return result > 0;
}

}  // namespace

Client Client::TryConnect(const std::string& address, const std::string& source) {
  Address to = ToReach(address);
  OwnedFd fd(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  Require(fd.valid(), absl::StrCat("socket: ", std::strerror(errno)));
  if (!source.empty()) {
    // The port is chosen when connecting, so that sources with many connections do not run out.
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    Address from = FromHost(source, 0);
    Require(::bind(fd.get(), from.get(), from.size) == 0,
            absl::StrCat("bind to ", source, ": ", std::strerror(errno)));
  }
  const Deadline deadline;
  int result = ::connect(fd.get(), to.get(), to.size);
  // A unix socket whose backlog is full says EAGAIN and tells nobody when it has room.
  while (result != 0 && errno == EAGAIN && !deadline.over()) {
    ::poll(nullptr, 0, 5);
    result = ::connect(fd.get(), to.get(), to.size);
  }
  int error = result == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    Require(WaitFor(fd.get(), POLLOUT, deadline), "connect to " + address + ": no answer in time");
    socklen_t size = sizeof error;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error != 0 && error != ECONNRESET) return Client(OwnedFd());
  Client client(std::move(fd));
  client.reset_ = error == ECONNRESET;
  return client;
}

Client Client::Connect(const std::string& address, const std::string& source) {
  Client client = TryConnect(address, source);
  Require(client.valid(), "connect to " + address + ": refused");
  return client;
}

std::string Client::local_address() const {
  return ToText(LocalOf(fd()));
}

bool Client::TrySend(absl::string_view bytes, std::chrono::milliseconds timeout) {
  if (reset_) return false;
  const Deadline deadline(timeout);
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      if (!WaitFor(fd(), POLLOUT, deadline)) return false;
    } else if (errno != EINTR) {
      reset_ = true;
      return false;
    }
  }
  return true;
}

void Client::Send(absl::string_view bytes) {
  Require(TrySend(bytes), absl::StrCat("send: ", std::strerror(errno)));
}

Received Client::Receive(size_t size, std::chrono::milliseconds timeout) {
  const Deadline deadline(timeout);
  std::string buffer(size, '\0');
  while (true) {
    const ssize_t got = ::recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0) {
      buffer.resize(static_cast<size_t>(got));
      return {Received::Kind::kBytes, std::move(buffer)};
    }
    if (got == 0) return {reset_ ? Received::Kind::kReset : Received::Kind::kEnd, ""};
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return {Received::Kind::kReset, ""};
    if (!WaitFor(fd(), POLLIN, deadline)) return {Received::Kind::kNothing, ""};
  }
}

std::string Client::ReceiveExactly(size_t size) {
  std::string all;
  while (all.size() < size) {
    const Received received = Receive(size - all.size());
    Require(received.kind == Received::Kind::kBytes,
            absl::StrCat("only ", all.size(), " of ", size, " bytes came: ",
                         received.kind == Received::Kind::kEnd     ? "end of the stream"
                         : received.kind == Received::Kind::kReset ? "reset"
                                                                   : "nothing more in time"));
    all += received.bytes;
  }
  return all;
}

std::string Client::ReceiveAll() {
  std::string all;
  while (true) {
    const Received received = Receive();
    if (received.kind == Received::Kind::kEnd) return all;
    Require(received.kind == Received::Kind::kBytes, "a reset, or nothing more in time");
    all += received.bytes;
  }
}

bool Client::Echoes(absl::string_view text) {
  if (!TrySend(text)) return false;
  std::string back;
  while (back.size() < text.size()) {
    const Received received = Receive(text.size() - back.size());
    if (received.kind != Received::Kind::kBytes) return false;
    back += received.bytes;
  }
  return back == text;
}

Received::Kind Client::AwaitEnd(std::chrono::milliseconds timeout) {
  const Deadline deadline(timeout);
  while (true) {
    const Received received = Receive(65'536, std::chrono::milliseconds(deadline.left_ms()));
    if (received.kind != Received::Kind::kBytes) return received.kind;
  }
}

bool Client::Untouched() const {
  char byte = 0;
  return !reset_ && ::recv(fd(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

void Client::FinishSending() {
  ::shutdown(fd(), SHUT_WR);
}

void Client::Reset() {
  const linger abort{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  fd_.Reset();
}

ListeningSocket Listen(const std::string& address, int backlog) {
  Address at = Parse(address);
  ListeningSocket listening;
  listening.fd = OwnedFd(::socket(at.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(listening.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  Require(::bind(listening.fd.get(), at.get(), at.size) == 0 &&
              (backlog == kBoundOnly || ::listen(listening.fd.get(), backlog) == 0),
          absl::StrCat("listen on ", address, ": ", std::strerror(errno)));
  listening.address =
      at.storage.ss_family == AF_UNIX ? address : ToText(LocalOf(listening.fd.get()));
  return listening;
}

OwnedFd ConnectWithoutWaiting(const std::string& address) {
  Address to = ToReach(address);
  OwnedFd fd(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  Require(::connect(fd.get(), to.get(), to.size) == 0 || errno == EINPROGRESS,
          absl::StrCat("connect to ", address, ": ", std::strerror(errno)));
  return fd;
}

void RaiseDescriptorLimit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void SetDescriptorLimit(pid_t pid, uint64_t limit) {
  rlimit now{};
  Require(::prlimit(pid, RLIMIT_NOFILE, nullptr, &now) == 0, "prlimit cannot read");
  now.rlim_cur = limit;
  Require(::prlimit(pid, RLIMIT_NOFILE, &now, nullptr) == 0, "prlimit cannot set");
}

}  // namespace floodgate::e2e
