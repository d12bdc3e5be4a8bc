// Makes the listening socket of the control interface.
#ifndef FLOODGATE_ADMIN_LISTEN_SOCKET_H_
#define FLOODGATE_ADMIN_LISTEN_SOCKET_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "base/fd.h"

namespace floodgate {

struct ListenSocket {
  OwnedFd fd;                // listens; non-blocking, close-on-exec
  Endpoint bound;            // with the port that was really bound
  bool reachable = false;    // TCP beyond loopback: other hosts may connect
  uint64_t file_device = 0;  // of the socket file, to know it again (stat(2)); 0 = no file
  uint64_t file_inode = 0;
};

// As AdminServer::Create says of `listen` and `mode`. Not in io, because the control interface must
// not depend on an engine, and its library is used without one by tests.
absl::StatusOr<ListenSocket> ListenForAdmin(const Endpoint& listen, uint32_t mode);

// Removes the socket file, if there is one and it is still ours and not a successor's.
void RemoveSocketFile(const ListenSocket& socket);

}  // namespace floodgate

#endif  // FLOODGATE_ADMIN_LISTEN_SOCKET_H_
