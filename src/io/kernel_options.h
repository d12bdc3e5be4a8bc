// What both implementations of the kernel seam are made with.
#ifndef FLOODGATE_IO_KERNEL_OPTIONS_H_
#define FLOODGATE_IO_KERNEL_OPTIONS_H_

#include <cstddef>
#include <cstdint>

namespace floodgate {

// Memory is touched only as it is used: a buffer that never held data costs address space alone.
struct KernelOptions {
  // Operations between two Waits; Submit says false past it. io_uring rounds up to a power of two.
  uint32_t sq_entries = 1024;  // 1..32,767
  // Completions that can wait to be harvested (io_uring alone). At least sq_entries; a multishot
  // accept ends when they are full and says so by `more`.
  uint32_t cq_entries = 4096;  // 1..65,536
  // The pool that kReceive takes from. A receive that waits holds none, so the pool is sized by
  // what one batch of completions can hold before it is given back, not by connections.
  uint16_t buffers = 64;         // 1..32,767
  uint32_t buffer_size = 32768;  // bytes, 1..16 MiB
};

}  // namespace floodgate

#endif  // FLOODGATE_IO_KERNEL_OPTIONS_H_
