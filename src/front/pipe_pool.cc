#include "front/pipe_pool.h"

#include <utility>

namespace floodgate {

PipePool::~PipePool() {
  for (const Pipe& pipe : free_) {
    kernel_.Close(pipe.read_end);
    kernel_.Close(pipe.write_end);
  }
}

Pipe PipePool::Take(size_t pipes_max) {
  Pipe pipe;
  if (!free_.empty()) {
    pipe = free_.back();
    free_.pop_back();
  } else if (pipes_ < pipes_max &&
             kernel_.OpenPipe(kCapacityBytes, &pipe.read_end, &pipe.write_end) == 0) {
    ++pipes_;
  }
  return pipe;
}

void PipePool::Give(Pipe& pipe, bool clean) {
  if (!pipe.open()) return;
  const Pipe given = std::exchange(pipe, Pipe{});
  if (clean && free_.size() < kKeptMax) {
    free_.push_back(given);
    return;
  }
  kernel_.Close(given.read_end);
  kernel_.Close(given.write_end);
  --pipes_;
}

}  // namespace floodgate
