#include "io/event_waker.h"

#include <unistd.h>

#include <cerrno>

namespace floodgate {

void EventWaker::Wake() {
  if (pending_.exchange(true, std::memory_order_acq_rel)) return;
  const int saved_errno = errno;  // A signal handler must not change it.
  const uint64_t one = 1;
  // Cannot fail or block: the eventfd is open as long as we live and its counter is far from full.
  while (write(eventfd_.get(), &one, sizeof(one)) < 0 && errno == EINTR) {
  }
  errno = saved_errno;
}

}  // namespace floodgate
