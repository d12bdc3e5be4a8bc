// Memory straight from mmap(2).
#ifndef FLOODGATE_IO_MAPPED_MEMORY_H_
#define FLOODGATE_IO_MAPPED_MEMORY_H_

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"

namespace floodgate {

// Owns page-aligned memory that is resident only where it was touched (no huge pages: a receive of
// 500 bytes shall cost one page, not 2 MiB).
class MappedMemory {
 public:
  static absl::StatusOr<MappedMemory> Create(size_t size);
  MappedMemory() = default;
  MappedMemory(MappedMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedMemory& operator=(MappedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~MappedMemory();

  std::byte* data() const { return static_cast<std::byte*>(data_); }
  size_t size() const { return size_; }

 private:
  MappedMemory(void* data, size_t size) : data_(data), size_(size) {}
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_IO_MAPPED_MEMORY_H_
