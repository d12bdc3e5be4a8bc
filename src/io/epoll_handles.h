// What the epoll kernel remembers of descriptors.
#ifndef FLOODGATE_IO_EPOLL_HANDLES_H_
#define FLOODGATE_IO_EPOLL_HANDLES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "io/kernel.h"

namespace floodgate {

// An operation that has been tried and waits for its handle.
struct EpollParked {
  bool active = false;
  bool more_follows = false;  // kSend
  OpKind kind = OpKind::kPoll;
  uint16_t poll_events = 0;
  uint32_t size = 0;  // kSend: all
  uint32_t done = 0;  // kSend: sent so far
  uint64_t token = 0;
  const std::byte* data = nullptr;
};

// What is remembered of a descriptor. `readable` and `writable` mean "not known to be otherwise":
// they are cleared when a call has said so, and set again by the edge that epoll reports.
struct EpollHandle {
  EpollParked reader = {};
  EpollParked writer = {};
  uint32_t generation = 0;  // tells an event of this descriptor from one of its predecessor's
  bool registered = false;
  bool readable = true;
  bool writable = true;
  bool hung_up = false;  // RDHUP, HUP or ERR was reported: a short receive was not the last word
  bool queued = false;   // it stands in ready_
};

// All handles, by descriptor. They stay where they are while their number grows.
class EpollHandles {
 public:
  EpollHandle& At(int fd) {
    const size_t chunk = static_cast<size_t>(fd) / kPerChunk;
    if (chunk >= chunks_.size() || chunks_[chunk] == nullptr) Grow(fd);
    return (*chunks_[chunk])[static_cast<size_t>(fd) % kPerChunk];
  }

  // The descriptor was made anew, or has gone: whatever is remembered of its number is of a
  // predecessor. REQUIRES: no operation on it is parked.
  void StartAfresh(int fd);

  // The parked operation with this token: of `fd`, or of any handle if that is -1. nullptr: none.
  EpollParked* Find(int fd, uint64_t token);

 private:
  static constexpr size_t kPerChunk = 512;
  using Chunk = std::array<EpollHandle, kPerChunk>;

  void Grow(int fd);

  std::vector<std::unique_ptr<Chunk>> chunks_;
};

}  // namespace floodgate

#endif  // FLOODGATE_IO_EPOLL_HANDLES_H_
