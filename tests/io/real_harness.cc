#include "tests/io/real_harness.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"
#include "base/fd.h"
#include "io/socket.h"

namespace floodgate {
namespace {

constexpr int kPatienceMs = 20'000;

SocketAddress NameOf(int fd) {
  SocketAddress address;
  socklen_t size = sizeof(address.storage);
  FG_CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(address.storage), &size) == 0);
  address.size = size;
  return address;
}

// Over loopback a packet is usually at the other end when the call that sent it returns, but under
// load the kernel leaves that to a thread of its own, and no event tells when it is done.
template <typename Condition>
void AwaitTrue(const Condition& condition) {
  for (int waited_us = 0; !condition(); waited_us += 200) {
    FG_CHECK(waited_us < kPatienceMs * 1000);
    usleep(200);
  }
}

tcp_info InfoOf(int fd) {
  tcp_info info = {};
  socklen_t size = sizeof(info);
  FG_CHECK(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
  return info;
}

// Whether this host still knows the server's end of `client`'s connection, by sock_diag(7): one
// that was reset is in none of the kernel's tables, though its place in an accept queue or its
// descriptor lives on.
class ServerEnd {
 public:
  explicit ServerEnd(int client) : diag_(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_SOCK_DIAG)) {
    sockaddr_in local = {};
    sockaddr_in remote = {};
    socklen_t size = sizeof(local);
    FG_CHECK(getsockname(client, reinterpret_cast<sockaddr*>(&local), &size) == 0);
    gone_ = getpeername(client, reinterpret_cast<sockaddr*>(&remote), &size) != 0;
    FG_CHECK(diag_.valid() && local.sin_family == AF_INET);
    request_.header.nlmsg_len = sizeof(request_);
    request_.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request_.header.nlmsg_flags = NLM_F_REQUEST;
    request_.body.sdiag_family = AF_INET;
    request_.body.sdiag_protocol = IPPROTO_TCP;
    request_.body.id.idiag_sport = remote.sin_port;
    request_.body.id.idiag_dport = local.sin_port;
    request_.body.id.idiag_src[0] = remote.sin_addr.s_addr;
    request_.body.id.idiag_dst[0] = local.sin_addr.s_addr;
    request_.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    request_.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  }

  bool IsKnown() const {
    if (gone_) return false;
    alignas(nlmsghdr) char answer[4096];
    FG_CHECK(send(diag_.get(), &request_, sizeof(request_), 0) == sizeof(request_));
    const ssize_t size = recv(diag_.get(), answer, sizeof(answer), 0);
    FG_CHECK(size >= static_cast<ssize_t>(sizeof(nlmsghdr)));
    const auto* header = reinterpret_cast<const nlmsghdr*>(answer);
    if (header->nlmsg_type == NLMSG_ERROR) return false;
    // Without the connection the kernel finds its listener.
    return static_cast<const inet_diag_msg*>(NLMSG_DATA(header))->idiag_state != TCP_LISTEN;
  }

 private:
  struct Request {
    nlmsghdr header;
    inet_diag_req_v2 body;
  };

  OwnedFd diag_;
  Request request_ = {};
  bool gone_ = false;
};

void AwaitEvents(int fd, short events) {
  pollfd waiting = {.fd = fd, .events = events, .revents = 0};
  FG_CHECK(poll(&waiting, 1, kPatienceMs) == 1);
}

}  // namespace

RealHarness::RealHarness(EngineKind kind, const KernelOptions& options, std::string host)
    : host_(std::move(host)) {
  auto kernel = CreateKernel(kind, options);
  FG_CHECK(kernel.ok());
  kernel_ = *std::move(kernel);
}

RealHarness::~RealHarness() {
  for (int peer : peers_) close(peer);
  kernel_.reset();
  for (int listener : listeners_) close(listener);
  if (reserved_ >= 0) close(reserved_);
}

int RealHarness::OpenListener(int backlog) {
  Endpoint endpoint;
  endpoint.host = host_;
  auto bound = Bind(endpoint);
  FG_CHECK(bound.ok());
  FG_CHECK(kernel_->Listen(bound->fd.get(), backlog) == 0);
  const int fd = bound->fd.Release();
  listeners_.insert(fd);
  return fd;
}

SocketAddress RealHarness::AddressOf(int listener) {
  return NameOf(listener);
}

SocketAddress RealHarness::DeadAddress() {
  if (reserved_ < 0) {
    Endpoint endpoint;
    endpoint.host = host_;
    auto bound = Bind(endpoint);
    FG_CHECK(bound.ok());
    reserved_ = bound->fd.Release();
  }
  return NameOf(reserved_);
}

int RealHarness::PeerConnect(int listener) {
  const SocketAddress address = AddressOf(listener);
  const auto* generic = reinterpret_cast<const sockaddr*>(address.storage);
  const uint32_t before = kernel_->ReadQueue(listener).depth;
  const int peer = socket(generic->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  FG_CHECK(peer >= 0);
  FG_CHECK(connect(peer, generic, address.size) == 0);
  peers_.insert(peer);
  AwaitTrue([&] { return kernel_->ReadQueue(listener).depth == before + 1; });
  return peer;
}

uint16_t RealHarness::PeerPort(int peer) {
  const SocketAddress address = NameOf(peer);
  return ToPeerAddress(reinterpret_cast<const sockaddr*>(address.storage), address.size).port;
}

void RealHarness::PeerSend(int peer, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t size = send(peer, text.data(), text.size(), MSG_NOSIGNAL);
    FG_CHECK(size > 0);
    text.remove_prefix(static_cast<size_t>(size));
  }
  AwaitTrue([peer] {
    int unacknowledged = 0;
    FG_CHECK(ioctl(peer, TIOCOUTQ, &unacknowledged) == 0);
    return unacknowledged == 0;
  });
}

std::string RealHarness::PeerReceive(int peer, size_t size) {
  std::string text(size, '\0');
  size_t have = 0;
  while (have < size) {
    AwaitEvents(peer, POLLIN);
    const ssize_t got = recv(peer, text.data() + have, size - have, 0);
    if (got <= 0) break;
    have += static_cast<size_t>(got);
  }
  text.resize(have);
  return text;
}

void RealHarness::PeerHalfClose(int peer) {
  FG_CHECK(shutdown(peer, SHUT_WR) == 0);
}

void RealHarness::PeerClose(int peer) {
  if (InfoOf(peer).tcpi_state == TCP_ESTABLISHED) PeerHalfClose(peer);
  Forget(peer);
}

void RealHarness::Forget(int peer) {
  FG_CHECK(peers_.erase(peer) == 1);
  FG_CHECK(close(peer) == 0);
}

void RealHarness::PeerReset(int peer) {
  const linger abort_on_close = {.l_onoff = 1, .l_linger = 0};
  FG_CHECK(setsockopt(peer, SOL_SOCKET, SO_LINGER, &abort_on_close, sizeof(abort_on_close)) == 0);
  const ServerEnd server_end(peer);
  Forget(peer);
  AwaitTrue([&] { return !server_end.IsKnown(); });
}

bool RealHarness::PeerSeesReset(int peer) {
  for (;;) {
    char sink[4096];
    AwaitEvents(peer, POLLIN);
    const ssize_t size = recv(peer, sink, sizeof(sink), 0);
    if (size <= 0) return size < 0 && errno == ECONNRESET;
  }
}

}  // namespace floodgate
