// The whole front end: builds every part, hands each what it needs, runs their threads and takes
// them down again. The only place that knows all the rooms; the daemon's main and the library's
// public interface (include/floodgate/front_end.h) are thin layers over it.
#ifndef FLOODGATE_DAEMON_SERVER_H_
#define FLOODGATE_DAEMON_SERVER_H_

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "admin/control.h"
#include "admin/server.h"
#include "base/fd.h"
#include "base/notification.h"
#include "core/options.h"
#include "daemon/logger.h"
#include "front/gatekeeper.h"
#include "front/ticket_keys.h"
#include "front/worker.h"
#include "io/engine.h"

namespace floodgate {

class Server final : public Control {
 public:
  struct Setup {
    Options options;
    // What Reload() reads: the configuration as it is now, or every fault. Empty: reloading is
    // refused.
    std::function<absl::StatusOr<Options>(std::vector<std::string>* faults)> read_options;
    // Called with the addresses really bound, when all are bound and before anything is accepted or
    // any thread is started. An error from it ends the start.
    std::function<absl::Status(const BoundPorts&)> on_bound;
    // Called on the gatekeeper's thread when the gate's state has changed; must not block.
    std::function<void(GateState)> on_gate;
    // Called on the gatekeeper's thread once a graceful stop has ended and Join will not wait any
    // more.
    std::function<void()> on_stopped;
  };

  // Binds, listens, and runs. Errors say what could not be done, where, and what would be right;
  // nothing is left behind then. `log` outlives the server.
  static absl::StatusOr<std::unique_ptr<Server>> Start(Logger& log, Setup setup);
  // Ends everything at once if it still runs.
  ~Server() override;

  // --- Control, any thread
  StatusSnapshot Status() override;
  BoundPorts Ports() override { return ports_; }
  absl::StatusOr<GateState> SignalPeergrouper(const PeerServers& servers) override;
  GateState OpenGate() override;
  GateState HoldGate() override;
  std::vector<SourceSnapshot> TopSources(int count) override;
  ReloadResult Reload() override;
  void Drain() override;
  GateState WaitForGate(GateState state, Duration timeout) override;

  // Ends every connection now, after Drain.
  void EndNow();
  // Waits until the stop has ended, then takes everything down. Once.
  void Join();
  // New ticket keys; the old ones are still accepted for a while. To be called every few hours.
  void RotateTicketKeys();

 private:
  struct WorkerThread {
    std::unique_ptr<Kernel> kernel;
    WorkerMetrics metrics;
    std::unique_ptr<Worker> worker;
    std::thread thread;
  };
  struct BoundEndpoint {
    Endpoint configured;
    Endpoint bound;
  };

  Server(Logger& log, Setup setup);

  absl::Status Build();
  absl::Status ChooseEngine();
  absl::Status BindAll(std::vector<BoundListener>& listeners);
  absl::Status BindPort(Port port, const std::vector<Endpoint>& endpoints,
                        std::vector<BoundListener>& listeners);
  absl::Status MakeWorkers();
  absl::Status MakeGatekeeper(std::vector<BoundListener> listeners);
  void RunThreads();
  void RunGatekeeper();
  void RunWorker(WorkerThread& worker);
  int Rebind(const BoundListener& listener);
  void WarnOfBacklog() const;
  absl::StatusOr<std::unique_ptr<TlsContext>> MakeTls(const Options& options) const;
  absl::StatusOr<std::shared_ptr<const WorkerOptions>> MakeWorkerOptions(
      const Options& options) const;
  Capacity MakeCapacity(const Options& options) const;
  // How many agents the descriptor limit allows; a warning if that is less than was meant.
  void TellCapacity(const Options& options) const;
  // Reload, under its mutex.
  ReloadResult ReadAgain();
  void OnGate(GateState state);
  // Runs `command` on the gatekeeper's thread and waits until it has run.
  void OnGatekeeper(const std::function<void(Gatekeeper&)>& command);

  Logger& log_;
  Setup setup_;
  Options options_;  // under reload_mutex_, once the threads run
  uint64_t descriptors_max_ = 0;
  EngineKind engine_ = EngineKind::kEpoll;
  uint64_t boot_id_ = 0;
  Instant started_;
  BoundPorts ports_;
  std::vector<BoundEndpoint> bound_;
  std::shared_ptr<TicketKeys> ticket_keys_;
  std::vector<std::unique_ptr<WorkerThread>> workers_;
  std::unique_ptr<Mailbox<Report>> gatekeeper_inbox_;
  std::unique_ptr<Kernel> gatekeeper_kernel_;
  std::unique_ptr<Gatekeeper> gatekeeper_;
  std::thread gatekeeper_thread_;
  std::unique_ptr<AdminServer> admin_;
  std::atomic<bool> exit_gatekeeper_{false};
  std::atomic<bool> exit_workers_{false};
  bool running_ = false;
  Notification stopped_;
  std::mutex reload_mutex_;
  std::mutex gate_mutex_;
  std::condition_variable gate_changed_;
  GateState gate_state_ = GateState::kHolding;  // under gate_mutex_
};

}  // namespace floodgate

#endif  // FLOODGATE_DAEMON_SERVER_H_
