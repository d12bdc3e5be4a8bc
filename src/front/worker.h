// A worker: the loop that owns admitted connections for life. It does the expensive part, TLS, and
// then moves bytes. One thread, one kernel, one TLS context; it shares nothing but its mailbox and
// its metrics.
#ifndef FLOODGATE_FRONT_WORKER_H_
#define FLOODGATE_FRONT_WORKER_H_

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/slot_pool.h"
#include "front/backend.h"
#include "front/connection.h"
#include "front/handshake.h"
#include "front/mailbox.h"
#include "front/messages.h"
#include "front/relay.h"
#include "front/teardown.h"
#include "front/transport.h"
#include "front/worker_context.h"

namespace floodgate {

class Worker {
 public:
  // REQUIRES: `options` set; `tls` null = connections are passed through. `reports` is the
  // gatekeeper's mailbox; kernel, log, reports and metrics outlive the worker. `boot_id`: any
  // number, the same for all workers, that tells this life of the daemon from others.
  Worker(Kernel& kernel, Log& log, WorkerMetrics& metrics, Mailbox<Report>& reports,
         std::shared_ptr<const WorkerOptions> options, std::unique_ptr<TlsContext> tls,
         uint64_t boot_id);
  ~Worker();

  // Any thread: assignments and commands. A message posted urgently wakes the loop.
  Mailbox<WorkerMessage>& mailbox() { return mailbox_; }

  // One turn: takes messages, does what handshake work there is, waits for the kernel at most until
  // `until` and handles what completed.
  void Turn(Instant until) { EndTurn(BeginTurn(until)); }
  // Its two halves, for a caller who has to know when the kernel will be asked: all until the wait,
  // which says how long that may last, and the wait with what follows.
  Instant BeginTurn(Instant until);
  void EndTurn(Instant until);

  size_t connections() const { return connections_.size(); }

 private:
  static constexpr size_t kBatchMax = 64;
  // After each move of a controller's handshake no agent's is begun for so long: the controller's
  // next bytes are a round trip away, and would wait for all of that step.
  static constexpr Duration kControllerGrace = Duration::Milliseconds(1);

  void TakeMessages();
  void Accept(const Assignment& assignment);
  void EndAll();
  void RunHandshakes();
  void GiveControllersTime();
  void QueueStep(Connection& connection);
  // Makes one step for the first connection of `queue` that still wants one. False: none did.
  bool StepFirst(std::deque<uint64_t>& queue);
  void Dispatch(const Completion& completion);
  void OnReceived(Connection& connection, Side side, const Completion& completion);
  void OnBytes(Connection& connection, Side side, absl::Span<const std::byte> bytes);
  void OnNoBytes(Connection& connection, Side side, int32_t result);
  void OnSent(Connection& connection, Side side, int32_t result);
  void OnTimer(uint64_t token);
  void OnStageDeadline(Connection& connection);
  void RetryReceives();
  void FlushTurn();
  // The connection of a token, or null if it has ended.
  Connection* Find(uint64_t token);

  Kernel& kernel_;
  Mailbox<Report>& reports_;
  Mailbox<WorkerMessage> mailbox_;
  WorkerContext context_;
  Transport transport_;
  Teardown teardown_;
  Handshake handshake_;
  Backend backend_;
  Relay relay_;
  SlotPool<Connection> connections_;
  // Handshake steps that wait for the CPU. Controllers first; then those that have begun, which
  // cost less and free a slot; then new ones.
  std::deque<uint64_t> controller_steps_;
  std::deque<uint64_t> begun_steps_;
  std::deque<uint64_t> new_steps_;
  Instant begin_agents_at_;  // not before
  std::vector<WorkerMessage> messages_;
  std::array<Completion, kBatchMax> batch_;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_WORKER_H_
