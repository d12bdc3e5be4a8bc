// The two rings shared with the kernel, and the calls on them.
#ifndef FLOODGATE_IO_URING_RING_H_
#define FLOODGATE_IO_URING_RING_H_

#include <liburing.h>

#include <cstdint>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"
#include "base/time.h"

namespace floodgate {

// io_uring_enter(2) and the ring indices by hand, because liburing's submit-and-wait makes up to
// two system calls where one does it all. Not thread-safe: one owner, the thread that calls
// Enable().
class UringRing {
 public:
  static absl::StatusOr<std::unique_ptr<UringRing>> Create(uint32_t sq_entries,
                                                           uint32_t cq_entries);
  ~UringRing();
  UringRing(const UringRing&) = delete;
  UringRing& operator=(const UringRing&) = delete;

  io_uring* raw() { return &ring_; }

  // Binds the ring to the calling thread. 0 or -errno. Before it only entries may be prepared.
  int Enable();
  bool enabled() const { return enabled_; }
  bool OnOwnerThread() const { return enabled_ && std::this_thread::get_id() == owner_; }

  // How many entries can still be prepared before Enter() must take some.
  uint32_t SubmissionSpace() const {
    return ring_.sq.ring_entries - (ring_.sq.sqe_tail - io_uring_smp_load_acquire(ring_.sq.khead));
  }
  uint32_t Unsubmitted() const {
    return ring_.sq.sqe_tail - io_uring_smp_load_acquire(ring_.sq.khead);
  }
  // The next entry, zeroed. REQUIRES: SubmissionSpace() > 0.
  io_uring_sqe* Prepare();
  // Forgets what was prepared and never entered; gives the number of those.
  uint32_t DropUnsubmitted();

  // One io_uring_enter: submits all that is prepared, runs what is ready, and waits for `wanted`
  // completions but no longer than `timeout_ns` (negative: no limit). 0 or -errno; a time-out, a
  // signal and a full completion queue are 0, the rings tell the rest.
  int Enter(uint32_t wanted, int64_t timeout_ns);

  // Whether operations stand between their wait and their next attempt, for the next Enter() to
  // run.
  bool DeferredWorkPending() const {
    return (io_uring_smp_load_acquire(ring_.sq.kflags) & IORING_SQ_TASKRUN) != 0;
  }

  uint32_t CompletionsReady() const {
    return io_uring_smp_load_acquire(ring_.cq.ktail) - *ring_.cq.khead;
  }
  const io_uring_cqe& CompletionAt(uint32_t offset) const {
    return ring_.cq.cqes[(*ring_.cq.khead + offset) & ring_.cq.ring_mask];
  }
  void ConsumeCompletions(uint32_t count) {
    io_uring_smp_store_release(ring_.cq.khead, *ring_.cq.khead + count);
  }

 private:
  UringRing() = default;

  io_uring ring_ = {};
  bool enabled_ = false;
  int registered_index_ = -1;  // of the ring's descriptor in the owner's table of rings
  std::thread::id owner_;
};

}  // namespace floodgate

#endif  // FLOODGATE_IO_URING_RING_H_
