#include "front/backend.h"

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "front/backend_trouble.h"
#include "front/proxy_protocol.h"

namespace floodgate {
namespace {

std::string Introduction(const Connection& connection, uint64_t boot_id) {
  ProxyHeader header;
  header.source = connection.peer;
  header.destination = connection.local;
  header.listener = connection.port;
  header.unique_id = absl::StrFormat("%016x-%x", boot_id, connection.sequence);
  if (connection.tls != nullptr) header.tls = &connection.tls->facts();
  std::string bytes;
  AppendProxyV2(header, bytes);
  return bytes;
}

}  // namespace

void Backend::Connect(Connection& connection) {
  connection.stage = Stage::kConnect;
  connection.stage_since = context_.kernel.Now();
  const WorkerOptions& options = *context_.options;
  const bool spoken = !connection.backend.out.queued.empty();
  if (options.proxy_protocol) {
    std::string& queued = connection.backend.out.queued;
    queued.insert(0, Introduction(connection, context_.boot_id));
  }
  connection.backend.fd = context_.kernel.OpenSocket(
      options.backend, /*speaks_at_once=*/!connection.backend.out.queued.empty());
  if (connection.backend.fd < 0) {
    const int error = -connection.backend.fd;
    connection.backend.fd = -1;
    return Fail(connection, absl::StrCat("socket: ", std::strerror(error)));
  }
  connection.backend_options = context_.options;  // The address must stay until the completion.
  // What the client says meanwhile goes with the introduction: one packet instead of two. One read
  // at the most; the rest waits in the client's socket.
  if (!spoken) transport_.Receive(connection, Side::kClient, /*expect_wait=*/false);
  SubmitConnect(connection);
  connection.deadline = context_.timers.Arm(connection.stage_since + options.connect_timeout,
                                            TokenOf(connection, Event::kDeadline));
}

void Backend::SubmitConnect(Connection& connection) {
  connection.connecting = true;
  context_.Submit(connection, {.kind = OpKind::kConnect,
                               .fd = connection.backend.fd,
                               .token = TokenOf(connection, Event::kConnected),
                               .address = &connection.backend_options->backend});
}

bool Backend::OnConnected(Connection& connection, int32_t result) {
  connection.connecting = false;
  if (result == -EAGAIN) {
    // The queue of a unix socket is full, and nothing tells when it has room again (connect(2)):
    // try again soon, until backend.connect_timeout.
    connection.connect_again = context_.timers.Arm(context_.kernel.Now() + kConnectAgainAfter,
                                                   TokenOf(connection, Event::kConnectAgain));
    return false;
  }
  connection.backend_options.reset();
  if (result < 0) {
    Fail(connection, std::strerror(-result));
    return false;
  }
  context_.timers.Cancel(connection.deadline);
  context_.metrics.backend_connect_seconds.Record(context_.kernel.Now() - connection.stage_since);
  context_.Tell(connection, Report::Kind::kEstablished);
  return true;
}

void Backend::OnConnectAgain(Connection& connection) {
  connection.connect_again = {};
  if (connection.stage == Stage::kConnect) SubmitConnect(connection);
}

void Backend::OnDeadline(Connection& connection) {
  Fail(connection, "backend.connect_timeout is over");
}

void Backend::Fail(Connection& connection, absl::string_view why) {
  context_.metrics.backend_errors.Add(1);
  if (context_.log.Enabled(Severity::kDebug)) {
    context_.log.Write(Severity::kDebug, "backend", absl::StrCat("cannot be reached: ", why));
  }
  if (context_.options->backend_trouble != nullptr) {
    context_.options->backend_trouble->Failed(why, context_.kernel.Now());
  }
  // A reset, so that the client sees a failure and not an empty answer.
  teardown_.Begin(connection, Report::Kind::kBackendFailed, /*abort=*/true);
}

}  // namespace floodgate
