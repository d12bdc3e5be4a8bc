#include "daemon/configuration.h"

#include <pwd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/config.h"
#include "daemon/config_file.h"
#include "front/openssl_tls.h"
#include "io/socket.h"

namespace floodgate {
namespace {

// InvalidArgument: the file cannot be read.
absl::StatusOr<ConfigResult> Read(const CommandLine& line) {
  std::string text;
  if (!line.config.empty()) {
    absl::StatusOr<std::string> read = ReadConfigFile(line.config);
    if (!read.ok()) return read.status();
    text = *std::move(read);
  }
  return ReadConfig(text, line.config, line.sets);
}

// Collects what this host makes of options that are certain.
class HostCheck {
 public:
  explicit HostCheck(const ConfigResult& config) : config_(config) {}

  std::vector<ConfigFault> Run() {
    const Options& options = config_.options;
    if (options.controller.has_value()) {
      ResolveAll("controller.listen", options.controller->listen);
    }
    ResolveAll("agent.listen", options.agent.listen);
    ResolveAll("backend.address", {options.backend.address});
    ResolveAll("admin.listen", {options.admin.listen});
    if (options.tls.has_value()) CheckFiles(*options.tls, options.controller);
    const std::string& user = options.runtime.user;
    if (!user.empty() && ::getpwnam(user.c_str()) == nullptr) {
      Add("runtime.user", absl::StrCat("there is no user '", user, "' on this host"),
          "create it (adduser --system), or name one of `getent passwd`");
    }
    return std::move(faults_);
  }

 private:
  void Add(const std::string& key, std::string problem, std::string remedy) {
    if (!config_.Certain(key)) return;
    faults_.push_back(config_.FaultOf(key, std::move(problem), std::move(remedy)));
  }

  void ResolveAll(const std::string& key, const std::vector<Endpoint>& endpoints) {
    if (!config_.Certain(key)) return;
    for (const Endpoint& endpoint : endpoints) {
      const absl::StatusOr<std::vector<SocketAddress>> addresses = Resolve(endpoint);
      if (!addresses.ok()) Add(key, std::string(addresses.status().message()), "");
    }
  }

  void CheckFiles(const TlsOptions& tls, const std::optional<ControllerOptions>& controller) {
    const bool ca = controller.has_value() && config_.Certain("controller.client_ca");
    for (TlsFault& fault : CheckTlsFiles(tls, ca ? controller->client_ca : "")) {
      Add(fault.key, std::move(fault.problem), std::move(fault.remedy));
    }
  }

  const ConfigResult& config_;
  std::vector<ConfigFault> faults_;
};

absl::StatusOr<Options> Load(const CommandLine& line, bool check_host,
                             std::vector<std::string>* faults) {
  absl::StatusOr<ConfigResult> config = Read(line);
  if (!config.ok()) {
    faults->push_back(std::string(config.status().message()));
    return absl::InvalidArgumentError("configuration");
  }
  for (const ConfigFault& fault : config->faults) faults->push_back(fault.ToString());
  if (check_host) {
    for (const ConfigFault& fault : HostCheck(*config).Run()) faults->push_back(fault.ToString());
  }
  if (!faults->empty()) return absl::InvalidArgumentError("configuration");
  return std::move(config->options);
}

}  // namespace

absl::StatusOr<Options> LoadOptions(const CommandLine& line, std::vector<std::string>* faults) {
  return Load(line, /*check_host=*/false, faults);
}

absl::StatusOr<Options> LoadAndCheck(const CommandLine& line, std::vector<std::string>* faults) {
  return Load(line, /*check_host=*/true, faults);
}

}  // namespace floodgate
