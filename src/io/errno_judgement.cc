#include "io/errno_judgement.h"

#include <cerrno>

namespace floodgate {

// accept(2), "Error handling": Linux passes errors that are already pending on the new connection
// through accept(), and they are to be treated like EAGAIN by trying again.
AcceptVerdict JudgeAccept(int error) {
  switch (error) {
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
      return AcceptVerdict::kNone;

    case ECONNABORTED:  // That peer left the queue before it was taken.
    case EPROTO:        // That connection broke the protocol.
    case EINTR:         // A signal came first; nothing is wrong.
    case EPERM:         // A firewall or security module forbade that one connection.
    case ENETDOWN:      // From here on: errors of the network on that one connection.
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
    case ECONNRESET:
      return AcceptVerdict::kSkip;

    case EMFILE:   // This process has no descriptor left.
    case ENFILE:   // The host has none left.
    case ENOBUFS:  // Socket memory is at its limit.
    case ENOMEM:   // So is the kernel's.
      return AcceptVerdict::kPause;

    case ECANCELED:  // We cancelled the multishot ourselves, or a full completion queue ended it.
      return AcceptVerdict::kNone;

    default:  // EBADF, EINVAL, ENOTSOCK and whatever else: the listener is not what it should be.
      return AcceptVerdict::kRebuild;
  }
}

}  // namespace floodgate
