#include "front/relay.h"

#include <poll.h>

#include <cerrno>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"

namespace floodgate {

void Relay::Begin(Connection& connection) {
  connection.stage = Stage::kRelay;
  if (connection.client.end_of_input) transport_.Finish(connection, Side::kBackend);
  if (connection.client.receiving && !connection.backend.out.queued.empty()) {
    transport_.Hold(connection, Side::kBackend, kIntroductionHeld);
  } else {
    transport_.Flush(connection, Side::kBackend);
  }
  transport_.Receive(connection, Side::kBackend, /*expect_wait=*/true);
  ReadOn(connection, Side::kClient);
}

void Relay::OnReceived(Connection& connection, Side side, absl::Span<const std::byte> bytes) {
  if (connection.stage == Stage::kLinger) {  // What the client says now has no reader any more.
    return transport_.Receive(connection, side, /*expect_wait=*/true);
  }
  if (side == Side::kClient && connection.backend.broken) return;
  connection.socket(side).bulk = bytes.size() == context_.kernel.buffer_size();
  if (side == Side::kBackend) LookWhetherClientLeft(connection);
  const bool last = side == Side::kBackend && IsLast(connection);
  if (connection.tls == nullptr) {
    Copy(connection, side, bytes);
  } else if (side == Side::kClient) {
    if (!Decrypt(connection, bytes)) return;
  } else {
    if (!Encrypt(connection, bytes, last)) return;
  }
  if (last) {
    connection.backend.end_of_input = true;
    transport_.Finish(connection, Side::kClient);
  }
  transport_.Flush(connection, Other(side));
  ReadOn(connection, side);
}

bool Relay::IsLast(Connection& connection) {
  if (std::exchange(connection.answered, true) || connection.backend.bulk) return false;
  return context_.kernel.InputEnded(connection.backend.fd);
}

void Relay::LookWhetherClientLeft(Connection& connection) {
  if (!AwaitsAnswer(connection)) return;
  connection.client_left =
      context_.kernel.ReadConnection(connection.client.fd).state == ConnectionReading::State::kGone;
}

bool Relay::AwaitsAnswer(const Connection& connection) {
  return connection.tls != nullptr && connection.port == Port::kAgent && connection.asked &&
         !connection.answered;
}

bool Relay::Decrypt(Connection& connection, absl::Span<const std::byte> bytes) {
  ByteSink plain = transport_.SinkInto(connection, Side::kBackend);
  ByteSink cipher{.data = absl::MakeSpan(context_.cipher_scratch)};
  const TlsState state = connection.tls->Receive(bytes, plain, cipher);
  connection.asked = connection.asked || !plain.empty();
  transport_.CommitSink(connection, Side::kBackend, plain);
  if (!cipher.empty()) {
    transport_.Append(connection, Side::kClient, cipher.data.first(cipher.size));
    transport_.Append(connection, Side::kClient, AsBytes(cipher.overflow));
    transport_.Flush(connection, Side::kClient);
  }
  if (state == TlsState::kFailed) {
    teardown_.Begin(connection, Report::Kind::kFinished, /*abort=*/true);
    return false;
  }
  if (state == TlsState::kPeerClosed) {
    OnEnd(connection, Side::kClient);
    return false;
  }
  return true;
}

bool Relay::Encrypt(Connection& connection, absl::Span<const std::byte> bytes, bool last) {
  ByteSink cipher = transport_.SinkInto(connection, Side::kClient);
  const bool sent = connection.tls->Send(bytes, cipher);
  if (sent && last) connection.tls->Close(cipher);
  transport_.CommitSink(connection, Side::kClient, cipher);
  if (!sent) teardown_.Begin(connection, Report::Kind::kFinished, /*abort=*/true);
  return sent;
}

void Relay::Copy(Connection& connection, Side source, absl::Span<const std::byte> bytes) {
  ByteSink sink = transport_.SinkInto(connection, Other(source));
  sink.Append(bytes);
  transport_.CommitSink(connection, Other(source), sink);
}

void Relay::ReadOn(Connection& connection, Side source) {
  if (connection.stage != Stage::kRelay) return;
  Socket& from = connection.socket(source);
  const Outgoing& to = connection.socket(Other(source)).out;
  // What is held waits for more to come: it holds up nobody.
  if (to.in_flight || (!to.empty() && !to.held.armed()) || from.end_of_input) return;
  if (source == Side::kClient && connection.backend.broken) return;
  if (from.bulk && connection.tls == nullptr && BeginSplice(connection, source)) return;
  transport_.Receive(connection, source, /*expect_wait=*/!from.bulk);
}

void Relay::OnEnd(Connection& connection, Side side) {
  connection.socket(side).end_of_input = true;
  if (side == Side::kClient && AwaitsAnswer(connection)) connection.client_left = true;
  if (connection.stage == Stage::kLinger) {
    return teardown_.Begin(connection, Report::Kind::kFinished, /*abort=*/false);
  }
  if (side == Side::kBackend && connection.tls != nullptr) {
    ByteSink cipher{.data = absl::MakeSpan(context_.cipher_scratch)};
    connection.tls->Close(cipher);
    transport_.Append(connection, Side::kClient, cipher.data.first(cipher.size));
  }
  transport_.Finish(connection, Other(side));
  transport_.Flush(connection, Other(side));
  CheckDone(connection);
}

void Relay::OnReceiveError(Connection& connection, Side side) {
  if (side == Side::kClient && AwaitsAnswer(connection)) connection.client_left = true;
  if (side == Side::kBackend && connection.stage == Stage::kRelay &&
      connection.client.out.in_flight) {
    connection.backend.end_of_input = true;
    connection.abort_when_sent = true;
    return;
  }
  teardown_.Begin(connection, Report::Kind::kFinished, /*abort=*/true);
}

void Relay::OnSent(Connection& connection, Side side, int32_t result) {
  switch (transport_.OnSent(connection, side, result)) {
    case Transport::Sent::kMoreInFlight:
      return;
    case Transport::Sent::kBroken:
      if (side == Side::kBackend) return OnBackendBroken(connection);
      return teardown_.Begin(connection, Report::Kind::kFinished, /*abort=*/true);
    case Transport::Sent::kAllSent:
      if (side == Side::kClient && connection.abort_when_sent) {
        return teardown_.Begin(connection, Report::Kind::kFinished, /*abort=*/true);
      }
      ReadOn(connection, Other(side));
      CheckDone(connection);
  }
}

void Relay::OnBackendBroken(Connection& connection) {
  // It takes no more, but what it said before it closed may still be on its way to the client (an
  // early error answer to a large upload): that direction goes on to its end.
  connection.backend.broken = true;
  connection.backend.out.finished = true;
  CheckDone(connection);
}

void Relay::CheckDone(Connection& connection) {
  if (connection.stage != Stage::kRelay) return;
  if (!connection.client.out.finished || !connection.backend.out.finished) return;
  if (connection.client.end_of_input) {
    return teardown_.Begin(connection, Report::Kind::kFinished, /*abort=*/false);
  }
  // The backend broke off while the client still sends. Closing with its bytes unread would reset
  // the connection and could destroy the answer on its way (RFC 1122 section 4.2.2.13).
  connection.stage = Stage::kLinger;
  connection.deadline = context_.timers.Arm(context_.kernel.Now() + kLingerTime,
                                            TokenOf(connection, Event::kDeadline));
  transport_.Receive(connection, Side::kClient, /*expect_wait=*/false);
}

void Relay::OnLingerDeadline(Connection& connection) {
  teardown_.Begin(connection, Report::Kind::kFinished, /*abort=*/false);
}

// --- Splicing

bool Relay::BeginSplice(Connection& connection, Side source) {
  if (!context_.options->splice) return false;
  if (connection.splices == nullptr) {
    connection.splices = std::make_unique<std::array<SpliceDirection, 2>>();
  }
  SpliceDirection& splice = connection.splice(source);
  FG_CHECK(!splice.pipe.open());
  splice.pipe = context_.pipes.Take(static_cast<size_t>(context_.options->pipes_max));
  if (!splice.pipe.open()) return false;
  Pump(connection, source);
  return true;
}

void Relay::Pump(Connection& connection, Side source) {
  SpliceDirection& splice = connection.splice(source);
  Kernel& kernel = context_.kernel;
  for (int round = 0; round < kSpliceRoundsPerTurn; ++round) {
    if (splice.held > 0 && !Pour(connection, source)) return;
    const int64_t moved =
        kernel.Splice(connection.socket(source).fd, splice.pipe.write_end, kSpliceBytesMax);
    if (moved == -EAGAIN) {  // Dry for now: an idle connection keeps no pipe.
      EndSplice(connection, source);
      connection.socket(source).bulk = false;
      return ReadOn(connection, source);
    }
    if (moved == 0) {
      EndSplice(connection, source);
      return OnEnd(connection, source);
    }
    if (moved < 0) {
      EndSplice(connection, source);
      return OnReceiveError(connection, source);
    }
    splice.held = static_cast<uint32_t>(moved);
  }
  if (splice.held > 0 && !Pour(connection, source)) return;
  splice.polling_source = true;
  context_.Submit(connection, {.kind = OpKind::kPoll,
                               .poll_events = POLLIN,
                               .fd = connection.socket(source).fd,
                               .token = TokenOf(connection, ReadableAt(source))});
}

bool Relay::Pour(Connection& connection, Side source) {
  SpliceDirection& splice = connection.splice(source);
  const Side sink = Other(source);
  Socket& to = connection.socket(sink);
  while (splice.held > 0) {
    const int64_t moved = context_.kernel.Splice(splice.pipe.read_end, to.fd, splice.held);
    if (moved == -EAGAIN) {
      splice.polling_sink = true;
      context_.Submit(connection, {.kind = OpKind::kPoll,
                                   .poll_events = POLLOUT,
                                   .fd = to.fd,
                                   .token = TokenOf(connection, WritableAt(sink))});
      return false;
    }
    if (moved <= 0) {
      EndSplice(connection, source);
      to.broken = true;
      if (sink == Side::kBackend) {
        OnBackendBroken(connection);
      } else {
        teardown_.Begin(connection, Report::Kind::kFinished, /*abort=*/true);
      }
      return false;
    }
    splice.held -= static_cast<uint32_t>(moved);
    (sink == Side::kClient ? context_.metrics.bytes_to_client : context_.metrics.bytes_to_backend)
        .Add(static_cast<uint64_t>(moved));
  }
  return true;
}

void Relay::EndSplice(Connection& connection, Side source) {
  SpliceDirection& splice = connection.splice(source);
  context_.pipes.Give(splice.pipe, /*clean=*/splice.held == 0);
  splice.held = 0;
}

void Relay::OnSourceReadable(Connection& connection, Side source) {
  connection.splice(source).polling_source = false;
  Pump(connection, source);
}

void Relay::OnSinkWritable(Connection& connection, Side sink) {
  const Side source = Other(sink);
  connection.splice(source).polling_sink = false;
  if (Pour(connection, source)) Pump(connection, source);
}

}  // namespace floodgate
