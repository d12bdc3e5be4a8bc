#include "front/handshake.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"

namespace floodgate {

void Handshake::Begin(Connection& connection, Instant deadline) {
  connection.stage = Stage::kHandshake;
  connection.stage_since = context_.kernel.Now();
  connection.deadline = context_.timers.Arm(deadline, TokenOf(connection, Event::kDeadline));
  transport_.Receive(connection, Side::kClient, /*expect_wait=*/false);
}

bool Handshake::OnReceived(Connection& connection, absl::Span<const std::byte> bytes) {
  absl::StrAppend(&connection.handshake_input, AsText(bytes));
  if (connection.handshake_input.size() > kInputMaxBytes) {
    Fail(connection, "the client sent too much before the handshake was done");
    return false;
  }
  return true;
}

void Handshake::OnClientGone(Connection& connection) {
  connection.client_left = true;
  Fail(connection, "the client left during the handshake");
}

void Handshake::OnDeadline(Connection& connection) {
  Fail(connection, "limits.handshake_timeout is over");
}

bool Handshake::Step(Connection& connection) {
  if (!connection.handshake_begun && !BeginSession(connection)) return false;
  const std::string input = std::exchange(connection.handshake_input, {});
  ByteSink plain{.data = absl::MakeSpan(context_.plain_scratch)};
  ByteSink cipher{.data = absl::MakeSpan(context_.cipher_scratch)};
  const TlsState state = connection.tls->Receive(AsBytes(input), plain, cipher);
  transport_.Append(connection, Side::kClient, cipher.data.first(cipher.size));
  transport_.Append(connection, Side::kClient, AsBytes(cipher.overflow));
  switch (state) {
    case TlsState::kHandshaking:
      transport_.Flush(connection, Side::kClient);
      transport_.Receive(connection, Side::kClient, /*expect_wait=*/true);
      return false;
    case TlsState::kFailed:
      Refuse(connection);
      return false;
    case TlsState::kPeerClosed:
      connection.client.end_of_input = true;
      break;
    case TlsState::kEstablished:
      break;
  }
  connection.asked = !plain.empty();
  transport_.Append(connection, Side::kBackend, plain.data.first(plain.size));
  transport_.Append(connection, Side::kBackend, AsBytes(plain.overflow));
  Established(connection);
  return true;
}

bool Handshake::BeginSession(Connection& connection) {
  // The step to come costs a hundred times more than a look at who it is for.
  if (context_.kernel.ReadConnection(connection.client.fd).state ==
      ConnectionReading::State::kGone) {
    OnClientGone(connection);
    return false;
  }
  connection.handshake_begun = true;
  connection.tls = context_.tls->NewSession(connection.port == Port::kController);
  if (connection.tls == nullptr) {
    Fail(connection, "out of memory for a TLS session");
    return false;
  }
  // Nobody counts how many controllers are still to be begun, and a report of theirs wakes.
  if (connection.port == Port::kAgent) context_.Tell(connection, Report::Kind::kBegun);
  return true;
}

void Handshake::Established(Connection& connection) {
  const Instant now = context_.kernel.Now();
  const TlsFacts& facts = connection.tls->facts();
  context_.timers.Cancel(connection.deadline);
  context_.metrics.handshake_seconds.Record(now - connection.stage_since);
  context_.Tell(connection, Report::Kind::kHandshakeDone, facts.resumed);
  if (connection.client.out.queued.empty()) return;
  // TLS 1.3: all that is left to send are session tickets, for which nobody waits: they go with the
  // first answer, which saves a packet each way. In TLS 1.2 the client waits for our Finished.
  if (facts.version == "TLSv1.3") {
    transport_.Hold(connection, Side::kClient, kTicketsHeld);
  } else {
    transport_.Flush(connection, Side::kClient);
  }
}

void Handshake::Refuse(Connection& connection) {
  if (connection.client.out.empty()) return Fail(connection, connection.tls->error());
  // The alert tells the client what is wrong; the deadline still runs while it is sent.
  connection.stage = Stage::kAlert;
  transport_.Flush(connection, Side::kClient);
}

void Handshake::OnAlertSent(Connection& connection) {
  Fail(connection, connection.tls->error());
}

void Handshake::Fail(Connection& connection, absl::string_view why) {
  if (context_.log.Enabled(Severity::kDebug)) {
    context_.log.Write(Severity::kDebug, "handshake",
                       absl::StrCat("with ", connection.peer.ToString(), " failed: ", why));
  }
  teardown_.Begin(connection, Report::Kind::kHandshakeFailed, /*abort=*/false);
}

}  // namespace floodgate
