#include "floodgate/front_end.h"

#include <mutex>
#include <utility>

#include "absl/strings/str_join.h"
#include "admin/status_json.h"
#include "core/config.h"
#include "daemon/logger.h"
#include "daemon/server.h"

namespace floodgate {

class FrontEnd::Impl {
 public:
  std::unique_ptr<Logger> log;
  std::unique_ptr<Server> server;
  Addresses addresses;
  std::mutex stop_mutex;
  bool stopped = false;
};

absl::StatusOr<std::unique_ptr<FrontEnd>> FrontEnd::Start(Setup setup) {
  ConfigResult config = ReadConfig(setup.config, setup.name, setup.set);
  if (!config.faults.empty()) {
    return absl::InvalidArgumentError(
        absl::StrJoin(config.faults, "\n", [](std::string* out, const ConfigFault& fault) {
          absl::StrAppend(out, fault.ToString());
        }));
  }
  auto impl = std::make_unique<Impl>();
  const RuntimeOptions& runtime = config.options.runtime;
  impl->log = Logger::Create(runtime.log_format, runtime.log);
  Server::Setup server_setup;
  server_setup.options = std::move(config.options);
  server_setup.on_bound = [&](const BoundPorts& ports) {
    impl->addresses = {.controller = ports.controller, .agent = ports.agent, .admin = ports.admin};
    if (setup.on_bound) setup.on_bound(impl->addresses);
    return absl::OkStatus();
  };
  if (setup.on_gate) {
    server_setup.on_gate = [on_gate = setup.on_gate](GateState state) {
      on_gate(std::string(Name(state)));
    };
  }
  absl::StatusOr<std::unique_ptr<Server>> server =
      Server::Start(*impl->log, std::move(server_setup));
  if (!server.ok()) return server.status();
  impl->server = *std::move(server);
  return std::unique_ptr<FrontEnd>(new FrontEnd(std::move(impl)));
}

FrontEnd::FrontEnd(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

FrontEnd::~FrontEnd() = default;

const Addresses& FrontEnd::addresses() const {
  return impl_->addresses;
}

absl::Status FrontEnd::SignalPeergrouper(const std::vector<std::string>& server_ids) {
  PeerServers servers;
  for (const std::string& id : server_ids) servers[id];
  return impl_->server->SignalPeergrouper(servers).status();
}

void FrontEnd::Open() {
  impl_->server->OpenGate();
}

void FrontEnd::Hold() {
  impl_->server->HoldGate();
}

bool FrontEnd::WaitForGate(const std::string& state, std::chrono::milliseconds timeout) {
  for (const GateState candidate : kGateStates) {
    if (Name(candidate) != state) continue;
    return impl_->server->WaitForGate(candidate, Duration::Milliseconds(timeout.count())) ==
           candidate;
  }
  return false;
}

std::string FrontEnd::Status() {
  return StatusJson(impl_->server->Status());
}

void FrontEnd::Stop() {
  const std::scoped_lock lock(impl_->stop_mutex);
  if (std::exchange(impl_->stopped, true)) return;
  impl_->server->Drain();
  impl_->server->Join();
}

}  // namespace floodgate
