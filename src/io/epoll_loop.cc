#include "io/epoll_loop.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace floodgate {

EpollLoop::EpollLoop(const KernelOptions& options, MappedMemory buffers, OwnedFd epoll,
                     OwnedFd eventfd)
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

absl::Span<std::byte> EpollLoop::Buffer(const Completion& completion) {
  FG_CHECK(completion.result > 0 && completion.buffer < buffer_count_);
  return {buffers_.data() + size_t{completion.buffer} * buffer_size_,
          static_cast<size_t>(completion.result)};
}

void EpollLoop::ReleaseBuffer(uint16_t buffer) {
  FG_CHECK(buffer < buffer_count_ && free_buffers_.size() < buffer_count_);
  free_buffers_.push_back(buffer);
}

void EpollLoop::Forget(int fd) {
  EpollHandle& handle = handles_.At(fd);
  // close(2) alone would not do where the descriptor has a copy in another process.
  if (handle.registered) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  handles_.StartAfresh(fd);
}

void EpollLoop::Close(int fd) {
  Forget(fd);
  PosixCalls::Close(fd);
}

int EpollLoop::OpenSocket(const SocketAddress& address, bool speaks_at_once) {
  const int fd = PosixCalls::OpenSocket(address, speaks_at_once);
  if (fd >= 0) handles_.StartAfresh(fd);
  return fd;
}

int EpollLoop::Listen(int fd, int backlog) {
  const int result = PosixCalls::Listen(fd, backlog);
  // The number may have been another kernel's before; a listener that is ours keeps its operations.
  EpollHandle& handle = handles_.At(fd);
  if (result == 0 && !handle.reader.active && !handle.writer.active) Forget(fd);
  return result;
}

bool EpollLoop::Submit(const Op& op) {
  FG_CHECK(op.token != kWakeToken && op.token <= kTokenMax);
  if (submitted_.size() == submitted_max_) return false;
  submitted_.push_back(op);
  return true;
}

size_t EpollLoop::Wait(Instant until, absl::Span<Completion> out) {
  FG_CHECK(!out.empty());
  EpollOutput output(out);
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

void EpollLoop::TellWake(EpollOutput& out) {
  wake_due_ = false;
  waker_.Acknowledge();
  out.Add(kWakeToken, 0);
}

void EpollLoop::RunReady(EpollOutput& out) {
  for (size_t left = ready_.size(); left > 0 && !out.full(); --left) {
    const int fd = ready_.front();
    ready_.pop_front();
    EpollHandle& handle = handles_.At(fd);
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

void EpollLoop::RunSubmitted(EpollOutput& out) {
  while (submitted_done_ < submitted_.size() && !out.full()) {
    if (!Start(submitted_[submitted_done_], out)) break;
    ++submitted_done_;
  }
  submitted_.erase(submitted_.begin(),
                   submitted_.begin() + static_cast<std::ptrdiff_t>(submitted_done_));
  submitted_done_ = 0;
}

void EpollLoop::HarvestEvents(Instant until, EpollOutput& out) {
  int64_t timeout_ns = 0;
  if (out.count() == 0 && ready_.empty() && until > now_) {
    timeout_ns = until == Instant::Never() ? -1 : std::max<int64_t>((until - ReadClock()).ns, 0);
  }
  const int count = WaitForEvents(timeout_ns);
  for (int i = 0; i < count; ++i) Apply(events_[static_cast<size_t>(i)], out);
}

// -1 waits without limit. Gives the number of events, 0 after a signal.
int EpollLoop::WaitForEvents(int64_t timeout_ns) {
  const timespec timeout = {.tv_sec = timeout_ns / 1'000'000'000,
                            .tv_nsec = timeout_ns % 1'000'000'000};
  int count = epoll_pwait2(epoll_.get(), events_.data(), kEventsMax,
                           timeout_ns < 0 ? nullptr : &timeout, nullptr);
  if (count < 0 && (errno == ENOSYS || errno == EPERM)) {
    // Before Linux 5.11, or a seccomp profile of that time: milliseconds, rounded up.
    const int64_t timeout_ms = timeout_ns < 0 ? -1 : (timeout_ns + 999'999) / 1'000'000;
    count = epoll_wait(epoll_.get(), events_.data(), kEventsMax,
                       static_cast<int>(std::min<int64_t>(timeout_ms, 86'400'000)));
  }
  FG_CHECK(count >= 0 || errno == EINTR);
  return std::max(count, 0);
}

void EpollLoop::Apply(const epoll_event& event, EpollOutput& out) {
  if (event.data.u64 == kWakeData) {
    wake_due_ = true;
    if (!out.full()) TellWake(out);
    return;
  }
  const int fd = static_cast<int>(static_cast<uint32_t>(event.data.u64));
  EpollHandle& handle = handles_.At(fd);
  if (static_cast<uint32_t>(event.data.u64 >> 32) != handle.generation) return;
  const bool hung_up = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  handle.hung_up |= hung_up;
  if (hung_up || (event.events & EPOLLIN) != 0) handle.readable = true;
  if ((event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) handle.writable = true;

  for (EpollParked* slot : {&handle.reader, &handle.writer}) {
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

void EpollLoop::Queue(int fd, EpollHandle& handle) {
  if (handle.queued) return;
  handle.queued = true;
  ready_.push_back(fd);
}

}  // namespace floodgate
