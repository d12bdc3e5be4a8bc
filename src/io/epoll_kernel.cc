#include "io/epoll_kernel.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <memory>
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

namespace floodgate {
namespace {

// epoll_event.data of the waker; handles carry their number and generation instead.
constexpr uint64_t kWakeData = ~uint64_t{0};
constexpr size_t kEventsPerWait = 256;

// An operation that has been tried and waits for its handle.
struct Parked {
  bool active = false;
  OpKind kind = OpKind::kPoll;
  uint16_t poll_events = 0;
  uint32_t size = 0;  // kSend: all
  uint32_t done = 0;  // kSend: sent so far
  uint64_t token = 0;
  const std::byte* data = nullptr;
};

// What is remembered of a descriptor. `readable` and `writable` mean "not known to be otherwise":
// they are cleared when a call has said so, and set again by the edge that epoll reports.
struct Handle {
  Parked reader = {};
  Parked writer = {};
  uint32_t generation = 0;  // tells an event of this descriptor from one of its predecessor's
  bool registered = false;
  bool readable = true;
  bool writable = true;
  bool hung_up = false;  // RDHUP, HUP or ERR was reported: a short receive was not the last word
  bool queued = false;   // it stands in ready_
};

// Handles stay where they are while their number grows.
constexpr size_t kHandlesPerChunk = 512;
using HandleChunk = std::array<Handle, kHandlesPerChunk>;

// Where the completions of one Wait go.
class Output {
 public:
  explicit Output(absl::Span<Completion> out) : out_(out) {}
  bool full() const { return count_ == out_.size(); }
  size_t count() const { return count_; }
  size_t capacity() const { return out_.size(); }
  Completion& Add(uint64_t token, int32_t result) {
    Completion& completion = out_[count_++];
    completion = {.token = token, .result = result};
    return completion;
  }

 private:
  absl::Span<Completion> out_;
  size_t count_ = 0;
};

class Epoll final : public PosixCalls {
 public:
  Epoll(const KernelOptions& options, MappedMemory buffers, OwnedFd epoll, OwnedFd eventfd);

  bool Submit(const Op& op) override;
  size_t Wait(Instant until, absl::Span<Completion> out) override;
  Waker& waker() override { return waker_; }
  absl::Span<std::byte> Buffer(const Completion& completion) override;
  void ReleaseBuffer(uint16_t buffer) override;
  size_t buffer_size() const override { return buffer_size_; }

  void Close(int fd) override;
  void Forget(int fd) override;
  int OpenSocket(const SocketAddress& address) override;
  int Listen(int fd, int backlog) override;

 private:
  Handle& HandleOf(int fd);
  // The descriptor was made anew: whatever is remembered of its number is of a predecessor.
  void StartAfresh(int fd);

  void TellWake(Output& out);
  void RunReady(Output& out);
  void RunSubmitted(Output& out);
  void HarvestEvents(Instant until, Output& out);
  int WaitForEvents(int64_t timeout_ns);
  void Apply(const epoll_event& event, Output& out);

  // False: `op` needs more room in `out` and stays first in the queue.
  bool Start(Op& op, Output& out);
  void Accept(const Op& op, Output& out);
  bool Cancel(Op& op, Output& out);
  Parked* FindParked(int fd, uint64_t token);
  void Park(Parked& slot, const Op& op);
  void Complete(Parked& slot, int32_t result, Output& out);
  // Makes epoll tell when `fd` changes. Completes `slot` with the error if that cannot be.
  void EnsureRegistered(int fd, Handle& handle, Parked& slot, Output& out);

  // Each tries what is parked and completes it or leaves it parked. REQUIRES: room for one.
  void RunReader(int fd, Handle& handle, Output& out);
  void RunWriter(int fd, Handle& handle, Output& out);
  void RunReceive(int fd, Handle& handle, Output& out);
  void RunAcceptMultishot(int fd, Handle& handle, Output& out);
  void RunSend(int fd, Handle& handle, Output& out);
  void RunConnect(int fd, Handle& handle, Output& out);
  void RunPoll(int fd, Parked& slot, Output& out);
  void Queue(int fd, Handle& handle);

  std::vector<std::unique_ptr<HandleChunk>> handles_;  // by descriptor
  std::vector<Op> submitted_;  // in order; the first `submitted_done_` have been started
  size_t submitted_done_ = 0;
  size_t submitted_max_;
  std::deque<int> ready_;  // descriptors whose completions found no room; first in, first out
  std::array<epoll_event, kEventsPerWait> events_;
  bool wake_due_ = false;     // its completion found no room
  size_t accept_budget_ = 0;  // what multishot accepts may still take in this Wait

  MappedMemory buffers_;
  std::vector<uint16_t> free_buffers_;  // a stack: the last one used is the warmest
  uint16_t buffer_count_;
  uint32_t buffer_size_;
  OwnedFd epoll_;
  EventWaker waker_;
};

Epoll::Epoll(const KernelOptions& options, MappedMemory buffers, OwnedFd epoll, OwnedFd eventfd)
    : submitted_max_(options.sq_entries),
      buffers_(std::move(buffers)),
      buffer_count_(options.buffers),
      buffer_size_(options.buffer_size),
      epoll_(std::move(epoll)),
      waker_(std::move(eventfd)) {
  submitted_.reserve(submitted_max_);
  free_buffers_.reserve(buffer_count_);
  for (int buffer = buffer_count_ - 1; buffer >= 0; --buffer) {
    free_buffers_.push_back(static_cast<uint16_t>(buffer));
  }
}

absl::Span<std::byte> Epoll::Buffer(const Completion& completion) {
  FG_CHECK(completion.result > 0 && completion.buffer < buffer_count_);
  return {buffers_.data() + size_t{completion.buffer} * buffer_size_,
          static_cast<size_t>(completion.result)};
}

void Epoll::ReleaseBuffer(uint16_t buffer) {
  FG_CHECK(buffer < buffer_count_ && free_buffers_.size() < buffer_count_);
  free_buffers_.push_back(buffer);
}

Handle& Epoll::HandleOf(int fd) {
  FG_CHECK(fd >= 0);
  const size_t chunk = static_cast<size_t>(fd) / kHandlesPerChunk;
  if (chunk >= handles_.size()) handles_.resize(chunk + 1);
  if (handles_[chunk] == nullptr) handles_[chunk] = std::make_unique<HandleChunk>();
  return (*handles_[chunk])[static_cast<size_t>(fd) % kHandlesPerChunk];
}

void Epoll::StartAfresh(int fd) {
  Handle& handle = HandleOf(fd);
  FG_CHECK(!handle.reader.active && !handle.writer.active);
  handle = {.generation = handle.generation + 1, .queued = handle.queued};
}

void Epoll::Forget(int fd) {
  Handle& handle = HandleOf(fd);
  // close(2) alone would not do where the descriptor has a copy in another process.
  if (handle.registered) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  StartAfresh(fd);
}

void Epoll::Close(int fd) {
  Forget(fd);
  PosixCalls::Close(fd);
}

int Epoll::OpenSocket(const SocketAddress& address) {
  const int fd = PosixCalls::OpenSocket(address);
  if (fd >= 0) StartAfresh(fd);
  return fd;
}

int Epoll::Listen(int fd, int backlog) {
  const int result = PosixCalls::Listen(fd, backlog);
  // The number may have been another kernel's before; a listener that is ours keeps its operations.
  Handle& handle = HandleOf(fd);
  if (result == 0 && !handle.reader.active && !handle.writer.active) Forget(fd);
  return result;
}

bool Epoll::Submit(const Op& op) {
  FG_CHECK(op.token != kWakeToken && op.token <= kTokenMax);
  if (submitted_.size() == submitted_max_) return false;
  submitted_.push_back(op);
  return true;
}

size_t Epoll::Wait(Instant until, absl::Span<Completion> out) {
  FG_CHECK(!out.empty());
  Output output(out);
  // Half of the room at the most: an endless stream of connections must not keep the rest waiting.
  accept_budget_ = std::max<size_t>(out.size() / 2, 1);
  if (wake_due_) TellWake(output);
  RunReady(output);
  RunSubmitted(output);
  // Also when the room is taken already, so that handles which are always busy starve nobody.
  do {
    HarvestEvents(until, output);
    now_ = ReadClock();
  } while (output.count() == 0 && now_ < until);
  return output.count();
}

void Epoll::TellWake(Output& out) {
  wake_due_ = false;
  waker_.Acknowledge();
  out.Add(kWakeToken, 0);
}

void Epoll::RunReady(Output& out) {
  for (size_t left = ready_.size(); left > 0 && !out.full(); --left) {
    const int fd = ready_.front();
    ready_.pop_front();
    Handle& handle = HandleOf(fd);
    handle.queued = false;
    if (handle.reader.active) RunReader(fd, handle, out);
    if (!handle.writer.active) continue;
    if (out.full()) {
      Queue(fd, handle);
    } else {
      RunWriter(fd, handle, out);
    }
  }
}

void Epoll::RunSubmitted(Output& out) {
  while (submitted_done_ < submitted_.size() && !out.full()) {
    if (!Start(submitted_[submitted_done_], out)) break;
    ++submitted_done_;
  }
  submitted_.erase(submitted_.begin(),
                   submitted_.begin() + static_cast<std::ptrdiff_t>(submitted_done_));
  submitted_done_ = 0;
}

bool Epoll::Start(Op& op, Output& out) {
  switch (op.kind) {
    case OpKind::kAccept:
      Accept(op, out);
      return true;
    case OpKind::kCancel:
      return Cancel(op, out);
    case OpKind::kReceive:
    case OpKind::kAcceptMultishot: {
      Handle& handle = HandleOf(op.fd);
      Park(handle.reader, op);
      if (op.expect_wait && !handle.registered) handle.readable = false;
      RunReader(op.fd, handle, out);
      return true;
    }
    case OpKind::kSend:
    case OpKind::kConnect: {
      Handle& handle = HandleOf(op.fd);
      Park(handle.writer, op);
      if (op.kind == OpKind::kConnect) {
        const auto* address = reinterpret_cast<const sockaddr*>(op.address->storage);
        const int result = connect(op.fd, address, op.address->size);
        if (result == 0 || errno != EINPROGRESS) {
          Complete(handle.writer, result == 0 ? 0 : -errno, out);
        } else {
          handle.writable = false;
          EnsureRegistered(op.fd, handle, handle.writer, out);
        }
        return true;
      }
      if (op.expect_wait && !handle.registered) handle.writable = false;
      RunWriter(op.fd, handle, out);
      return true;
    }
    case OpKind::kPoll: {
      Handle& handle = HandleOf(op.fd);
      Parked& slot = op.poll_events == POLLOUT ? handle.writer : handle.reader;
      Park(slot, op);
      // The registration itself makes epoll report how things stand.
      if (!handle.registered) {
        EnsureRegistered(op.fd, handle, slot, out);
      } else {
        RunPoll(op.fd, slot, out);
      }
      return true;
    }
  }
  FG_CHECK(false);
}

void Epoll::Park(Parked& slot, const Op& op) {
  FG_CHECK(!slot.active);
  slot = {.active = true,
          .kind = op.kind,
          .poll_events = op.poll_events,
          .size = op.size,
          .token = op.token,
          .data = op.data};
}

void Epoll::Complete(Parked& slot, int32_t result, Output& out) {
  slot.active = false;
  out.Add(slot.token, result);
}

void Epoll::EnsureRegistered(int fd, Handle& handle, Parked& slot, Output& out) {
  if (handle.registered) return;
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = (uint64_t{handle.generation} << 32) | static_cast<uint32_t>(fd);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0 &&
      (errno != EEXIST || epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0)) {
    Complete(slot, -errno, out);
    return;
  }
  handle.registered = true;
}

void Epoll::Accept(const Op& op, Output& out) {
  sockaddr_storage address;
  socklen_t size = sizeof(address);
  int fd = -1;
  do {
    fd = accept4(op.fd, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  Completion& completion = out.Add(op.token, fd < 0 ? -errno : fd);
  if (fd < 0) return;
  completion.peer = ToPeerAddress(reinterpret_cast<const sockaddr*>(&address), size);
  StartAfresh(fd);
}

bool Epoll::Cancel(Op& op, Output& out) {
  // Second step of one that found its target when there was room for a single completion.
  if (op.target == kWakeToken) {
    out.Add(op.token, 0);
    return true;
  }
  Parked* target = FindParked(op.fd, op.target);
  if (target == nullptr) {
    out.Add(op.token, -ENOENT);
    return true;
  }
  Complete(*target, target->done > 0 ? static_cast<int32_t>(target->done) : -ECANCELED, out);
  op.target = kWakeToken;
  if (out.full()) return false;
  out.Add(op.token, 0);
  return true;
}

Parked* Epoll::FindParked(int fd, uint64_t token) {
  const auto match = [token](Handle& handle) -> Parked* {
    if (handle.reader.active && handle.reader.token == token) return &handle.reader;
    if (handle.writer.active && handle.writer.token == token) return &handle.writer;
    return nullptr;
  };
  if (fd >= 0) return match(HandleOf(fd));
  for (const auto& chunk : handles_) {
    if (chunk == nullptr) continue;
    for (Handle& handle : *chunk) {
      if (Parked* found = match(handle); found != nullptr) return found;
    }
  }
  return nullptr;
}

void Epoll::HarvestEvents(Instant until, Output& out) {
  int64_t timeout_ns = 0;
  if (out.count() == 0 && ready_.empty() && until > now_) {
    timeout_ns = until == Instant::Never() ? -1 : std::max<int64_t>((until - ReadClock()).ns, 0);
  }
  const int count = WaitForEvents(timeout_ns);
  for (int i = 0; i < count; ++i) Apply(events_[static_cast<size_t>(i)], out);
}

// -1 waits without limit. Gives the number of events, 0 after a signal.
int Epoll::WaitForEvents(int64_t timeout_ns) {
  const timespec timeout = {.tv_sec = timeout_ns / 1'000'000'000,
                            .tv_nsec = timeout_ns % 1'000'000'000};
  int count = epoll_pwait2(epoll_.get(), events_.data(), kEventsPerWait,
                           timeout_ns < 0 ? nullptr : &timeout, nullptr);
  if (count < 0 && (errno == ENOSYS || errno == EPERM)) {
    // Before Linux 5.11, or a seccomp profile of that time: milliseconds, rounded up.
    const int64_t timeout_ms = timeout_ns < 0 ? -1 : (timeout_ns + 999'999) / 1'000'000;
    count = epoll_wait(epoll_.get(), events_.data(), kEventsPerWait,
                       static_cast<int>(std::min<int64_t>(timeout_ms, 86'400'000)));
  }
  FG_CHECK(count >= 0 || errno == EINTR);
  return std::max(count, 0);
}

void Epoll::Apply(const epoll_event& event, Output& out) {
  if (event.data.u64 == kWakeData) {
    wake_due_ = true;
    if (!out.full()) TellWake(out);
    return;
  }
  const int fd = static_cast<int>(static_cast<uint32_t>(event.data.u64));
  Handle& handle = HandleOf(fd);
  if (static_cast<uint32_t>(event.data.u64 >> 32) != handle.generation) return;
  const bool hung_up = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  handle.hung_up |= hung_up;
  if (hung_up || (event.events & EPOLLIN) != 0) handle.readable = true;
  if ((event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) handle.writable = true;

  for (Parked* slot : {&handle.reader, &handle.writer}) {
    if (!slot->active) continue;
    if (out.full()) {
      Queue(fd, handle);
      return;
    }
    if (slot->kind == OpKind::kPoll) {
      // Level and not edge: what epoll reports is how things stand at this moment.
      const uint32_t wanted = uint32_t{slot->poll_events} | EPOLLERR | EPOLLHUP;
      if ((event.events & wanted) != 0) {
        Complete(*slot, static_cast<int32_t>(event.events & wanted), out);
      }
    } else if (slot == &handle.reader) {
      RunReader(fd, handle, out);
    } else {
      RunWriter(fd, handle, out);
    }
  }
}

void Epoll::Queue(int fd, Handle& handle) {
  if (handle.queued) return;
  handle.queued = true;
  ready_.push_back(fd);
}

void Epoll::RunReader(int fd, Handle& handle, Output& out) {
  switch (handle.reader.kind) {
    case OpKind::kReceive:
      return RunReceive(fd, handle, out);
    case OpKind::kAcceptMultishot:
      return RunAcceptMultishot(fd, handle, out);
    default:
      return RunPoll(fd, handle.reader, out);
  }
}

void Epoll::RunWriter(int fd, Handle& handle, Output& out) {
  switch (handle.writer.kind) {
    case OpKind::kSend:
      return RunSend(fd, handle, out);
    case OpKind::kConnect:
      return RunConnect(fd, handle, out);
    default:
      return RunPoll(fd, handle.writer, out);
  }
}

void Epoll::RunReceive(int fd, Handle& handle, Output& out) {
  Parked& slot = handle.reader;
  if (handle.readable) {
    if (free_buffers_.empty()) return Complete(slot, -ENOBUFS, out);
    const uint16_t buffer = free_buffers_.back();
    std::byte* data = buffers_.data() + size_t{buffer} * buffer_size_;
    ssize_t size = 0;
    do {
      size = recv(fd, data, buffer_size_, MSG_DONTWAIT);
    } while (size < 0 && errno == EINTR);
    if (size > 0) {
      free_buffers_.pop_back();
      // epoll(7): a short read of a stream means that it is empty, unless its end has come too.
      if (static_cast<size_t>(size) < buffer_size_ && !handle.hung_up) handle.readable = false;
      slot.active = false;
      out.Add(slot.token, static_cast<int32_t>(size)).buffer = buffer;
      return;
    }
    if (size == 0) return Complete(slot, 0, out);
    if (errno != EAGAIN) return Complete(slot, -errno, out);
    handle.readable = false;
  }
  EnsureRegistered(fd, handle, slot, out);
}

void Epoll::RunAcceptMultishot(int fd, Handle& handle, Output& out) {
  const uint64_t token = handle.reader.token;
  while (handle.readable) {
    if (out.full() || accept_budget_ == 0) return Queue(fd, handle);
    const int taken = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (taken >= 0) {
      --accept_budget_;
      out.Add(token, taken).more = true;
      StartAfresh(taken);
    } else if (errno == EAGAIN) {
      handle.readable = false;
    } else if (errno != EINTR) {
      return Complete(handle.reader, -errno, out);
    }
  }
  EnsureRegistered(fd, handle, handle.reader, out);
}

void Epoll::RunSend(int fd, Handle& handle, Output& out) {
  Parked& slot = handle.writer;
  while (handle.writable && slot.active) {
    const ssize_t size =
        send(fd, slot.data + slot.done, slot.size - slot.done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size >= 0) {
      slot.done += static_cast<uint32_t>(size);
      if (slot.done == slot.size) Complete(slot, static_cast<int32_t>(slot.size), out);
    } else if (errno == EAGAIN) {
      handle.writable = false;
    } else if (errno != EINTR) {
      // What went out before is told first; the error comes back at the next attempt.
      Complete(slot, slot.done > 0 ? static_cast<int32_t>(slot.done) : -errno, out);
    }
  }
  if (slot.active) EnsureRegistered(fd, handle, slot, out);
}

void Epoll::RunConnect(int fd, Handle& handle, Output& out) {
  if (!handle.writable) return;
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  Complete(handle.writer, -error, out);
}

void Epoll::RunPoll(int fd, Parked& slot, Output& out) {
  pollfd waiting = {.fd = fd, .events = static_cast<int16_t>(slot.poll_events), .revents = 0};
  const int result = poll(&waiting, 1, 0);
  if (result > 0) Complete(slot, waiting.revents, out);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> EpollKernel::Create(const KernelOptions& options) {
  if (absl::Status status = CheckKernelOptions(options); !status.ok()) return status;
  OwnedFd epoll(epoll_create1(EPOLL_CLOEXEC));
  OwnedFd eventfd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll.valid() || !eventfd.valid()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot make an epoll instance: ", ErrnoText(errno)));
  }
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kWakeData;
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, eventfd.get(), &event) != 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot watch an eventfd with epoll: ", ErrnoText(errno)));
  }
  auto buffers = MappedMemory::Create(size_t{options.buffers} * options.buffer_size);
  if (!buffers.ok()) return buffers.status();
  return std::make_unique<Epoll>(options, *std::move(buffers), std::move(epoll),
                                 std::move(eventfd));
}

}  // namespace floodgate
