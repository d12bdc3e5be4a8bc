#include "io/epoll_handles.h"

#include "base/check.h"

namespace floodgate {

void EpollHandles::Grow(int fd) {
  FG_CHECK(fd >= 0);
  const size_t chunk = static_cast<size_t>(fd) / kPerChunk;
  if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
  chunks_[chunk] = std::make_unique<Chunk>();
}

void EpollHandles::StartAfresh(int fd) {
  EpollHandle& handle = At(fd);
  FG_CHECK(!handle.reader.active && !handle.writer.active);
  handle = {.generation = handle.generation + 1, .queued = handle.queued};
}

EpollParked* EpollHandles::Find(int fd, uint64_t token) {
  const auto match = [token](EpollHandle& handle) -> EpollParked* {
    if (handle.reader.active && handle.reader.token == token) return &handle.reader;
    if (handle.writer.active && handle.writer.token == token) return &handle.writer;
    return nullptr;
  };
  if (fd >= 0) return match(At(fd));
  for (const auto& chunk : chunks_) {
    if (chunk == nullptr) continue;
    for (EpollHandle& handle : *chunk) {
      if (EpollParked* found = match(handle); found != nullptr) return found;
    }
  }
  return nullptr;
}

}  // namespace floodgate
