// What the stages of a connection share within one worker: its kernel, its buffers, its timers. One
// thread; handed to each stage by the worker that owns it.
#ifndef FLOODGATE_FRONT_WORKER_CONTEXT_H_
#define FLOODGATE_FRONT_WORKER_CONTEXT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/timer_wheel.h"
#include "front/chunk_pool.h"
#include "front/connection.h"
#include "front/counters.h"
#include "front/messages.h"
#include "io/kernel.h"

namespace floodgate {

// What a completion or a timer belongs to: the low byte of its token.
enum class Event : uint8_t {
  kClientReceived = 1,
  kBackendReceived,
  kClientSent,
  kBackendSent,
  kConnected,
  kClientReadable,  // splicing
  kBackendReadable,
  kClientWritable,
  kBackendWritable,
  kCancelled,
  kDeadline,      // timer: the stage took too long
  kConnectAgain,  // timer: the backend's queue was full
  kClientHeld,    // timer: what is queued has waited long enough for more
  kBackendHeld,
};

constexpr Event EventOf(uint64_t token) {
  return static_cast<Event>(token & 0xff);
}
constexpr Event ReceivedFrom(Side side) {
  return side == Side::kClient ? Event::kClientReceived : Event::kBackendReceived;
}
constexpr Event SentTo(Side side) {
  return side == Side::kClient ? Event::kClientSent : Event::kBackendSent;
}
constexpr Event HeldFor(Side side) {
  return side == Side::kClient ? Event::kClientHeld : Event::kBackendHeld;
}
constexpr Event ReadableAt(Side side) {
  return side == Side::kClient ? Event::kClientReadable : Event::kBackendReadable;
}
constexpr Event WritableAt(Side side) {
  return side == Side::kClient ? Event::kClientWritable : Event::kBackendWritable;
}
constexpr uint64_t TokenOf(const Connection& connection, Event event) {
  return connection.token_base | static_cast<uint64_t>(event);
}

// Written by the worker, read by whoever takes a snapshot.
struct WorkerMetrics {
  DurationHistogram handshake_seconds;
  DurationHistogram backend_connect_seconds;
  Counter bytes_to_backend;
  Counter bytes_to_client;
  Counter backend_errors;
};

struct WorkerContext {
  WorkerContext(Kernel& kernel_in, Log& log_in, WorkerMetrics& metrics_in, uint64_t boot_id_in)
      : kernel(kernel_in),
        log(log_in),
        metrics(metrics_in),
        boot_id(boot_id_in),
        // Room for one whole receive, encrypted: 16 KiB records grow by 22 bytes each (RFC 8446
        // section 5.2), and what was queued before it goes along.
        chunks(kernel_in.buffer_size() + 4096, 64),
        pipes(kernel_in),
        timers(kernel_in.Now()),
        plain_scratch(kernel_in.buffer_size() + size_t{17} * 1024),
        cipher_scratch(kernel_in.buffer_size() + size_t{17} * 1024) {}

  // Submits, or keeps the operation for the next turn when the kernel's queue is full. Counts it.
  void Submit(Connection& connection, Op op) {
    ++connection.operations;
    if (!deferred.empty() || !kernel.Submit(op)) deferred.push_back(op);
  }

  // Queues a report for the end of the turn. What happens to controllers moves the gate and is told
  // at once; of agents the gatekeeper hears when it looks, unless it has asked for all.
  void Tell(const Connection& connection, Report::Kind kind, bool resumed = false) {
    reports.push_back({.id = connection.id,
                       .kind = kind,
                       .resumed = resumed,
                       .client_left = connection.client_left});
    reports_urgent = reports_urgent || connection.port == Port::kController;
  }

  Kernel& kernel;
  Log& log;
  WorkerMetrics& metrics;
  const uint64_t boot_id;  // tells the lives of a daemon apart in UNIQUE_ID
  ChunkPool chunks;
  PipePool pipes;
  TimerWheel timers;
  std::shared_ptr<const WorkerOptions> options;
  std::unique_ptr<TlsContext> tls;
  std::vector<std::byte> plain_scratch;
  std::vector<std::byte> cipher_scratch;
  std::vector<Op> deferred;       // operations that found the kernel's queue full
  std::vector<uint64_t> starved;  // tokens of receives that found no buffer
  std::vector<Report> reports;    // of this turn
  bool reports_urgent = false;
  std::vector<uint64_t> ended;  // token bases of connections to be freed after the dispatch
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_WORKER_CONTEXT_H_
