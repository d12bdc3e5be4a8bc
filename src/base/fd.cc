#include "base/fd.h"

#include <unistd.h>

namespace floodgate {

void OwnedFd::Reset(int fd) {
  // close(2): on Linux the descriptor is gone whatever close returns, EINTR included; never repeat.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

}  // namespace floodgate
