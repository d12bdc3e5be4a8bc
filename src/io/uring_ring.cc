#include "io/uring_ring.h"

#include <cerrno>
#include <cstring>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "io/errno_text.h"
#include "io/uring_errors.h"

namespace floodgate {

absl::StatusOr<std::unique_ptr<UringRing>> UringRing::Create(uint32_t sq_entries,
                                                             uint32_t cq_entries) {
  io_uring_params params = {};
  // DEFER_TASKRUN: completions are made only when we ask, so a busy turn is not interrupted, and
  // nothing is accepted behind our back. It needs SINGLE_ISSUER.
  // R_DISABLED: made on one thread, bound to the one that enables it.
  // SUBMIT_ALL: one entry that fails does not hold up those behind it.
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED |
                 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
  params.cq_entries = cq_entries;
  auto ring = absl::WrapUnique(new UringRing());
  const int error = io_uring_queue_init_params(sq_entries, &ring->ring_, &params);
  if (error < 0) {
    ring->ring_.ring_fd = -1;
    return UringError("io_uring_setup", -error);
  }
  constexpr uint32_t kFeatures =
      IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_FAST_POLL;
  if ((params.features & kFeatures) != kFeatures) {
    return absl::UnavailableError(
        "this kernel's io_uring is too old (Linux 6.10 or later is needed)");
  }
  // The array maps submission slots to entries; ours are used in order, once and for all.
  for (uint32_t i = 0; i < ring->ring_.sq.ring_entries; ++i) ring->ring_.sq.array[i] = i;
  return ring;
}

UringRing::~UringRing() {
  if (ring_.ring_fd < 0) return;
  if (registered_index_ >= 0 && OnOwnerThread()) {
    io_uring_rsrc_update update = {};
    update.offset = static_cast<uint32_t>(registered_index_);
    io_uring_register(static_cast<uint32_t>(ring_.ring_fd), IORING_UNREGISTER_RING_FDS, &update, 1);
  }
  io_uring_queue_exit(&ring_);
}

int UringRing::Enable() {
  // liburing 2.3 declares io_uring_enable_rings and does not export it.
  const int error = io_uring_register(static_cast<uint32_t>(ring_.ring_fd),
                                      IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  if (error < 0) return error;
  enabled_ = true;
  owner_ = std::this_thread::get_id();
  // Spares the kernel the look-up of the descriptor on every call. Per thread, at most 16 of them;
  // without it all works as well.
  io_uring_rsrc_update update = {};
  update.offset = ~0U;
  update.data = static_cast<uint64_t>(ring_.ring_fd);
  if (io_uring_register(static_cast<uint32_t>(ring_.ring_fd), IORING_REGISTER_RING_FDS, &update,
                        1) == 1) {
    registered_index_ = static_cast<int>(update.offset);
  }
  return 0;
}

io_uring_sqe* UringRing::Prepare() {
  io_uring_sqe* entry = &ring_.sq.sqes[ring_.sq.sqe_tail & ring_.sq.ring_mask];
  ++ring_.sq.sqe_tail;
  std::memset(entry, 0, sizeof(*entry));
  return entry;
}

uint32_t UringRing::DropUnsubmitted() {
  // The kernel has never looked past *ktail outside of Enter(), and there it takes all or says so.
  const uint32_t dropped = Unsubmitted();
  ring_.sq.sqe_tail -= dropped;
  io_uring_smp_store_release(ring_.sq.ktail, ring_.sq.sqe_tail);
  return dropped;
}

int UringRing::Enter(uint32_t wanted, int64_t timeout_ns) {
  const uint32_t to_submit = Unsubmitted();
  io_uring_smp_store_release(ring_.sq.ktail, ring_.sq.sqe_tail);
  uint32_t flags = IORING_ENTER_GETEVENTS;
  int fd = ring_.ring_fd;
  if (registered_index_ >= 0) {
    flags |= IORING_ENTER_REGISTERED_RING;
    fd = registered_index_;
  }
  __kernel_timespec timeout = {.tv_sec = timeout_ns / 1'000'000'000,
                               .tv_nsec = timeout_ns % 1'000'000'000};
  io_uring_getevents_arg argument = {};
  void* extra = nullptr;
  size_t extra_size = 0;
  if (wanted > 0 && timeout_ns >= 0) {
    argument.ts = reinterpret_cast<uint64_t>(&timeout);
    flags |= IORING_ENTER_EXT_ARG;
    extra = &argument;
    extra_size = sizeof(argument);
  }
  const int result = io_uring_enter2(static_cast<unsigned>(fd), to_submit, wanted, flags,
                                     static_cast<sigset_t*>(extra), extra_size);
  // EAGAIN: out of memory for requests at this moment; EBUSY: the overflow of the completion queue
  // must be harvested first. What was not taken stays in the ring for the next call.
  if (result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN ||
      result == -EBUSY) {
    return 0;
  }
  return result;
}

}  // namespace floodgate
