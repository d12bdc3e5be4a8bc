// The state of one admitted connection, from its assignment to a worker until its descriptors are
// closed. Plain data: the stages (handshake, backend, relay, teardown) are the code that moves it.
#ifndef FLOODGATE_FRONT_CONNECTION_H_
#define FLOODGATE_FRONT_CONNECTION_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "base/ip.h"
#include "base/time.h"
#include "base/timer_wheel.h"
#include "core/states.h"
#include "front/chunk_pool.h"
#include "front/messages.h"
#include "front/pipe_pool.h"
#include "front/tls.h"

namespace floodgate {

enum class Stage : uint8_t {
  kHandshake,    // TLS with the client
  kAlert,        // the handshake failed; the alert that says why is being sent
  kConnect,      // to the backend
  kRelay,        // bytes both ways
  kLinger,       // the backend is done and gone; the client may still read what was sent
  kTerminating,  // operations are being cancelled; nothing is closed while one is in flight
};

// The two sockets of a connection.
enum class Side : uint8_t { kClient, kBackend };
constexpr Side Other(Side side) {
  return side == Side::kClient ? Side::kBackend : Side::kClient;
}

// Bytes on their way to one side: at most one chunk, sent to its end before the next is taken, and
// a small queue behind it for what comes up meanwhile (TLS alerts, tickets, the PROXY header).
struct Outgoing {
  Chunk chunk;
  uint32_t begin = 0;  // of what is still to be sent in `chunk`
  uint32_t end = 0;
  bool in_flight = false;
  bool finish = false;  // send FIN when all has been sent
  bool finished = false;
  std::string queued;
  TimerId held;  // `queued` waits until then to share a packet with what comes next

  bool empty() const { return begin == end && queued.empty(); }
};

// One of the two sockets and what is in flight on it.
struct Socket {
  int fd = -1;
  bool receiving = false;
  bool end_of_input = false;  // FIN or close_notify seen
  bool broken = false;        // sending to it failed: it reads nothing more
  bool bulk = false;          // the last receive filled its buffer: more is probably there
  Outgoing out;
};

// One direction of a connection that is spliced: bytes go socket, pipe, socket.
struct SpliceDirection {
  Pipe pipe;
  uint32_t held = 0;            // bytes in the pipe
  bool polling_source = false;  // waits for the source to be readable
  bool polling_sink = false;    // waits for the sink to be writable
};

struct Connection {
  uint64_t id = 0;  // the gatekeeper's handle
  uint64_t sequence = 0;
  uint64_t token_base = 0;  // slot and generation, where Submit's tokens begin
  PeerAddress peer;
  PeerAddress local;
  Port port = Port::kAgent;
  Stage stage = Stage::kHandshake;
  Report::Kind outcome = Report::Kind::kFinished;  // what the last report will say
  bool abort = false;                              // close with a reset
  bool abort_when_sent = false;  // the backend reset; the client gets what came before
  bool connecting = false;
  bool asked = false;             // the client has said something for the backend
  bool answered = false;          // the backend has spoken
  bool client_left = false;       // before it was served
  bool handshake_queued = false;  // in one of the worker's queues of steps
  bool handshake_begun = false;   // a step has been made
  uint8_t operations = 0;         // in flight, cancels included
  TimerId deadline;               // of the stage
  TimerId connect_again;
  Instant stage_since;
  std::unique_ptr<TlsSession> tls;
  std::shared_ptr<const WorkerOptions> backend_options;  // while connecting
  std::string handshake_input;
  Socket client;
  Socket backend;
  std::unique_ptr<std::array<SpliceDirection, 2>> splices;  // by source; null until bulk is seen

  Socket& socket(Side side) { return side == Side::kClient ? client : backend; }
  // REQUIRES: splices.
  SpliceDirection& splice(Side source) { return (*splices)[static_cast<size_t>(source)]; }
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_CONNECTION_H_
