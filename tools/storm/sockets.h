// The few socket calls that a client needs.
#ifndef FLOODGATE_TOOLS_STORM_SOCKETS_H_
#define FLOODGATE_TOOLS_STORM_SOCKETS_H_

#include "base/ip.h"
#include "io/kernel.h"

namespace floodgate::storm {

// `address` with port 0, to bind to.
SocketAddress SourceAddress(const IpAddress& address);

// A non-blocking socket that is connecting to `target` from `source` (null: the kernel chooses).
// -1: none, and errno says why. The caller owns it.
int StartConnect(const SocketAddress& target, const SocketAddress* source);

// SO_ERROR: 0 or the errno of a connect that failed.
int PendingError(int fd);

// From now on close(2) resets the connection and leaves no TIME_WAIT.
void ResetOnClose(int fd);

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_SOCKETS_H_
