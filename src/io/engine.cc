#include "io/engine.h"

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "io/epoll_kernel.h"
#include "io/options_check.h"
#include "io/uring_kernel.h"

namespace floodgate {
namespace {

absl::Status CheckRange(absl::string_view name, uint64_t value, uint64_t highest) {
  if (value >= 1 && value <= highest) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is ", value, "; it must be 1 to ", highest));
}

}  // namespace

absl::Status CheckKernelOptions(const KernelOptions& options) {
  absl::Status status = CheckRange("sq_entries", options.sq_entries, 32'767);
  if (status.ok()) status = CheckRange("cq_entries", options.cq_entries, 65'536);
  if (status.ok()) status = CheckRange("buffers", options.buffers, 32'768);
  if (status.ok()) status = CheckRange("buffer_size", options.buffer_size, 1U << 24);
  return status;
}

absl::string_view EngineName(EngineKind kind) {
  switch (kind) {
    case EngineKind::kUring:
      return "io_uring";
    case EngineKind::kEpoll:
      return "epoll";
  }
  FG_CHECK(false);
}

absl::StatusOr<std::unique_ptr<Kernel>> CreateKernel(EngineKind kind,
                                                     const KernelOptions& options) {
  return kind == EngineKind::kUring ? UringKernel::Create(options) : EpollKernel::Create(options);
}

}  // namespace floodgate
