// Moves bytes on one socket of a connection: arms receives, queues and sends, carries FIN.
#ifndef FLOODGATE_FRONT_TRANSPORT_H_
#define FLOODGATE_FRONT_TRANSPORT_H_

#include <cstddef>

#include "absl/types/span.h"
#include "front/connection.h"
#include "front/worker_context.h"

namespace floodgate {

class Transport {
 public:
  explicit Transport(WorkerContext& context) : context_(context) {}

  // Arms a receive unless one is in flight or the input has ended. `expect_wait`: nothing is there
  // yet.
  void Receive(Connection& connection, Side side, bool expect_wait);

  // Queues a copy of `bytes` behind all that waits already; Flush sends.
  void Append(Connection& connection, Side side, absl::Span<const std::byte> bytes);
  // Queues FIN behind all that waits.
  void Finish(Connection& connection, Side side) { connection.socket(side).out.finish = true; }
  // A sink for bytes made in place, behind all that waits already: into the chunk that will be sent
  // next if that is possible, else one whose bytes are queued. Commit with CommitSink before the
  // next is asked for, then Flush.
  ByteSink SinkInto(Connection& connection, Side side);
  void CommitSink(Connection& connection, Side side, ByteSink& sink);
  // Lets what is queued wait so long for something to share a packet with. REQUIRES: nothing in
  // flight to `side`. OnHeld: the time is over.
  void Hold(Connection& connection, Side side, Duration time);
  void OnHeld(Connection& connection, Side side);
  // Sends what waits, FIN included, unless a send is in flight: its completion flushes on.
  void Flush(Connection& connection, Side side);

  // The completion of a send. kBroken: the side takes no more; what waited for it has been dropped.
  enum class Sent { kMoreInFlight, kAllSent, kBroken };
  Sent OnSent(Connection& connection, Side side, int32_t result);
  // Drops what waits for a side that takes no more.
  void Discard(Connection& connection, Side side);

 private:
  WorkerContext& context_;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_TRANSPORT_H_
