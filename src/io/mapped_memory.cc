#include "io/mapped_memory.h"

#include <sys/mman.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "io/errno_text.h"

namespace floodgate {

absl::StatusOr<MappedMemory> MappedMemory::Create(size_t size) {
  void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot map ", size, " bytes of memory: ", ErrnoText(errno)));
  }
  // Only a wish: without transparent huge pages in the kernel it fails, and nothing is lost.
  madvise(data, size, MADV_NOHUGEPAGE);
  return MappedMemory(data, size);
}

MappedMemory::~MappedMemory() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace floodgate
