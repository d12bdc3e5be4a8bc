// Accept queues of unix sockets, which no getsockopt tells.
#ifndef FLOODGATE_IO_UNIX_DIAG_H_
#define FLOODGATE_IO_UNIX_DIAG_H_

#include <optional>

#include "base/fd.h"
#include "io/kernel.h"

namespace floodgate {

// Asks unix_diag (sock_diag(7)) for the queue of a listening unix socket of this network namespace.
// `diag` is the netlink socket, opened here when it is not valid yet. nullopt: the kernel has no
// unix_diag, or does not know the socket. Never blocks: the kernel answers inside the request.
std::optional<QueueReading> ReadUnixDiagQueue(OwnedFd& diag, int listener);

}  // namespace floodgate

#endif  // FLOODGATE_IO_UNIX_DIAG_H_
