// Pipes for splicing. A pair is two descriptors and pinned pages, so only directions with bulk data
// in motion hold one, and a few are kept for the next.
#ifndef FLOODGATE_FRONT_PIPE_POOL_H_
#define FLOODGATE_FRONT_PIPE_POOL_H_

#include <cstddef>
#include <vector>

#include "io/kernel.h"

namespace floodgate {

// Both ends of a pipe. A value; whoever holds it gives it back to the pool.
struct Pipe {
  int read_end = -1;
  int write_end = -1;

  bool open() const { return read_end >= 0; }
};

// Not thread-safe: one pool, one worker.
class PipePool {
 public:
  explicit PipePool(Kernel& kernel) : kernel_(kernel) {}
  ~PipePool();
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;

  // Not open when `pipes_max` exist already (they must not eat the descriptors that connections
  // need) or the kernel gives none: relay by copying then.
  Pipe Take(size_t pipes_max);
  // Takes a pipe back, leaving `pipe` not open. `clean`: nothing is left in it.
  void Give(Pipe& pipe, bool clean);

 private:
  static constexpr size_t kCapacityBytes = 1 << 20;  // fs.pipe-max-size by default: pipe(7)
  static constexpr size_t kKeptMax = 16;

  Kernel& kernel_;
  size_t pipes_ = 0;
  std::vector<Pipe> free_;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_PIPE_POOL_H_
