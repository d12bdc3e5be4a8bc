// Buffers for bytes on their way out. Taken when there is something to send and given back when it
// has been sent, so idle connections hold none; last in, first out, so few of them are ever
// touched.
#ifndef FLOODGATE_FRONT_CHUNK_POOL_H_
#define FLOODGATE_FRONT_CHUNK_POOL_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/types/span.h"

namespace floodgate {

// A buffer of the pool; empty when default-made. Owned by one user at a time.
using Chunk = std::unique_ptr<std::byte[]>;

// Not thread-safe: one pool, one worker. Grows with need; keeps at most `kept_max` free ones.
class ChunkPool {
 public:
  ChunkPool(size_t chunk_size, size_t kept_max) : chunk_size_(chunk_size), kept_max_(kept_max) {
    free_.reserve(kept_max);
  }

  size_t chunk_size() const { return chunk_size_; }

  // Contents are what the last user left.
  Chunk Take() {
    if (free_.empty()) return Chunk(new std::byte[chunk_size_]);
    Chunk chunk = std::move(free_.back());
    free_.pop_back();
    return chunk;
  }

  void Give(Chunk chunk) {
    if (chunk != nullptr && free_.size() < kept_max_) free_.push_back(std::move(chunk));
  }

 private:
  const size_t chunk_size_;
  const size_t kept_max_;
  std::vector<Chunk> free_;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_CHUNK_POOL_H_
