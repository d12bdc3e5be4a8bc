// The waker of both real kernels: an eventfd and a flag.
#ifndef FLOODGATE_IO_EVENT_WAKER_H_
#define FLOODGATE_IO_EVENT_WAKER_H_

#include <atomic>

#include "base/fd.h"
#include "io/kernel.h"

namespace floodgate {

// Wake() writes to the eventfd at most once between two Acknowledge(). The eventfd is never read:
// every write is an edge for epoll (EPOLLET) and for a multishot poll of io_uring, and its 64 bits
// do not fill up in any lifetime.
//
// Why nothing is lost: a producer publishes its work, then exchanges the flag. If it finds it set,
// the owner has not acknowledged yet, and will look for work after its own exchange of the flag,
// which is later in the flag's modification order and thus sees what the producer published.
class EventWaker final : public Waker {
 public:
  // `eventfd` from eventfd(2), with EFD_CLOEXEC.
  explicit EventWaker(OwnedFd eventfd) : eventfd_(std::move(eventfd)) {}

  void Wake() override;  // Thread-safe and signal-safe.

  // The owner, when it has seen the eventfd's edge and before it looks for work.
  void Acknowledge() { pending_.exchange(false, std::memory_order_acq_rel); }
  int fd() const { return eventfd_.get(); }

 private:
  OwnedFd eventfd_;
  std::atomic<bool> pending_{false};
};

}  // namespace floodgate

#endif  // FLOODGATE_IO_EVENT_WAKER_H_
