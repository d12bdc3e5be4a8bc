// What the gatekeeper and a worker tell each other. Values only: whoever receives a message owns
// all that is in it.
#ifndef FLOODGATE_FRONT_MESSAGES_H_
#define FLOODGATE_FRONT_MESSAGES_H_

#include <cstdint>
#include <memory>
#include <variant>

#include "base/ip.h"
#include "base/time.h"
#include "core/states.h"
#include "front/tls.h"
#include "io/kernel.h"

namespace floodgate {

class BackendTrouble;

// How a worker treats connections; replaced whole by a reload, for connections assigned afterwards.
struct WorkerOptions {
  SocketAddress backend;
  bool proxy_protocol = true;
  Duration connect_timeout = Duration::Seconds(5);
  // Bulk passes through a pipe (splice(2)) where no TLS is in the way.
  bool splice = true;
  int pipes_max = 64;                               // of one worker, two descriptors each
  std::shared_ptr<BackendTrouble> backend_trouble;  // all workers' one; null: not told
};

// Gatekeeper to worker: an admitted connection. The worker owns `client` from here on.
struct Assignment {
  uint64_t id = 0;        // the gatekeeper's handle, given back in every report
  uint64_t sequence = 0;  // counts admitted connections; the backend sees it as the PROXY UNIQUE_ID
  int client = -1;
  Port port = Port::kAgent;
  PeerAddress peer;
  PeerAddress local;
  // A handshake that is not done by then is given up. Never() without TLS.
  Instant handshake_deadline = Instant::Never();
};

// Gatekeeper to worker: from now on.
struct Reconfigure {
  std::shared_ptr<const WorkerOptions> options;
  // Null: keep the one in force (or none, without TLS).
  std::unique_ptr<TlsContext> tls;
};

// Gatekeeper to worker: end every connection now.
struct CloseAll {};

using WorkerMessage = std::variant<Assignment, Reconfigure, CloseAll>;

// Worker to gatekeeper. Each connection sends kBegun (agents, TLS only), kHandshakeDone (TLS only)
// and kEstablished on its way, if it gets there, and exactly one of the others at its end, when its
// descriptors are closed.
struct Report {
  enum class Kind : uint8_t {
    kBegun,  // its handshake's first step has been made: the one that costs
    kHandshakeDone,
    kEstablished,  // connected to the backend
    kFinished,
    kHandshakeFailed,
    kBackendFailed,
  };
  uint64_t id = 0;
  Kind kind = Kind::kFinished;
  bool resumed = false;      // kHandshakeDone
  bool client_left = false;  // at its end: the client went away before it was served
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_MESSAGES_H_
