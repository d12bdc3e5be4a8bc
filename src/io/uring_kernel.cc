#include "io/uring_kernel.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "io/errno_text.h"
#include "io/event_waker.h"
#include "io/mapped_memory.h"
#include "io/options_check.h"
#include "io/posix_calls.h"
#include "io/socket.h"
#include "io/uring_errors.h"
#include "io/uring_ring.h"

namespace floodgate {
namespace {

// linux/io_uring.h since 6.10: an accept that finds nothing completes with -EAGAIN.
constexpr uint16_t kAcceptDontWait = 1U << 1;

// A cancel that finds nothing is tried again, this often at the most (see Uring::CancelAgain).
constexpr uint8_t kCancelAttemptsMax = 16;

// user_data: an operation's own token, but for those above kTokenMax: kSlotBase + index of a slot
// for those that need something kept beside the token, and the waker's poll.
constexpr uint64_t kSlotBase = kTokenMax + 1;
constexpr uint64_t kWakeData = ~uint64_t{0};
constexpr uint64_t kTeardownData = kWakeData - 1;

constexpr uint16_t kBufferGroup = 0;

// What an accept, a cancel or a connect to a unix socket in flight keeps. Peers of unix listeners
// have no name, so a sockaddr_in6 is the longest address that we read; the kernel cuts off longer
// ones.
struct Slot {
  uint64_t token = 0;
  OpKind kind = OpKind::kAccept;
  uint8_t attempts = 0;       // kCancel
  bool conclusive = false;    // kCancel: finding nothing means that there is nothing
  int32_t result = 0;         // kConnect
  uint32_t address_size = 0;  // kAccept
  sockaddr_in6 address = {};  // kAccept
  uint64_t target = 0;        // kCancel
};

class Uring final : public PosixCalls {
 public:
  Uring(std::unique_ptr<UringRing> ring, const KernelOptions& options, MappedMemory buffer_ring,
        MappedMemory buffers, OwnedFd eventfd);
  ~Uring() override;

  // 0 or -errno. Once, before anything else.
  int RegisterBuffers();

  bool Submit(const Op& op) override;
  size_t Wait(Instant until, absl::Span<Completion> out) override;
  Waker& waker() override { return waker_; }
  absl::Span<std::byte> Buffer(const Completion& completion) override;
  void ReleaseBuffer(uint16_t buffer) override;
  size_t buffer_size() const override { return buffer_size_; }

 private:
  void FillEntry(const Op& op, io_uring_sqe* entry);
  void FillCancel(uint16_t index, io_uring_sqe* entry);
  void FillUnixConnect(const Op& op, io_uring_sqe* entry);
  bool CancelAgain(uint16_t index);
  uint16_t TakeSlot(const Op& op);
  void ArmWaker();
  size_t Harvest(absl::Span<Completion> out);
  bool Translate(const io_uring_cqe& entry, Completion* completion);
  bool TranslateSlot(const io_uring_cqe& entry, Completion* completion);
  void ForgetMultishot(uint64_t token);
  void Offer(uint16_t buffer);
  std::byte* BufferAt(uint16_t buffer) const {
    return buffers_.data() + size_t{buffer} * buffer_size_;
  }
  void CancelAll();
  void DiscardCompletions();

  std::unique_ptr<UringRing> ring_;
  MappedMemory buffer_ring_memory_;
  MappedMemory buffers_;
  io_uring_buf_ring* buffer_ring_;
  int buffer_ring_mask_;
  uint16_t buffer_count_;
  uint32_t buffer_size_;
  std::vector<Slot> slots_;
  std::vector<uint16_t> free_slots_;  // a stack, so that few of them are ever touched
  // Tokens of multishot accepts in flight: one a listener, so few that searching is the quickest.
  std::vector<uint64_t> multishots_;
  uint64_t in_flight_ = 0;  // entries prepared whose last completion was not harvested
  bool waker_armed_ = false;
  EventWaker waker_;
};

Uring::Uring(std::unique_ptr<UringRing> ring, const KernelOptions& options,
             MappedMemory buffer_ring, MappedMemory buffers, OwnedFd eventfd)
    : ring_(std::move(ring)),
      buffer_ring_memory_(std::move(buffer_ring)),
      buffers_(std::move(buffers)),
      buffer_ring_(reinterpret_cast<io_uring_buf_ring*>(buffer_ring_memory_.data())),
      buffer_ring_mask_(io_uring_buf_ring_mask(std::bit_ceil(uint32_t{options.buffers}))),
      buffer_count_(options.buffers),
      buffer_size_(options.buffer_size),
      slots_(std::min<size_t>(ring_->raw()->sq.ring_entries, 65'535)),
      waker_(std::move(eventfd)) {
  free_slots_.reserve(slots_.size());
  for (size_t i = slots_.size(); i > 0; --i) free_slots_.push_back(static_cast<uint16_t>(i - 1));
}

Uring::~Uring() {
  // Another thread than the owner cannot enter the ring; the kernel cancels everything when the
  // ring's descriptor is closed. Either way what was accepted and not harvested must not leak.
  if (ring_->OnOwnerThread()) CancelAll();
  DiscardCompletions();
}

int Uring::RegisterBuffers() {
  io_uring_buf_reg registration = {};
  registration.ring_addr = reinterpret_cast<uint64_t>(buffer_ring_);
  registration.ring_entries = static_cast<uint32_t>(buffer_ring_mask_) + 1;
  registration.bgid = kBufferGroup;
  const int error = io_uring_register_buf_ring(ring_->raw(), &registration, 0);
  if (error < 0) return error;
  io_uring_buf_ring_init(buffer_ring_);
  for (uint16_t buffer = 0; buffer < buffer_count_; ++buffer) Offer(buffer);
  return 0;
}

void Uring::Offer(uint16_t buffer) {
  io_uring_buf_ring_add(buffer_ring_, BufferAt(buffer), buffer_size_, buffer, buffer_ring_mask_, 0);
  io_uring_buf_ring_advance(buffer_ring_, 1);
}

absl::Span<std::byte> Uring::Buffer(const Completion& completion) {
  FG_CHECK(completion.result > 0 && completion.buffer < buffer_count_);
  return {BufferAt(completion.buffer), static_cast<size_t>(completion.result)};
}

void Uring::ReleaseBuffer(uint16_t buffer) {
  FG_CHECK(buffer < buffer_count_);
  Offer(buffer);
}

bool Uring::Submit(const Op& op) {
  FG_CHECK(op.token != kWakeToken && op.token <= kTokenMax);
  // One entry stays free for the waker, which must never wait for room.
  if (ring_->SubmissionSpace() <= 1) return false;
  if (free_slots_.empty()) return false;  // Only some kinds need one; a Wait() gives them back.
  FillEntry(op, ring_->Prepare());
  ++in_flight_;
  return true;
}

uint16_t Uring::TakeSlot(const Op& op) {
  const uint16_t index = free_slots_.back();
  free_slots_.pop_back();
  Slot& slot = slots_[index];
  slot.token = op.token;
  slot.kind = op.kind;
  slot.attempts = 0;
  slot.conclusive = false;
  slot.target = op.target;
  return index;
}

void Uring::FillEntry(const Op& op, io_uring_sqe* entry) {
  entry->fd = op.fd;
  entry->user_data = op.token;
  switch (op.kind) {
    case OpKind::kAccept: {
      const uint16_t index = TakeSlot(op);
      Slot& slot = slots_[index];
      slot.address_size = sizeof(slot.address);
      entry->opcode = IORING_OP_ACCEPT;
      entry->ioprio = kAcceptDontWait;
      entry->addr = reinterpret_cast<uint64_t>(&slot.address);
      entry->addr2 = reinterpret_cast<uint64_t>(&slot.address_size);
      entry->accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
      entry->user_data = kSlotBase + index;
      break;
    }
    case OpKind::kAcceptMultishot:
      entry->opcode = IORING_OP_ACCEPT;
      entry->ioprio = IORING_ACCEPT_MULTISHOT;
      entry->accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
      ForgetMultishot(op.token);
      multishots_.push_back(op.token);
      break;
    case OpKind::kConnect:
      if (reinterpret_cast<const sockaddr*>(op.address->storage)->sa_family == AF_UNIX) {
        return FillUnixConnect(op, entry);
      }
      entry->opcode = IORING_OP_CONNECT;
      entry->addr = reinterpret_cast<uint64_t>(op.address->storage);
      entry->off = op.address->size;
      break;
    case OpKind::kReceive:
      entry->opcode = IORING_OP_RECV;
      entry->flags = IOSQE_BUFFER_SELECT;
      entry->buf_group = kBufferGroup;
      entry->len = buffer_size_;
      if (op.expect_wait) entry->ioprio = IORING_RECVSEND_POLL_FIRST;
      break;
    case OpKind::kSend:
      entry->opcode = IORING_OP_SEND;
      entry->addr = reinterpret_cast<uint64_t>(op.data);
      entry->len = op.size;
      // MSG_WAITALL: the kernel goes on after a short send, so that one completion says it all.
      entry->msg_flags = MSG_NOSIGNAL | MSG_WAITALL | (op.more_follows ? uint32_t{MSG_MORE} : 0U);
      if (op.expect_wait) entry->ioprio = IORING_RECVSEND_POLL_FIRST;
      break;
    case OpKind::kPoll:
      entry->opcode = IORING_OP_POLL_ADD;
      io_uring_prep_poll_add(entry, op.fd, op.poll_events);
      entry->user_data = op.token;
      break;
    case OpKind::kCancel:
      FillCancel(TakeSlot(op), entry);
      break;
  }
}

void Uring::FillCancel(uint16_t index, io_uring_sqe* entry) {
  entry->opcode = IORING_OP_ASYNC_CANCEL;
  entry->fd = -1;
  entry->addr = slots_[index].target;
  entry->user_data = kSlotBase + index;
}

// On a unix socket connect(2) never waits when it must not: it succeeds, or says EAGAIN when the
// queue is full. io_uring would try over and over and at last hand it to a thread that waits for
// room, where a cancel may miss it. So it is done here, and an empty operation carries the result.
void Uring::FillUnixConnect(const Op& op, io_uring_sqe* entry) {
  const uint16_t index = TakeSlot(op);
  const auto* address = reinterpret_cast<const sockaddr*>(op.address->storage);
  slots_[index].result = connect(op.fd, address, op.address->size) == 0 ? 0 : -errno;
  entry->opcode = IORING_OP_NOP;
  entry->fd = -1;
  entry->user_data = kSlotBase + index;
}

void Uring::ArmWaker() {
  io_uring_sqe* entry = ring_->Prepare();
  io_uring_prep_poll_multishot(entry, waker_.fd(), POLLIN);
  entry->user_data = kWakeData;
  ++in_flight_;
  waker_armed_ = true;
}

size_t Uring::Wait(Instant until, absl::Span<Completion> out) {
  FG_CHECK(!out.empty());
  if (!ring_->enabled()) FG_CHECK(ring_->Enable() == 0);
  if (!waker_armed_ && ring_->SubmissionSpace() > 0) ArmWaker();
  const bool may_wait = until > now_;
  size_t count = 0;
  // Usually once. Again after a signal, or when all that came was our own.
  for (;;) {
    const uint32_t ready = ring_->CompletionsReady();
    if (ring_->Unsubmitted() > 0 || ready < out.size()) {
      int64_t timeout_ns = -1;
      const bool waits = may_wait && ready == 0 && count == 0;
      if (waits && until != Instant::Never()) {
        timeout_ns = std::max<int64_t>((until - ReadClock()).ns, 0);
      }
      const int error = ring_->Enter(waits ? 1 : 0, timeout_ns);
      // Everything left is a mistake of ours (another thread, a bad argument).
      FG_CHECK(error == 0);
    }
    count = Harvest(out);
    now_ = ReadClock();
    if (count > 0 || now_ >= until) return count;
    if (!waker_armed_ && ring_->SubmissionSpace() > 0) ArmWaker();
  }
}

size_t Uring::Harvest(absl::Span<Completion> out) {
  const uint32_t ready = ring_->CompletionsReady();
  uint32_t seen = 0;
  size_t count = 0;
  while (seen < ready && count < out.size()) {
    if (Translate(ring_->CompletionAt(seen++), &out[count])) ++count;
  }
  ring_->ConsumeCompletions(seen);
  return count;
}

// False: one of our own, nothing to tell.
bool Uring::Translate(const io_uring_cqe& entry, Completion* completion) {
  const bool more = (entry.flags & IORING_CQE_F_MORE) != 0;
  if (!more) --in_flight_;
  *completion = {.token = entry.user_data, .result = entry.res, .more = more};
  if (entry.user_data > kTokenMax) [[unlikely]] {
    if (entry.user_data == kTeardownData) return false;
    if (entry.user_data == kWakeData) {
      if (!more) waker_armed_ = false;  // A full completion queue ended it; armed again in Wait().
      waker_.Acknowledge();
      *completion = {.token = kWakeToken};
      return true;
    }
    return TranslateSlot(entry, completion);
  }
  if ((entry.flags & IORING_CQE_F_BUFFER) != 0) {
    const uint16_t buffer = static_cast<uint16_t>(entry.flags >> IORING_CQE_BUFFER_SHIFT);
    completion->buffer = buffer;
    if (entry.res <= 0) Offer(buffer);  // The end of input took one along: not the caller's.
  }
  if (!more && !multishots_.empty()) ForgetMultishot(entry.user_data);
  return true;
}

// False: nothing to tell yet.
bool Uring::TranslateSlot(const io_uring_cqe& entry, Completion* completion) {
  const uint16_t index = static_cast<uint16_t>(entry.user_data - kSlotBase);
  const Slot& slot = slots_[index];
  completion->token = slot.token;
  completion->more = false;
  switch (slot.kind) {
    case OpKind::kAccept:
      if (entry.res < 0) break;
      completion->peer = ToPeerAddress(reinterpret_cast<const sockaddr*>(&slot.address),
                                       std::min<uint32_t>(slot.address_size, sizeof(slot.address)));
      break;
    case OpKind::kCancel:
      if (entry.res == -ENOENT && CancelAgain(index)) return false;
      // Running in this instant on one of io_uring's own threads: its completion comes.
      if (entry.res == -EALREADY) completion->result = 0;
      break;
    default:
      completion->result = slot.result;
      break;
  }
  free_slots_.push_back(index);
  return true;
}

// io_uring does not find an operation that stands between its wait and its next attempt (in the
// ring's list of deferred work). That attempt may well end in another wait, and nobody would cancel
// it then. So finding nothing counts only for a cancel that was submitted after its target had left
// the submission queue for certain and while no deferred work was pending.
bool Uring::CancelAgain(uint16_t index) {
  Slot& slot = slots_[index];
  if (slot.conclusive || slot.attempts == kCancelAttemptsMax || ring_->SubmissionSpace() == 0) {
    return false;
  }
  ++slot.attempts;
  slot.conclusive = !ring_->DeferredWorkPending();
  FillCancel(index, ring_->Prepare());
  ++in_flight_;
  return true;
}

void Uring::ForgetMultishot(uint64_t token) {
  const auto found = std::find(multishots_.begin(), multishots_.end(), token);
  if (found == multishots_.end()) return;
  *found = multishots_.back();
  multishots_.pop_back();
}

void Uring::CancelAll() {
  in_flight_ -= ring_->DropUnsubmitted();
  if (ring_->SubmissionSpace() == 0) return;
  io_uring_sqe* entry = ring_->Prepare();
  entry->opcode = IORING_OP_ASYNC_CANCEL;
  entry->fd = -1;
  entry->cancel_flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
  entry->user_data = kTeardownData;
  ++in_flight_;
  // Bounded: what cannot be cancelled (a thing stuck in the kernel) is left to the ring's end.
  const Instant give_up = ReadClock() + Duration::Seconds(1);
  while (in_flight_ > 0 && ReadClock() < give_up) {
    if (ring_->Enter(1, Duration::Milliseconds(100).ns) != 0) return;
    DiscardCompletions();
  }
}

void Uring::DiscardCompletions() {
  const uint32_t ready = ring_->CompletionsReady();
  for (uint32_t i = 0; i < ready; ++i) {
    const io_uring_cqe& entry = ring_->CompletionAt(i);
    const bool is_slot = entry.user_data > kTokenMax && entry.user_data < kTeardownData;
    const bool accepted = is_slot ? slots_[entry.user_data - kSlotBase].kind == OpKind::kAccept
                                  : std::find(multishots_.begin(), multishots_.end(),
                                              entry.user_data) != multishots_.end();
    if (accepted && entry.res >= 0) close(entry.res);
    if ((entry.flags & IORING_CQE_F_MORE) == 0) --in_flight_;
  }
  ring_->ConsumeCompletions(ready);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> UringKernel::Create(const KernelOptions& options) {
  if (absl::Status status = CheckKernelOptions(options); !status.ok()) return status;
  // One entry more than the caller may use: the waker's.
  const uint32_t sq_entries = std::min<uint32_t>(std::bit_ceil(options.sq_entries + 1), 32'768);
  const uint32_t cq_entries = std::max(std::bit_ceil(options.cq_entries), sq_entries);
  auto ring = UringRing::Create(sq_entries, cq_entries);
  if (!ring.ok()) return ring.status();
  auto buffer_ring =
      MappedMemory::Create(std::bit_ceil(uint32_t{options.buffers}) * sizeof(io_uring_buf));
  if (!buffer_ring.ok()) return buffer_ring.status();
  auto buffers = MappedMemory::Create(size_t{options.buffers} * options.buffer_size);
  if (!buffers.ok()) return buffers.status();
  OwnedFd eventfd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!eventfd.valid()) {
    return absl::ResourceExhaustedError(absl::StrCat("eventfd failed: ", ErrnoText(errno)));
  }
  auto kernel = std::make_unique<Uring>(*std::move(ring), options, *std::move(buffer_ring),
                                        *std::move(buffers), std::move(eventfd));
  if (const int error = kernel->RegisterBuffers(); error < 0) {
    return UringError("registering a buffer ring with io_uring", -error);
  }
  return kernel;
}

}  // namespace floodgate
