// What the comparison's two small servers share: a listening socket and an epoll loop over it.
#ifndef FLOODGATE_BENCH_PEERS_SOCKET_LOOP_H_
#define FLOODGATE_BENCH_PEERS_SOCKET_LOOP_H_

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace floodgate::peers {

// Listens on 127.0.0.1:`port`. Ends the program if the port is taken: a server left over from an
// earlier run would share the work and halve every figure.
inline int Listen(const char* program, const char* port) {
  std::signal(SIGPIPE, SIG_IGN);  // Clients may leave while they are written to.
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, 4096) != 0) {
    std::fprintf(stderr, "%s: 127.0.0.1:%s: %s; give a free port\n", program, port,
                 std::strerror(errno));
    std::exit(1);
  }
  return fd;
}

// Calls `on_accept(fd)` for each connection and `on_ready(fd, events)` when one is ready
// (edge-triggered), for ever.
template <typename OnAccept, typename OnReady>
[[noreturn]] void Run(int listener, OnAccept on_accept, OnReady on_ready) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  std::array<epoll_event, 256> events;
  for (;;) {
    const int count = ::epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const epoll_event& ready = events[static_cast<size_t>(i)];
      if (ready.data.fd != listener) {
        on_ready(ready.data.fd, ready.events);
        continue;
      }
      for (int fd;
           (fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        const int one = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        on_accept(fd);
        event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
        event.data.fd = fd;
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
      }
    }
  }
}

}  // namespace floodgate::peers

#endif  // FLOODGATE_BENCH_PEERS_SOCKET_LOOP_H_
