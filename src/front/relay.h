// The relay stage: bytes both ways, half-closes carried, each direction with at most one buffer in
// motion, so that a slow reader stops its own writer and nobody else.
#ifndef FLOODGATE_FRONT_RELAY_H_
#define FLOODGATE_FRONT_RELAY_H_

#include <cstdint>

#include "absl/types/span.h"
#include "front/connection.h"
#include "front/teardown.h"
#include "front/transport.h"
#include "front/worker_context.h"

namespace floodgate {

class Relay {
 public:
  Relay(WorkerContext& context, Transport& transport, Teardown& teardown)
      : context_(context), transport_(transport), teardown_(teardown) {}

  void Begin(Connection& connection);
  void OnReceived(Connection& connection, Side side, absl::Span<const std::byte> bytes);
  // FIN from `side`.
  void OnEnd(Connection& connection, Side side);
  void OnReceiveError(Connection& connection, Side side);
  void OnSent(Connection& connection, Side side, int32_t result);
  // The sockets of a spliced direction are ready again.
  void OnSourceReadable(Connection& connection, Side source);
  void OnSinkWritable(Connection& connection, Side sink);
  // The client has had its time to read what the backend said before it went.
  void OnLingerDeadline(Connection& connection);

 private:
  // How long the PROXY header waits for the client's first bytes, to share a packet with them. Only
  // a client that lets the backend speak first waits for it.
  static constexpr Duration kIntroductionHeld = Duration::Milliseconds(2);
  static constexpr Duration kLingerTime = Duration::Seconds(2);
  // Rounds of splicing in a turn, so that one bulk transfer does not hold up the rest.
  static constexpr int kSpliceRoundsPerTurn = 8;
  static constexpr size_t kSpliceBytesMax = 1 << 20;

  // The client has asked and has no answer yet: if it goes now, it was not served.
  static bool AwaitsAnswer(const Connection& connection);
  // An agent that leaves in the moment before its answer shows in no receive if none is in flight.
  void LookWhetherClientLeft(Connection& connection);
  // Whether the backend's first bytes were its last: short answers often end with the connection,
  // and its end then shares their packet.
  bool IsLast(Connection& connection);
  // Each moves what came from one side into the other's outgoing buffer. False: the connection
  // ended.
  bool Decrypt(Connection& connection, absl::Span<const std::byte> bytes);
  // `last`: nothing comes after it, and close_notify goes with it.
  bool Encrypt(Connection& connection, absl::Span<const std::byte> bytes, bool last);
  void Copy(Connection& connection, Side source, absl::Span<const std::byte> bytes);
  // Reads on from `source` if the other side has taken what was there.
  void ReadOn(Connection& connection, Side source);
  void OnBackendBroken(Connection& connection);
  // Ends the connection if both directions are through.
  void CheckDone(Connection& connection);

  bool BeginSplice(Connection& connection, Side source);
  void Pump(Connection& connection, Side source);
  // Moves from the pipe to the sink. False: the sink takes no more for now, or for ever.
  bool Pour(Connection& connection, Side source);
  void EndSplice(Connection& connection, Side source);

  WorkerContext& context_;
  Transport& transport_;
  Teardown& teardown_;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_RELAY_H_
