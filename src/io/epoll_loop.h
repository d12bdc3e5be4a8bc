// The inside of the epoll kernel (io/epoll_kernel.h).
#ifndef FLOODGATE_IO_EPOLL_LOOP_H_
#define FLOODGATE_IO_EPOLL_LOOP_H_

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/fd.h"
#include "io/epoll_handles.h"
#include "io/event_waker.h"
#include "io/kernel.h"
#include "io/kernel_options.h"
#include "io/mapped_memory.h"
#include "io/posix_calls.h"

namespace floodgate {

// Where the completions of one Wait go.
class EpollOutput {
 public:
  explicit EpollOutput(absl::Span<Completion> out) : out_(out) {}
  bool full() const { return count_ == out_.size(); }
  size_t count() const { return count_; }
  Completion& Add(uint64_t token, int32_t result) {
    Completion& completion = out_[count_++];
    completion = {.token = token, .result = result};
    return completion;
  }

 private:
  absl::Span<Completion> out_;
  size_t count_ = 0;
};

// The kernel seam on epoll. How a turn runs is in epoll_loop.cc, what each operation does in
// epoll_operations.cc.
class EpollLoop final : public PosixCalls {
 public:
  // epoll_event.data of the waker's eventfd, which is registered with EPOLLIN | EPOLLET.
  static constexpr uint64_t kWakeData = ~uint64_t{0};

  // `options` have been checked; `buffers` holds all of the pool.
  EpollLoop(const KernelOptions& options, MappedMemory buffers, OwnedFd epoll, OwnedFd eventfd);

  bool Submit(const Op& op) override;
  size_t Wait(Instant until, absl::Span<Completion> out) override;
  Waker& waker() override { return waker_; }
  absl::Span<std::byte> Buffer(const Completion& completion) override;
  void ReleaseBuffer(uint16_t buffer) override;
  size_t buffer_size() const override { return buffer_size_; }

  void Close(int fd) override;
  void Forget(int fd) override;
  int OpenSocket(const SocketAddress& address, bool speaks_at_once) override;
  int Listen(int fd, int backlog) override;

 private:
  static constexpr size_t kEventsMax = 256;  // taken from epoll at a time

  void TellWake(EpollOutput& out);
  void RunReady(EpollOutput& out);
  void RunSubmitted(EpollOutput& out);
  void HarvestEvents(Instant until, EpollOutput& out);
  int WaitForEvents(int64_t timeout_ns);
  void Apply(const epoll_event& event, EpollOutput& out);

  // False: `op` needs more room in `out` and stays first in the queue.
  bool Start(Op& op, EpollOutput& out);
  void Accept(const Op& op, EpollOutput& out);
  bool Cancel(Op& op, EpollOutput& out);
  void Park(EpollParked& slot, const Op& op);
  void Complete(EpollParked& slot, int32_t result, EpollOutput& out);
  // Makes epoll tell when `fd` changes. Completes `slot` with the error if that cannot be.
  void EnsureRegistered(int fd, EpollHandle& handle, EpollParked& slot, EpollOutput& out);

  // Each tries what is parked and completes it or leaves it parked. REQUIRES: room for one.
  void RunReader(int fd, EpollHandle& handle, EpollOutput& out);
  void RunWriter(int fd, EpollHandle& handle, EpollOutput& out);
  void RunReceive(int fd, EpollHandle& handle, EpollOutput& out);
  void RunAcceptMultishot(int fd, EpollHandle& handle, EpollOutput& out);
  void RunSend(int fd, EpollHandle& handle, EpollOutput& out);
  void RunConnect(int fd, EpollHandle& handle, EpollOutput& out);
  void RunPoll(int fd, EpollParked& slot, EpollOutput& out);
  void Queue(int fd, EpollHandle& handle);

  EpollHandles handles_;
  std::vector<Op> submitted_;  // in order; the first `submitted_done_` have been started
  size_t submitted_done_ = 0;
  size_t submitted_max_;
  std::deque<int> ready_;  // descriptors whose completions found no room; first in, first out
  std::array<epoll_event, kEventsMax> events_;
  bool wake_due_ = false;     // its completion found no room
  size_t accept_budget_ = 0;  // what multishot accepts may still take in this Wait

  MappedMemory buffers_;
  std::vector<uint16_t> free_buffers_;  // a stack: the last one used is the warmest
  uint16_t buffer_count_;
  uint32_t buffer_size_;
  OwnedFd epoll_;
  EventWaker waker_;
};

}  // namespace floodgate

#endif  // FLOODGATE_IO_EPOLL_LOOP_H_
