#include "front/transport.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/check.h"

namespace floodgate {

namespace {

bool Connected(const Connection& connection, Side side) {
  return side == Side::kClient || connection.stage == Stage::kRelay ||
         connection.stage == Stage::kLinger;
}

}  // namespace

void Transport::Receive(Connection& connection, Side side, bool expect_wait) {
  Socket& socket = connection.socket(side);
  if (socket.receiving || socket.end_of_input) return;
  socket.receiving = true;
  context_.Submit(connection, {.kind = OpKind::kReceive,
                               .expect_wait = expect_wait,
                               .fd = socket.fd,
                               .token = TokenOf(connection, ReceivedFrom(side))});
}

void Transport::Append(Connection& connection, Side side, absl::Span<const std::byte> bytes) {
  Outgoing& out = connection.socket(side).out;
  absl::StrAppend(&out.queued, AsText(bytes));
}

ByteSink Transport::SinkInto(Connection& connection, Side side) {
  Outgoing& out = connection.socket(side).out;
  if (!Connected(connection, side) || out.begin != out.end) {
    return {.data = absl::MakeSpan(context_.plain_scratch)};
  }
  if (out.chunk == nullptr) out.chunk = context_.chunks.Take();
  ByteSink sink{.data = absl::MakeSpan(out.chunk.get(), context_.chunks.chunk_size())};
  if (!out.queued.empty()) {
    sink.Append(AsBytes(out.queued));
    std::string().swap(out.queued);
  }
  return sink;
}

void Transport::CommitSink(Connection& connection, Side side, ByteSink& sink) {
  if (sink.data.data() == context_.plain_scratch.data()) {
    Append(connection, side, sink.data.first(sink.size));
    Append(connection, side, AsBytes(sink.overflow));
    return;
  }
  Outgoing& out = connection.socket(side).out;
  out.begin = 0;
  out.end = static_cast<uint32_t>(sink.size);
  out.queued.append(sink.overflow);
  if (sink.empty()) context_.chunks.Give(std::exchange(out.chunk, nullptr));
}

void Transport::Hold(Connection& connection, Side side, Duration time) {
  Outgoing& out = connection.socket(side).out;
  out.held = context_.timers.Arm(context_.kernel.Now() + time, TokenOf(connection, HeldFor(side)));
}

void Transport::OnHeld(Connection& connection, Side side) {
  connection.socket(side).out.held = {};
  Flush(connection, side);
}

void Transport::Flush(Connection& connection, Side side) {
  Socket& socket = connection.socket(side);
  Outgoing& out = socket.out;
  if (out.in_flight || socket.broken || !Connected(connection, side)) return;
  context_.timers.Cancel(std::exchange(out.held, {}));
  if (out.begin == out.end && !out.queued.empty()) {
    if (out.chunk == nullptr) out.chunk = context_.chunks.Take();
    const size_t size = std::min(out.queued.size(), context_.chunks.chunk_size());
    std::memcpy(out.chunk.get(), out.queued.data(), size);
    out.begin = 0;
    out.end = static_cast<uint32_t>(size);
    if (size == out.queued.size()) {
      std::string().swap(out.queued);  // An idle connection keeps no capacity.
    } else {
      out.queued.erase(0, size);
    }
  }
  if (out.begin == out.end) {
    if (out.finish && !out.finished) {
      out.finished = true;
      context_.kernel.Shutdown(socket.fd, /*both=*/false);
    }
    return;
  }
  out.in_flight = true;
  context_.Submit(connection, {.kind = OpKind::kSend,
                               .more_follows = out.finish && out.queued.empty(),
                               .fd = socket.fd,
                               .token = TokenOf(connection, SentTo(side)),
                               .data = out.chunk.get() + out.begin,
                               .size = out.end - out.begin});
}

Transport::Sent Transport::OnSent(Connection& connection, Side side, int32_t result) {
  Socket& socket = connection.socket(side);
  Outgoing& out = socket.out;
  out.in_flight = false;
  if (result < 0) {
    socket.broken = true;
    Discard(connection, side);
    return Sent::kBroken;
  }
  const auto sent = static_cast<uint32_t>(result);
  FG_CHECK(sent <= out.end - out.begin);
  out.begin += sent;
  (side == Side::kClient ? context_.metrics.bytes_to_client : context_.metrics.bytes_to_backend)
      .Add(sent);
  if (out.begin == out.end) context_.chunks.Give(std::exchange(out.chunk, nullptr));
  Flush(connection, side);
  return out.in_flight ? Sent::kMoreInFlight : Sent::kAllSent;
}

void Transport::Discard(Connection& connection, Side side) {
  Outgoing& out = connection.socket(side).out;
  if (out.in_flight)
    return;  // The kernel may still read the chunk; its completion comes here again.
  out.begin = out.end = 0;
  context_.chunks.Give(std::exchange(out.chunk, nullptr));
  std::string().swap(out.queued);
}

}  // namespace floodgate
