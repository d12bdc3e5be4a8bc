#include "io/epoll_kernel.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/fd.h"
#include "io/epoll_loop.h"
#include "io/errno_text.h"
#include "io/mapped_memory.h"
#include "io/options_check.h"

namespace floodgate {

absl::StatusOr<std::unique_ptr<Kernel>> EpollKernel::Create(const KernelOptions& options) {
  if (absl::Status status = CheckKernelOptions(options); !status.ok()) return status;
  OwnedFd epoll(epoll_create1(EPOLL_CLOEXEC));
  OwnedFd eventfd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll.valid() || !eventfd.valid()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot make an epoll instance: ", ErrnoText(errno)));
  }
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = EpollLoop::kWakeData;
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, eventfd.get(), &event) != 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot watch an eventfd with epoll: ", ErrnoText(errno)));
  }
  auto buffers = MappedMemory::Create(size_t{options.buffers} * options.buffer_size);
  if (!buffers.ok()) return buffers.status();
  return std::make_unique<EpollLoop>(options, *std::move(buffers), std::move(epoll),
                                     std::move(eventfd));
}

}  // namespace floodgate
