// The kernel seam on epoll(7), for hosts where io_uring is missing or forbidden. Descriptors are
// registered once, edge-triggered, and what is known of their readiness is remembered, so that an
// operation costs its own system call and no epoll_ctl.
#ifndef FLOODGATE_IO_EPOLL_KERNEL_H_
#define FLOODGATE_IO_EPOLL_KERNEL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "io/kernel.h"
#include "io/kernel_options.h"

namespace floodgate {

class EpollKernel {
 public:
  // May be called on any thread; the kernel belongs to the thread that first calls Wait(). Errors:
  // InvalidArgument for options out of range; ResourceExhausted when descriptors or memory are
  // short.
  static absl::StatusOr<std::unique_ptr<Kernel>> Create(const KernelOptions& options = {});
};

}  // namespace floodgate

#endif  // FLOODGATE_IO_EPOLL_KERNEL_H_
