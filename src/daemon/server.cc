#include "daemon/server.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "daemon/announce.h"
#include "daemon/syn_refusal.h"
#include "front/backend_trouble.h"
#include "front/openssl_tls.h"
#include "io/socket.h"
#include "io/uring_kernel.h"

namespace floodgate {
namespace {

// Controllers are few; what matters is that the port never turns one away.
constexpr int kControllerBacklog = 4096;

uint64_t RandomNumber() {
  std::random_device device;
  const uint64_t high = device();
  return (high << 32) | device();
}

// madvise(2): a wish, and nothing is lost where it is not granted.
void AdviseHugePages(void* address, size_t bytes) {
  ::madvise(address, bytes, MADV_HUGEPAGE);
}

int WorkerCount(const Options& options) {
  if (options.runtime.workers > 0) return options.runtime.workers;
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 255);
}

}  // namespace

Server::Server(Logger& log, Setup setup)
    : log_(log), setup_(std::move(setup)), options_(std::move(setup_.options)) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(Logger& log, Setup setup) {
  std::unique_ptr<Server> server(new Server(log, std::move(setup)));
  if (absl::Status status = server->Build(); !status.ok()) return status;
  server->RunThreads();
  return server;
}

Server::~Server() {
  if (!running_) return;
  Drain();
  EndNow();
  Join();
}

absl::Status Server::Build() {
  descriptors_max_ = RaiseDescriptorLimit();
  boot_id_ = RandomNumber();
  if (absl::Status status = ChooseEngine(); !status.ok()) return status;
  std::vector<BoundListener> listeners;
  absl::Status status = BindAll(listeners);
  if (status.ok()) status = MakeWorkers();
  if (!status.ok()) {
    for (const BoundListener& listener : listeners) OwnedFd(listener.fd).Reset();
    return status;
  }
  return MakeGatekeeper(std::move(listeners));
}

absl::Status Server::ChooseEngine() {
  if (options_.runtime.engine == EngineChoice::kEpoll) {
    engine_ = EngineKind::kEpoll;
    return absl::OkStatus();
  }
  const absl::Status probe = ProbeUring();
  if (!probe.ok() && options_.runtime.engine == EngineChoice::kUring) {
    return absl::UnavailableError(absl::StrCat("runtime.engine = \"io_uring\": ", probe.message(),
                                               "; set it to \"auto\" or \"epoll\""));
  }
  engine_ = probe.ok() ? EngineKind::kUring : EngineKind::kEpoll;
  if (!probe.ok()) {
    log_.Write(Severity::kWarn, "engine",
               absl::StrCat("epoll, because io_uring cannot be used: ", probe.message()));
  }
  return absl::OkStatus();
}

absl::Status Server::BindAll(std::vector<BoundListener>& listeners) {
  if (options_.controller.has_value()) {
    absl::Status status = BindPort(Port::kController, options_.controller->listen, listeners);
    if (!status.ok()) return status;
  }
  return BindPort(Port::kAgent, options_.agent.listen, listeners);
}

absl::Status Server::BindPort(Port port, const std::vector<Endpoint>& endpoints,
                              std::vector<BoundListener>& listeners) {
  std::vector<std::string>& told = port == Port::kController ? ports_.controller : ports_.agent;
  for (const Endpoint& endpoint : endpoints) {
    absl::StatusOr<BoundSocket> bound = Bind(endpoint);
    if (!bound.ok()) {
      return absl::Status(bound.status().code(),
                          absl::StrCat(Name(port), ".listen: ", bound.status().message()));
    }
    BoundListener listener;
    listener.port = port;
    listener.address = bound->bound.ToString();
    listener.backlog = port == Port::kAgent ? options_.agent.backlog : kControllerBacklog;
    listener.listening = port == Port::kController || options_.agent.hold == Hold::kPark;
    if (listener.listening && ::listen(bound->fd.get(), listener.backlog) != 0) {
      return absl::UnavailableError(absl::StrCat(Name(port), ".listen: cannot listen on ",
                                                 listener.address, ": ", std::strerror(errno)));
    }
    listener.fd = bound->fd.Release();
    told.push_back(listener.address);
    bound_.push_back({.configured = endpoint, .bound = bound->bound});
    listeners.push_back(std::move(listener));
  }
  if (port == Port::kAgent) WarnOfBacklog();
  return absl::OkStatus();
}

int Server::Rebind(const BoundListener& listener) {
  for (const BoundEndpoint& endpoint : bound_) {
    if (endpoint.bound.ToString() != listener.address) continue;
    absl::StatusOr<BoundSocket> bound = Bind(endpoint.bound);
    if (bound.ok()) return bound->fd.Release();
    log_.Write(Severity::kError, "listener", bound.status().message());
  }
  return -1;
}

absl::StatusOr<std::unique_ptr<TlsContext>> Server::MakeTls(const Options& options) const {
  if (!options.tls.has_value()) return nullptr;
  return OpenSslContext::Create(*options.tls,
                                options.controller.has_value() ? options.controller->client_ca : "",
                                ticket_keys_);
}

absl::StatusOr<std::shared_ptr<const WorkerOptions>> Server::MakeWorkerOptions(
    const Options& options) const {
  absl::StatusOr<std::vector<SocketAddress>> addresses = Resolve(options.backend.address);
  if (!addresses.ok()) {
    return absl::Status(addresses.status().code(),
                        absl::StrCat("backend.address: ", addresses.status().message()));
  }
  auto made = std::make_shared<WorkerOptions>();
  made->backend = addresses->front();
  made->proxy_protocol = options.backend.proxy_protocol;
  made->connect_timeout = options.backend.connect_timeout;
  made->backend_trouble =
      std::make_shared<BackendTrouble>(log_, options.backend.address.ToString());
  made->pipes_max = static_cast<int>(std::clamp<uint64_t>(descriptors_max_ / 64, 2, 64));
  return made;
}

absl::Status Server::MakeWorkers() {
  if (options_.tls.has_value()) {
    absl::StatusOr<std::shared_ptr<TicketKeys>> keys = TicketKeys::Create();
    if (!keys.ok()) return keys.status();
    ticket_keys_ = *std::move(keys);
  }
  absl::StatusOr<std::shared_ptr<const WorkerOptions>> worker_options = MakeWorkerOptions(options_);
  if (!worker_options.ok()) return worker_options.status();
  gatekeeper_inbox_ = std::make_unique<Mailbox<Report>>();
  for (int i = 0; i < WorkerCount(options_); ++i) {
    absl::StatusOr<std::unique_ptr<TlsContext>> tls = MakeTls(options_);
    if (!tls.ok()) return tls.status();
    absl::StatusOr<std::unique_ptr<Kernel>> kernel = CreateKernel(engine_);
    if (!kernel.ok()) return kernel.status();
    auto worker = std::make_unique<WorkerThread>();
    worker->kernel = *std::move(kernel);
    worker->worker =
        std::make_unique<Worker>(*worker->kernel, log_, worker->metrics, *gatekeeper_inbox_,
                                 *worker_options, *std::move(tls), boot_id_);
    workers_.push_back(std::move(worker));
  }
  return absl::OkStatus();
}

absl::Status Server::MakeGatekeeper(std::vector<BoundListener> listeners) {
  absl::StatusOr<std::unique_ptr<Kernel>> kernel = CreateKernel(engine_);
  if (!kernel.ok()) return kernel.status();
  gatekeeper_kernel_ = *std::move(kernel);
  started_ = gatekeeper_kernel_->Now();
  // Bound last and before anything is told, so that the ports told are complete.
  absl::StatusOr<std::unique_ptr<AdminServer>> admin =
      AdminServer::Create(options_.admin.listen, options_.admin.mode, *this);
  if (!admin.ok()) return admin.status();
  admin_ = *std::move(admin);
  if (!admin_->warning().empty()) log_.Write(Severity::kWarn, "admin", admin_->warning());
  ports_.admin.push_back(admin_->bound().ToString());

  Gatekeeper::Setup setup;
  setup.options = std::make_shared<const Options>(options_);
  setup.capacity = MakeCapacity(options_);
  setup.listeners = std::move(listeners);
  for (const auto& worker : workers_) setup.workers.push_back(&worker->worker->mailbox());
  if (absl::StatusOr<std::vector<IpAddress>> own = OwnAddresses(); own.ok()) {
    setup.own_addresses = std::set<IpAddress>(own->begin(), own->end());
  }
  setup.hash_seed = RandomNumber();
  setup.memory_hint = AdviseHugePages;
  if (options_.limits.refuse_in_kernel) setup.syn_refuser = MakeSynRefuser(setup.listeners, log_);
  setup.rebind = [this](const BoundListener& listener) { return Rebind(listener); };
  setup.on_gate = [this](GateState state) { OnGate(state); };
  gatekeeper_ =
      std::make_unique<Gatekeeper>(*gatekeeper_kernel_, log_, *gatekeeper_inbox_, std::move(setup));
  TellCapacity(options_);
  log_.Write(Severity::kInfo, "ports", PortsJson(ports_));
  return setup_.on_bound ? setup_.on_bound(ports_) : absl::OkStatus();
}

// --- Threads

void Server::RunThreads() {
  running_ = true;
  for (const auto& worker : workers_) {
    worker->thread = std::thread([this, &worker = *worker] { RunWorker(worker); });
  }
  gatekeeper_thread_ = std::thread([this] { RunGatekeeper(); });
  admin_->Start();
}

void Server::RunWorker(WorkerThread& worker) {
  while (!exit_workers_.load(std::memory_order_acquire)) worker.worker->Turn(Instant::Never());
}

void Server::RunGatekeeper() {
  bool told = false;
  while (!exit_gatekeeper_.load(std::memory_order_acquire)) {
    gatekeeper_->Turn(Instant::Never());
    if (told || !gatekeeper_->done()) continue;
    told = true;
    stopped_.Notify();
    if (setup_.on_stopped) setup_.on_stopped();
  }
}

void Server::Join() {
  FG_CHECK(running_);
  stopped_.Wait();
  admin_->Stop();
  exit_workers_.store(true, std::memory_order_release);
  for (const auto& worker : workers_) {
    worker->kernel->waker().Wake();
    worker->thread.join();
  }
  exit_gatekeeper_.store(true, std::memory_order_release);
  gatekeeper_kernel_->waker().Wake();
  gatekeeper_thread_.join();
  for (const BoundEndpoint& endpoint : bound_) UnlinkUnixPath(endpoint.bound);
  running_ = false;
}

void Server::OnGatekeeper(const std::function<void(Gatekeeper&)>& command) {
  Notification done;
  gatekeeper_->commands().Post([&](Gatekeeper& gatekeeper) {
    command(gatekeeper);
    done.Notify();
  });
  done.Wait();
}

// --- Control

StatusSnapshot Server::Status() {
  StatusSnapshot snapshot;
  snapshot.engine = std::string(EngineName(engine_));
  OnGatekeeper([&](Gatekeeper& gatekeeper) {
    gatekeeper.FillStatus(snapshot, absl::ToUnixMillis(absl::Now()));
    snapshot.uptime = gatekeeper.Now() - started_;
  });
  for (const auto& worker : workers_) {
    const WorkerMetrics& metrics = worker->metrics;
    metrics.handshake_seconds.AddTo(snapshot.handshake_seconds);
    metrics.backend_connect_seconds.AddTo(snapshot.backend_connect_seconds);
    snapshot.bytes_to_backend += metrics.bytes_to_backend.value();
    snapshot.bytes_to_client += metrics.bytes_to_client.value();
    snapshot.backend_errors += metrics.backend_errors.value();
  }
  snapshot.listen_overflows = ListenOverflows().value_or(0);
  return snapshot;
}

absl::StatusOr<GateState> Server::SignalPeergrouper(const PeerServers& servers) {
  std::vector<std::string> ids;
  for (const auto& [id, addresses] : servers) ids.push_back(id);
  absl::StatusOr<GateState> result;
  OnGatekeeper([&](Gatekeeper& gatekeeper) {
    const absl::Status status = gatekeeper.gate().SignalPeergrouper(ids, gatekeeper.Now());
    const GateState state = gatekeeper.Settle();
    if (status.ok()) {
      result = state;
    } else {
      result = status;
    }
  });
  return result;
}

GateState Server::OpenGate() {
  GateState state = GateState::kHolding;
  OnGatekeeper([&](Gatekeeper& gatekeeper) {
    gatekeeper.gate().Open(gatekeeper.Now());
    state = gatekeeper.Settle();
  });
  return state;
}

GateState Server::HoldGate() {
  GateState state = GateState::kHolding;
  OnGatekeeper([&](Gatekeeper& gatekeeper) {
    gatekeeper.gate().Hold(gatekeeper.Now());
    state = gatekeeper.Settle();
  });
  return state;
}

std::vector<SourceSnapshot> Server::TopSources(int count) {
  std::vector<SourceSnapshot> sources;
  Notification done;
  gatekeeper_->commands().Post([&](Gatekeeper& gatekeeper) {
    gatekeeper.TopSources(static_cast<size_t>(count), [&](std::vector<SourceSnapshot> found) {
      sources = std::move(found);
      done.Notify();
    });
  });
  done.Wait();
  return sources;
}

void Server::OnGate(GateState state) {
  {
    const std::scoped_lock lock(gate_mutex_);
    gate_state_ = state;
  }
  gate_changed_.notify_all();
  if (setup_.on_gate) setup_.on_gate(state);
}

GateState Server::WaitForGate(GateState state, Duration timeout) {
  std::unique_lock lock(gate_mutex_);
  gate_changed_.wait_for(lock, std::chrono::nanoseconds(timeout.ns),
                         [&] { return gate_state_ == state; });
  return gate_state_;
}

void Server::Drain() {
  Duration grace;
  {
    const std::scoped_lock lock(reload_mutex_);
    grace = options_.runtime.drain_timeout;
  }
  log_.Write(
      Severity::kInfo, "stop",
      absl::StrCat("graceful; open connections have ", grace.milliseconds(), " ms to finish"));
  OnGatekeeper([grace](Gatekeeper& gatekeeper) { gatekeeper.Stop(grace); });
}

void Server::EndNow() {
  OnGatekeeper([](Gatekeeper& gatekeeper) { gatekeeper.EndAll(); });
}

void Server::RotateTicketKeys() {
  if (ticket_keys_ == nullptr) return;
  if (absl::Status status = ticket_keys_->Rotate(); !status.ok()) {
    log_.Write(Severity::kError, "tickets", status.message());
  }
}

}  // namespace floodgate
