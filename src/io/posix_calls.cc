#include "io/posix_calls.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "base/check.h"
#include "io/socket.h"
#include "io/unix_diag.h"

namespace floodgate {
namespace {

// The kernel's own name for it is in <netinet/tcp.h>, whose tcp_info is older than <linux/tcp.h>'s.
constexpr uint8_t kTcpEstablished = 1;

// False when `fd` is no TCP socket. An older kernel fills in less than we ask for; the rest is
// zero.
bool ReadTcpInfo(int fd, tcp_info* info) {
  *info = {};
  socklen_t size = sizeof(*info);
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size) == 0;
}

}  // namespace

PosixCalls::PosixCalls() : now_(ReadClock()) {}

Instant PosixCalls::ReadClock() {
  timespec time;
  FG_CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
  return {int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec};
}

void PosixCalls::Close(int fd) {
  ForgetUnixListener(fd);
  // close(2): the descriptor is gone whatever it returns, EINTR too; EBADF is our own mistake, and
  // the next one would close a stranger's connection.
  FG_CHECK(close(fd) == 0 || errno != EBADF);
}

void PosixCalls::Reset(int fd) {
  // socket(7): with a linger time of zero close sends RST and drops what is unsent.
  const linger abort_on_close = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_on_close, sizeof(abort_on_close));
  Close(fd);
}

void PosixCalls::Shutdown(int fd, bool both) {
  // ENOTCONN when the peer has reset it meanwhile: what was asked for holds already.
  shutdown(fd, both ? SHUT_RDWR : SHUT_WR);
}

int PosixCalls::OpenSocket(const SocketAddress& address, bool speaks_at_once) {
  const auto* generic = reinterpret_cast<const sockaddr*>(address.storage);
  const int fd = socket(generic->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (generic->sa_family == AF_UNIX) return fd;
  // Failing, either costs speed and nothing else. What is relayed must not wait for more (Nagle).
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (speaks_at_once) {
    const int off = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
  }
  return fd;
}

bool PosixCalls::InputEnded(int fd) {
  std::byte next;
  return recv(fd, &next, sizeof(next), MSG_PEEK | MSG_DONTWAIT) == 0;
}

QueueReading PosixCalls::ReadQueue(int listener) {
  tcp_info info;
  if (!ReadTcpInfo(listener, &info)) return ReadUnixQueue(listener);
  // For a listening socket these two fields have another meaning than for a connection: the queue's
  // length and its limit (tcp_get_info in the kernel).
  return {.depth = info.tcpi_unacked, .limit = info.tcpi_sacked};
}

QueueReading PosixCalls::ReadUnixQueue(int listener) {
  if (const auto reading = ReadUnixDiagQueue(diag_, listener); reading.has_value()) return *reading;
  for (const UnixListener& known : unix_listeners_) {
    if (known.fd == listener) return {.depth = 0, .limit = static_cast<uint32_t>(known.backlog)};
  }
  return {};
}

ConnectionReading PosixCalls::ReadConnection(int fd) {
  using State = ConnectionReading::State;
  tcp_info info;
  if (ReadTcpInfo(fd, &info)) {
    // Nothing was sent on it yet, so "since the last data sent" is since it was established, also
    // for a peer that has sent and left meanwhile.
    const Duration queued = Duration::Milliseconds(info.tcpi_last_data_sent);
    if (info.tcpi_state != kTcpEstablished) return {.state = State::kGone, .queued = queued};
    return {.state = info.tcpi_bytes_received > 0 ? State::kTalking : State::kSilent,
            .queued = queued};
  }
  pollfd waiting = {.fd = fd, .events = POLLIN | POLLRDHUP, .revents = 0};
  if (poll(&waiting, 1, 0) < 0) return {.state = State::kGone, .queued = {}};
  if ((waiting.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0) {
    return {.state = State::kGone, .queued = {}};
  }
  return {.state = (waiting.revents & POLLIN) != 0 ? State::kTalking : State::kSilent,
          .queued = {}};
}

bool PosixCalls::ReadAddresses(int fd, PeerAddress* peer, PeerAddress* local) {
  sockaddr_storage address;
  socklen_t size = sizeof(address);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  *peer = ToPeerAddress(reinterpret_cast<const sockaddr*>(&address), size);
  size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  *local = ToPeerAddress(reinterpret_cast<const sockaddr*>(&address), size);
  return true;
}

int PosixCalls::Listen(int fd, int backlog) {
  if (listen(fd, backlog) != 0) return -errno;
  int domain = 0;
  socklen_t size = sizeof(domain);
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX) {
    ForgetUnixListener(fd);
    unix_listeners_.push_back({.fd = fd, .backlog = backlog});
  }
  return 0;
}

void PosixCalls::ForgetUnixListener(int fd) {
  if (unix_listeners_.empty()) return;
  const auto found = std::find_if(unix_listeners_.begin(), unix_listeners_.end(),
                                  [fd](const UnixListener& known) { return known.fd == fd; });
  if (found != unix_listeners_.end()) unix_listeners_.erase(found);
}

int PosixCalls::OpenPipe(size_t capacity, int* read_end, int* write_end) {
  // splice(2) into a socket whose peer has gone raises SIGPIPE, and no flag forbids it. Blocked,
  // the signal stays pending for this thread alone, for good.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return -errno;
  // Best effort: past the user's share (pipe-user-pages-soft) the kernel says no, and the pipe
  // keeps its default size, which works as well, in smaller steps.
  fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(std::min<size_t>(capacity, 1U << 30)));
  *read_end = ends[0];
  *write_end = ends[1];
  return 0;
}

int64_t PosixCalls::Splice(int from, int to, size_t size) {
  for (;;) {
    const ssize_t moved =
        splice(from, nullptr, to, nullptr, size, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (moved >= 0) return moved;
    if (errno != EINTR) return -errno;
  }
}

}  // namespace floodgate
