// The daemon in the simulation: its real gatekeeper and workers, put together as src/daemon does,
// on simulated kernels, with scripted TLS, as threads of a simulated processor.
#ifndef FLOODGATE_SIM_SIMULATED_DAEMON_H_
#define FLOODGATE_SIM_SIMULATED_DAEMON_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/log.h"
#include "core/options.h"
#include "core/overload_policy.h"
#include "front/gatekeeper.h"
#include "front/worker.h"
#include "sim/gate_model.h"
#include "sim/loop_task.h"
#include "sim/network.h"
#include "sim/processor.h"
#include "sim/scripted_tls.h"
#include "sim/sim_kernel.h"
#include "sim/world.h"

namespace floodgate::sim {

// What the calls cost on the machine of docs/benchmarks.md, with io_uring.
KernelCosts MeasuredKernelCosts();

// What a checked run looks at and spoils (check.h). All may be empty.
struct DaemonProbes {
  // Stands before the kernel of a thread: of the gatekeeper, or of a worker.
  std::function<std::unique_ptr<Kernel>(SimKernel&, bool gatekeeper)> wrap_kernel = nullptr;
  std::function<std::unique_ptr<TlsContext>(std::unique_ptr<TlsContext>)> wrap_tls = nullptr;
  // An operator's act is about to be carried out, on the gatekeeper's thread. False: it gets lost.
  std::function<bool(OperatorAct, Instant)> on_act = nullptr;
  // The gatekeeper has finished half a turn.
  std::function<void()> on_turn = nullptr;
  // Until when the gatekeeper wants to sleep; what it is given.
  std::function<Instant(Instant until)> alarm = nullptr;
};

struct DaemonSetup {
  // Of listen addresses the ports alone count; backend.address must be TCP. runtime.workers 0 is
  // one. Paths of certificates are not read: whether there is TLS is all.
  Options options;
  KernelCosts costs = MeasuredKernelCosts();
  TlsCosts tls = {};
  TlsSizes tls_sizes = {};
  uint64_t descriptors_max = 20'000;  // RLIMIT_NOFILE
  OverloadPolicy overload = {};
  // Told when the gate's state has changed. May be empty.
  std::function<void(GateState)> on_gate = nullptr;
  DaemonProbes probes = {};
};

// Lives as long as the world runs, also when it has crashed: events still name its parts. None of
// the operators may be called from an event.
class SimulatedDaemon {
 public:
  // All outlive it. Listens at once. The hash seed is drawn from the world.
  SimulatedDaemon(Network& network, Processor& processor, Log& log, DaemonSetup setup);
  // Crashes it if it lives.
  ~SimulatedDaemon();
  SimulatedDaemon(const SimulatedDaemon&) = delete;
  SimulatedDaemon& operator=(const SimulatedDaemon&) = delete;

  // --- Operators. Each takes effect in the gatekeeper's next turn.
  void SignalPeergrouper();
  void Open();
  void Hold();
  void Reload(const Options& options);
  void Stop(Duration grace);
  // It dies at this instant, with all of its sockets, as by SIGKILL. REQUIRES: no completions are
  // late (Faults).
  void Crash();
  // Its threads do nothing for so long, as when their host is suspended.
  void Stall(Duration time);
  // Of all of its kernels.
  void SetFaults(const Faults& faults);

  // --- Looking at it. REQUIRES: alive.
  bool alive() const { return gatekeeper_ != nullptr; }
  StatusSnapshot Status();
  // Stopped, and nothing is open any more.
  bool done() const { return gatekeeper_->done(); }
  GateState gate_state() { return gatekeeper_->gate().state(); }

  // Also of one that has crashed.
  uint64_t hellos_answered() const { return hellos_answered_; }
  Duration gatekeeper_used() const { return gatekeeper_task_->used(); }
  Duration workers_used() const;
  // Open, of all of its kernels; and operations in flight there.
  size_t handles() const;
  size_t operations_in_flight() const;

 private:
  struct WorkerParts {
    std::unique_ptr<SimKernel> kernel;
    std::unique_ptr<Kernel> wrapped;  // what the worker sees; null: the kernel itself
    WorkerMetrics metrics;
    std::unique_ptr<Worker> worker;
    std::unique_ptr<LoopTask> task;
  };

  std::vector<BoundListener> Bind();
  void BindPort(Port port, const std::vector<Endpoint>& endpoints,
                std::vector<BoundListener>& listeners);
  std::unique_ptr<TlsContext> MakeTls(SimKernel& kernel);
  std::shared_ptr<const WorkerOptions> MakeWorkerOptions(const Options& options) const;
  Capacity MakeCapacity(const Options& options) const;
  void MakeWorkers();
  void MakeGatekeeper(std::vector<BoundListener> listeners);
  Kernel& Wrap(SimKernel& kernel, bool gatekeeper, std::unique_ptr<Kernel>& wrapped) const;
  void Command(OperatorAct act, Gatekeeper::Command command);
  Instant BeginGatekeeperTurn(Instant until);
  void EndGatekeeperTurn(Instant until);
  bool AllClosed() const;

  Network& network_;
  Processor& processor_;
  Log& log_;
  DaemonSetup setup_;
  Mailbox<Report> reports_;
  uint64_t hellos_answered_ = 0;
  std::unique_ptr<SimKernel> kernel_;  // the gatekeeper's
  std::unique_ptr<Kernel> wrapped_;    // what it sees; null: the kernel itself
  std::vector<std::unique_ptr<WorkerParts>> workers_;
  std::unique_ptr<Gatekeeper> gatekeeper_;
  std::unique_ptr<LoopTask> gatekeeper_task_;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_SIMULATED_DAEMON_H_
