// The choice between the implementations of the kernel seam.
#ifndef FLOODGATE_IO_ENGINE_H_
#define FLOODGATE_IO_ENGINE_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "io/kernel.h"
#include "io/kernel_options.h"

namespace floodgate {

enum class EngineKind : uint8_t { kUring, kEpoll };

// "io_uring" or "epoll", as configuration and status write it.
absl::string_view EngineName(EngineKind kind);

// Makes a kernel of that kind; may be called on another thread than its owner's (the thread of its
// first Wait). To choose by itself a program asks ProbeUring() (io/uring_kernel.h) once at start.
absl::StatusOr<std::unique_ptr<Kernel>> CreateKernel(EngineKind kind,
                                                     const KernelOptions& options = {});

}  // namespace floodgate

#endif  // FLOODGATE_IO_ENGINE_H_
