// The TLS stage: collects what the client sends, lets the worker choose when a step is worth its
// CPU, and ends with an established session or a counted refusal.
#ifndef FLOODGATE_FRONT_HANDSHAKE_H_
#define FLOODGATE_FRONT_HANDSHAKE_H_

#include "absl/types/span.h"
#include "front/connection.h"
#include "front/teardown.h"
#include "front/transport.h"
#include "front/worker_context.h"

namespace floodgate {

class Handshake {
 public:
  Handshake(WorkerContext& context, Transport& transport, Teardown& teardown)
      : context_(context), transport_(transport), teardown_(teardown) {}

  // Makes the session and waits for the client's first bytes.
  void Begin(Connection& connection, Instant deadline);
  // Bytes from the client: kept until Step. True: the connection wants a step.
  bool OnReceived(Connection& connection, absl::Span<const std::byte> bytes);
  // The client left, or the receive failed.
  void OnClientGone(Connection& connection);
  void OnDeadline(Connection& connection);
  // In Stage::kAlert: it has been sent, or cannot be.
  void OnAlertSent(Connection& connection);

  // Does the expensive part with all that has been collected. True: established; plaintext that
  // came along waits in backend.out.queued, session tickets in client.out.queued.
  bool Step(Connection& connection);

 private:
  // How long session tickets wait for the first answer to share its packet with.
  static constexpr Duration kTicketsHeld = Duration::Milliseconds(20);
  // A client may send this much before its step; a ClientHello with all post-quantum shares is 2
  // KiB.
  static constexpr size_t kInputMaxBytes = size_t{64} * 1024;

  void Fail(Connection& connection, absl::string_view why);
  void Refuse(Connection& connection);
  // False: the connection ended.
  bool BeginSession(Connection& connection);
  void Established(Connection& connection);

  WorkerContext& context_;
  Transport& transport_;
  Teardown& teardown_;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_HANDSHAKE_H_
