#include "front/worker.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace floodgate {

Worker::Worker(Kernel& kernel, Log& log, WorkerMetrics& metrics, Mailbox<Report>& reports,
               std::shared_ptr<const WorkerOptions> options, std::unique_ptr<TlsContext> tls,
               uint64_t boot_id)
    : kernel_(kernel),
      reports_(reports),
      context_(kernel, log, metrics, boot_id),
      transport_(context_),
      teardown_(context_),
      handshake_(context_, transport_, teardown_),
      backend_(context_, transport_, teardown_),
      relay_(context_, transport_, teardown_) {
  context_.options = std::move(options);
  context_.tls = std::move(tls);
  mailbox_.SetWaker(&kernel.waker());
}

Worker::~Worker() {
  FG_CHECK(connections_.size() == 0);
}

Instant Worker::BeginTurn(Instant until) {
  TakeMessages();
  RunHandshakes();
  FlushTurn();
  const bool busy = !controller_steps_.empty() || !begun_steps_.empty() ||
                    !context_.deferred.empty() || !context_.starved.empty();
  if (busy || !mailbox_.PrepareToSleep(/*wake_for_lazy=*/true)) {
    return kernel_.Now();
  }
  if (!new_steps_.empty()) until = std::min(until, begin_agents_at_);
  return std::min(until, context_.timers.NextDeadline());
}

void Worker::EndTurn(Instant until) {
  const size_t count = kernel_.Wait(until, absl::MakeSpan(batch_));
  for (size_t i = 0; i < count; ++i) Dispatch(batch_[i]);
  context_.timers.Advance(kernel_.Now(), [this](uint64_t token) { OnTimer(token); });
  RetryReceives();
  FlushTurn();
}

void Worker::TakeMessages() {
  mailbox_.TakeAll(messages_);
  for (WorkerMessage& message : messages_) {
    if (const auto* assignment = std::get_if<Assignment>(&message)) {
      Accept(*assignment);
    } else if (auto* reconfigure = std::get_if<Reconfigure>(&message)) {
      context_.options = std::move(reconfigure->options);
      if (reconfigure->tls != nullptr) context_.tls = std::move(reconfigure->tls);
    } else {
      EndAll();
    }
  }
}

void Worker::Accept(const Assignment& assignment) {
  const auto handle = connections_.Insert();
  Connection& connection = *connections_.Get(handle);
  connection.id = assignment.id;
  connection.sequence = assignment.sequence;
  connection.token_base = handle.Pack() << 8;
  connection.port = assignment.port;
  connection.peer = assignment.peer;
  connection.local = assignment.local;
  connection.client.fd = assignment.client;
  if (context_.tls != nullptr) {
    if (connection.port == Port::kController) GiveControllersTime();
    handshake_.Begin(connection, assignment.handshake_deadline);
  } else {
    backend_.Connect(connection);
  }
}

void Worker::EndAll() {
  connections_.ForEach([this](SlotHandle, Connection& connection) {
    const bool handshaking =
        connection.stage == Stage::kHandshake || connection.stage == Stage::kAlert;
    teardown_.Begin(connection,
                    handshaking ? Report::Kind::kHandshakeFailed : Report::Kind::kFinished,
                    /*abort=*/true);
  });
}

void Worker::RunHandshakes() {
  // Controllers never wait behind agents: all of their steps first, then a single one of an agent,
  // then a look at the kernel. So a controller waits for one step of an agent at the most.
  while (StepFirst(controller_steps_)) GiveControllersTime();
  if (StepFirst(begun_steps_) || kernel_.Now() < begin_agents_at_) return;
  StepFirst(new_steps_);
}

void Worker::GiveControllersTime() {
  begin_agents_at_ = kernel_.Now() + kControllerGrace;
}

bool Worker::StepFirst(std::deque<uint64_t>& queue) {
  while (!queue.empty()) {
    Connection* connection = Find(queue.front());
    queue.pop_front();
    if (connection == nullptr || connection->stage != Stage::kHandshake) continue;
    connection->handshake_queued = false;
    if (handshake_.Step(*connection)) backend_.Connect(*connection);
    return true;
  }
  return false;
}

void Worker::QueueStep(Connection& connection) {
  if (std::exchange(connection.handshake_queued, true)) return;
  std::deque<uint64_t>& queue = connection.port == Port::kController ? controller_steps_
                                : connection.handshake_begun         ? begun_steps_
                                                                     : new_steps_;
  queue.push_back(connection.token_base);
}

Connection* Worker::Find(uint64_t token) {
  return connections_.Get(SlotHandle::Unpack(token >> 8));
}

void Worker::Dispatch(const Completion& completion) {
  if (completion.token == kWakeToken) return;
  Connection* found = Find(completion.token);
  FG_CHECK(found != nullptr);  // A slot lives as long as it has operations in flight.
  Connection& connection = *found;
  FG_CHECK(connection.operations > 0);
  --connection.operations;
  const bool ending = connection.stage == Stage::kTerminating;
  switch (EventOf(completion.token)) {
    case Event::kClientReceived:
      OnReceived(connection, Side::kClient, completion);
      break;
    case Event::kBackendReceived:
      OnReceived(connection, Side::kBackend, completion);
      break;
    case Event::kClientSent:
      OnSent(connection, Side::kClient, completion.result);
      break;
    case Event::kBackendSent:
      OnSent(connection, Side::kBackend, completion.result);
      break;
    case Event::kConnected:
      if (!ending && backend_.OnConnected(connection, completion.result)) relay_.Begin(connection);
      break;
    case Event::kClientReadable:
      if (!ending) relay_.OnSourceReadable(connection, Side::kClient);
      break;
    case Event::kBackendReadable:
      if (!ending) relay_.OnSourceReadable(connection, Side::kBackend);
      break;
    case Event::kClientWritable:
      if (!ending) relay_.OnSinkWritable(connection, Side::kClient);
      break;
    case Event::kBackendWritable:
      if (!ending) relay_.OnSinkWritable(connection, Side::kBackend);
      break;
    case Event::kCancelled:
    case Event::kDeadline:
    case Event::kClientHeld:
    case Event::kBackendHeld:
    case Event::kConnectAgain:
      break;
  }
  if (connection.stage == Stage::kTerminating) teardown_.Settle(connection);
}

void Worker::OnReceived(Connection& connection, Side side, const Completion& completion) {
  connection.socket(side).receiving = false;
  if (completion.result == -ENOBUFS) {
    if (connection.stage != Stage::kTerminating) context_.starved.push_back(completion.token);
    return;
  }
  if (connection.stage != Stage::kTerminating) {
    if (completion.result > 0) {
      OnBytes(connection, side, kernel_.Buffer(completion));
    } else {
      OnNoBytes(connection, side, completion.result);
    }
  }
  if (completion.result > 0) kernel_.ReleaseBuffer(completion.buffer);
}

void Worker::OnBytes(Connection& connection, Side side, absl::Span<const std::byte> bytes) {
  if (connection.stage == Stage::kHandshake) {
    if (handshake_.OnReceived(connection, bytes)) QueueStep(connection);
  } else {
    relay_.OnReceived(connection, side, bytes);
  }
}

void Worker::OnNoBytes(Connection& connection, Side side, int32_t result) {
  if (connection.stage == Stage::kHandshake) {
    handshake_.OnClientGone(connection);
  } else if (result == 0) {
    relay_.OnEnd(connection, side);
  } else {
    relay_.OnReceiveError(connection, side);
  }
}

void Worker::OnSent(Connection& connection, Side side, int32_t result) {
  switch (connection.stage) {
    case Stage::kHandshake:
    case Stage::kConnect:
      if (transport_.OnSent(connection, side, result) != Transport::Sent::kBroken) return;
      if (connection.stage == Stage::kHandshake) return handshake_.OnClientGone(connection);
      return teardown_.Begin(connection, Report::Kind::kFinished, /*abort=*/true);
    case Stage::kAlert:
      if (transport_.OnSent(connection, side, result) != Transport::Sent::kMoreInFlight) {
        handshake_.OnAlertSent(connection);
      }
      return;
    case Stage::kRelay:
    case Stage::kLinger:
      return relay_.OnSent(connection, side, result);
    case Stage::kTerminating:
      connection.socket(side).out.in_flight = false;
      return;
  }
}

void Worker::OnTimer(uint64_t token) {
  Connection* connection = Find(token);
  if (connection == nullptr) return;
  if (EventOf(token) == Event::kClientHeld) {
    transport_.OnHeld(*connection, Side::kClient);
  } else if (EventOf(token) == Event::kBackendHeld) {
    transport_.OnHeld(*connection, Side::kBackend);
  } else if (EventOf(token) == Event::kConnectAgain) {
    backend_.OnConnectAgain(*connection);
  } else {
    connection->deadline = {};
    OnStageDeadline(*connection);
  }
}

void Worker::OnStageDeadline(Connection& connection) {
  switch (connection.stage) {
    case Stage::kHandshake:
    case Stage::kAlert:
      return handshake_.OnDeadline(connection);
    case Stage::kConnect:
      return backend_.OnDeadline(connection);
    case Stage::kLinger:
      return relay_.OnLingerDeadline(connection);
    case Stage::kRelay:
    case Stage::kTerminating:
      return;
  }
}

void Worker::RetryReceives() {
  // Buffers have been given back during the dispatch, so whoever found none tries again.
  std::vector<uint64_t> starved;
  starved.swap(context_.starved);
  for (const uint64_t token : starved) {
    Connection* connection = Find(token);
    if (connection == nullptr || connection->stage == Stage::kTerminating) continue;
    const Side side = EventOf(token) == Event::kClientReceived ? Side::kClient : Side::kBackend;
    transport_.Receive(*connection, side, /*expect_wait=*/false);
  }
}

void Worker::FlushTurn() {
  for (const uint64_t token : context_.ended) connections_.Erase(SlotHandle::Unpack(token >> 8));
  context_.ended.clear();
  size_t submitted = 0;
  while (submitted < context_.deferred.size() && kernel_.Submit(context_.deferred[submitted])) {
    ++submitted;
  }
  context_.deferred.erase(context_.deferred.begin(),
                          context_.deferred.begin() + static_cast<ptrdiff_t>(submitted));
  reports_.Post(context_.reports, context_.reports_urgent ? Urgency::kUrgent : Urgency::kLazy);
  context_.reports_urgent = false;
}

}  // namespace floodgate
