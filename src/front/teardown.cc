#include "front/teardown.h"

#include <utility>

#include "base/check.h"

namespace floodgate {

void Teardown::Begin(Connection& connection, Report::Kind outcome, bool abort) {
  if (connection.stage == Stage::kTerminating) return;
  connection.stage = Stage::kTerminating;
  connection.outcome = outcome;
  connection.abort = abort;
  context_.timers.Cancel(connection.deadline);
  context_.timers.Cancel(connection.client.out.held);
  context_.timers.Cancel(connection.backend.out.held);
  context_.timers.Cancel(connection.connect_again);
  CancelAll(connection);
  Settle(connection);
}

void Teardown::CancelAll(Connection& connection) {
  const auto cancel = [&](bool in_flight, Side side, Event event) {
    if (!in_flight) return;
    context_.Submit(connection, {.kind = OpKind::kCancel,
                                 .fd = connection.socket(side).fd,
                                 .token = TokenOf(connection, Event::kCancelled),
                                 .target = TokenOf(connection, event)});
  };
  cancel(connection.client.receiving, Side::kClient, Event::kClientReceived);
  cancel(connection.backend.receiving, Side::kBackend, Event::kBackendReceived);
  cancel(connection.client.out.in_flight, Side::kClient, Event::kClientSent);
  cancel(connection.backend.out.in_flight, Side::kBackend, Event::kBackendSent);
  cancel(connection.connecting, Side::kBackend, Event::kConnected);
  if (connection.splices == nullptr) return;
  for (const Side side : {Side::kClient, Side::kBackend}) {
    const SpliceDirection& splice = connection.splice(side);
    cancel(splice.polling_source, side, ReadableAt(side));
    cancel(splice.polling_sink, Other(side), WritableAt(Other(side)));
  }
}

void Teardown::CloseSocket(Connection& connection, Side side) {
  Socket& socket = connection.socket(side);
  if (socket.fd < 0) return;
  if (connection.abort) {
    context_.kernel.Reset(socket.fd);
  } else {
    context_.kernel.Close(socket.fd);
  }
  socket.fd = -1;
  context_.chunks.Give(std::exchange(socket.out.chunk, nullptr));
}

void Teardown::Settle(Connection& connection) {
  FG_CHECK(connection.stage == Stage::kTerminating);
  // Closing now would let the kernel complete into a slot that we have given away.
  if (connection.operations > 0 || connection.client.fd < 0) return;
  CloseSocket(connection, Side::kClient);
  CloseSocket(connection, Side::kBackend);
  if (connection.splices != nullptr) {
    for (SpliceDirection& splice : *connection.splices) {
      context_.pipes.Give(splice.pipe, /*clean=*/splice.held == 0);
    }
  }
  context_.Tell(connection, connection.outcome);
  context_.ended.push_back(connection.token_base);
}

}  // namespace floodgate
