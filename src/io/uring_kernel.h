// The kernel seam on io_uring (io_uring(7)): one system call a turn, which submits what was queued,
// runs what has become ready and waits.
#ifndef FLOODGATE_IO_URING_KERNEL_H_
#define FLOODGATE_IO_URING_KERNEL_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/kernel.h"
#include "io/kernel_options.h"

namespace floodgate {

class UringKernel {
 public:
  // May be called on any thread: the ring is made disabled (IORING_SETUP_R_DISABLED) and bound by
  // the first Wait() to the thread that calls it, the owner from then on. Destroy it there, or
  // anywhere once the owner has ended; what is in flight is cancelled, and connections that were
  // accepted and never harvested are closed.
  //
  // Needs Linux 6.10 or later. Errors: InvalidArgument for options out of range; Unavailable with
  // the call that failed, its errno and what an operator can do about it.
  static absl::StatusOr<std::unique_ptr<Kernel>> Create(const KernelOptions& options = {});
};

// Tries on loopback every feature that the kernel above relies on, with the very flags it uses:
// ring set-up, multishot accept, accept without waiting, receive into a buffer ring, a wait with a
// time-out, cancel. OK, or Unavailable that says which one failed, why, and what would change it
// (kernel.io_uring_disabled, a container's seccomp profile, an old kernel, RLIMIT_MEMLOCK). Takes
// some milliseconds; leaves nothing behind.
absl::Status ProbeUring();

}  // namespace floodgate

#endif  // FLOODGATE_IO_URING_KERNEL_H_
