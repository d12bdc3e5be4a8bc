// The few socket calls that a client needs.
#ifndef FLOODGATE_TOOLS_STORM_SOCKETS_H_
#define FLOODGATE_TOOLS_STORM_SOCKETS_H_

#include "base/ip.h"
#include "io/kernel.h"

namespace floodgate::storm {

// `address` with port 0, to bind to.
SocketAddress SourceAddress(const IpAddress& address);

// A non-blocking socket that is connecting to `target` from `source` (null: the kernel chooses).
// -1: none, and errno says why; EAGAIN is a unix socket whose queue is full. The caller owns it.
int StartConnect(const SocketAddress& target, const SocketAddress* source);

// 0 if `source` may be bound on this host, else an errno. Nothing is sent.
int ProbeSource(const IpAddress& source);
// 0 if packets from `source` may go to `target`, else an errno. Nothing is sent.
int ProbeRoute(const SocketAddress& target, const IpAddress& source);

// SO_ERROR: 0 or the errno of a connect that failed.
int PendingError(int fd);

// From now on close(2) resets the connection and leaves no TIME_WAIT.
void ResetOnClose(int fd);

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_SOCKETS_H_
