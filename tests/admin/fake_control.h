// A server that is not there: answers as told, remembers what it was asked.
#ifndef FLOODGATE_TESTS_ADMIN_FAKE_CONTROL_H_
#define FLOODGATE_TESTS_ADMIN_FAKE_CONTROL_H_

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "admin/control.h"

namespace floodgate {

// Thread-safe, as the real one.
class FakeControl final : public Control {
 public:
  FakeControl() {
    status_.engine = "io_uring";
    status_.gate_since_unix_ms = 1'767'323'045'000;
    status_.waiting_for = {"peergrouper"};
    status_.readiness_reason = "waits for peergrouper";
  }

  StatusSnapshot Status() override {
    const std::lock_guard lock(mutex_);
    return status_;
  }
  BoundPorts Ports() override {
    return {.controller = {"127.0.0.1:41011"}, .agent = {"[::]:41012"}, .admin = {"unix:/x"}};
  }
  absl::StatusOr<GateState> SignalPeergrouper(const PeerServers& servers) override {
    const std::lock_guard lock(mutex_);
    signalled_ = servers;
    if (!servers.contains("0")) {
      return absl::FailedPreconditionError("the signal lacks this controller, gate.self_id \"0\"");
    }
    return status_.gate = GateState::kSettling;
  }
  GateState OpenGate() override { return Operate(GateState::kOpen); }
  GateState HoldGate() override { return Operate(GateState::kHolding); }
  std::vector<SourceSnapshot> TopSources(int count) override {
    const std::lock_guard lock(mutex_);
    top_asked_ = count;
    return {{.source = "192.0.2.1/32", .admitted = 3, .refused = 40, .tokens = 0.25},
            {.source = "2001:db8::/64", .admitted = 7, .refused = 2, .tokens = 10}};
  }
  ReloadResult Reload() override {
    const std::lock_guard lock(mutex_);
    return reload_;
  }
  void Drain() override { SetGate(GateState::kStopping); }
  GateState WaitForGate(GateState state, Duration timeout) override {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::nanoseconds(timeout.ns),
                      [&] { return status_.gate == state; });
    --waiting_;
    changed_.notify_all();
    return status_.gate;
  }

  // --- for tests ---
  GateState SetGate(GateState state) {
    const std::lock_guard lock(mutex_);
    if (state == GateState::kOpen) {
      status_.waiting_for.clear();
      status_.readiness_reason.clear();
    }
    changed_.notify_all();
    return status_.gate = state;
  }
  void SetStatus(StatusSnapshot status) {
    const std::lock_guard lock(mutex_);
    status_ = std::move(status);
  }
  void SetReload(ReloadResult result) {
    const std::lock_guard lock(mutex_);
    reload_ = std::move(result);
  }
  PeerServers signalled() {
    const std::lock_guard lock(mutex_);
    return signalled_;
  }
  int top_asked() {
    const std::lock_guard lock(mutex_);
    return top_asked_;
  }
  // Blocks until exactly `count` callers are inside WaitForGate. False: not within ten seconds.
  bool AwaitWaiting(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return waiting_ == count; });
  }

 private:
  GateState Operate(GateState state) {
    return Status().gate == GateState::kStopping ? GateState::kStopping : SetGate(state);
  }

  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  StatusSnapshot status_;
  ReloadResult reload_ = {
      .faults = {}, .applied = {"limits.source_rate"}, .restart_needed = {"agent.listen"}};
  PeerServers signalled_;
  int top_asked_ = 0;
  int waiting_ = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_TESTS_ADMIN_FAKE_CONTROL_H_
