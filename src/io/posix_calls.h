// The part of the seam that both real kernels share: the system calls that neither block nor wait,
// and the clock.
#ifndef FLOODGATE_IO_POSIX_CALLS_H_
#define FLOODGATE_IO_POSIX_CALLS_H_

#include <cstdint>
#include <vector>

#include "base/fd.h"
#include "io/kernel.h"

namespace floodgate {

class PosixCalls : public Kernel {
 public:
  Instant Now() const final { return now_; }

  void Close(int fd) override;
  void Reset(int fd) override;
  void Shutdown(int fd, bool both) final;
  bool InputEnded(int fd) final;
  int OpenSocket(const SocketAddress& address, bool speaks_at_once) override;
  // TCP: one getsockopt. Unix: a message to the kernel's sock_diag(7), which is a netlink socket
  // kept open; where the kernel has no unix_diag the reading is {0, the backlog last asked for}.
  QueueReading ReadQueue(int listener) final;
  // TCP: one getsockopt. Unix: that one fails, then one poll.
  ConnectionReading ReadConnection(int fd) final;
  bool ReadAddresses(int fd, PeerAddress* peer, PeerAddress* local) final;
  int Listen(int fd, int backlog) override;
  int OpenPipe(size_t capacity, int* read_end, int* write_end) final;
  int64_t Splice(int from, int to, size_t size) final;

 protected:
  PosixCalls();

  static Instant ReadClock();

  Instant now_;

 private:
  struct UnixListener {
    int fd = -1;
    int backlog = 0;  // as asked; the kernel clamps it without saying so
  };

  void ForgetUnixListener(int fd);
  QueueReading ReadUnixQueue(int listener);

  std::vector<UnixListener> unix_listeners_;  // a few at most
  OwnedFd diag_;                              // netlink, opened at first use
};

}  // namespace floodgate

#endif  // FLOODGATE_IO_POSIX_CALLS_H_
