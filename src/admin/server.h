// The control interface (docs/control-interface.md): HTTP/1.1 on one unix or TCP socket, on threads
// of its own. It reads snapshots and posts commands through Control and touches no state.
#ifndef FLOODGATE_ADMIN_SERVER_H_
#define FLOODGATE_ADMIN_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "admin/control.h"
#include "base/endpoint.h"

namespace floodgate {

// One thread reads and writes all connections, so that a client that is slow, silent or full of
// questions holds nothing but its own connection; a fixed number of threads answers whole requests.
// Bounds and time-outs: admin/http_loop.h.
class AdminServer {
 public:
  // Binds and listens; connections wait in the kernel until Start.
  // unix:/path: a socket file that nobody listens on is replaced, a living one is AlreadyExists,
  // and anything that is not a socket is left alone: FailedPrecondition. The file gets the
  // permissions `mode` before anybody can connect. TCP port 0 asks the kernel for one.
  // Errors name the address and the remedy. `control` outlives the server.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Create(const Endpoint& listen, uint32_t mode,
                                                             Control& control);
  // Stops if it still runs.
  virtual ~AdminServer() = default;

  // The address that was really bound.
  virtual const Endpoint& bound() const = 0;
  // What an operator should know about this address, for the log; empty = nothing. There is no
  // authentication: whoever can connect can open the gate, so TCP beyond loopback is worth a word.
  virtual const std::string& warning() const = 0;

  // Begins to answer. Once.
  virtual void Start() = 0;
  // Ends: what is being answered is finished (long polls at once), connections are closed, the
  // socket file is removed. Returns when no thread of this server runs any more, and `control`
  // is not called after that. REQUIRES: `control` still answers. Idempotent.
  virtual void Stop() = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_ADMIN_SERVER_H_
