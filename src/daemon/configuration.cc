#include "daemon/configuration.h"

#include <pwd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "core/config.h"
#include "front/openssl_tls.h"
#include "io/socket.h"

namespace floodgate {

absl::StatusOr<Options> LoadOptions(const CommandLine& line, std::vector<std::string>* faults) {
  std::string text;
  if (!line.config.empty()) {
    std::ifstream file(line.config, std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    if (!file.is_open() || file.bad()) {
      faults->push_back(absl::StrCat(line.config, ": cannot be read: ", std::strerror(errno),
                                     "; --config takes a file that this user may read"));
      return absl::InvalidArgumentError("configuration");
    }
  }
  ConfigResult result = ReadConfig(text, line.config, line.sets);
  for (const ConfigFault& fault : result.faults) faults->push_back(fault.ToString());
  if (!result.faults.empty()) return absl::InvalidArgumentError("configuration");
  return std::move(result.options);
}

std::vector<std::string> CheckHost(const Options& options) {
  std::vector<std::string> faults;
  const auto resolve = [&faults](absl::string_view key, const Endpoint& endpoint) {
    const absl::StatusOr<std::vector<SocketAddress>> addresses = Resolve(endpoint);
    if (!addresses.ok()) faults.push_back(absl::StrCat(key, ": ", addresses.status().message()));
  };
  if (options.controller.has_value()) {
    for (const Endpoint& endpoint : options.controller->listen) {
      resolve("controller.listen", endpoint);
    }
  }
  for (const Endpoint& endpoint : options.agent.listen) resolve("agent.listen", endpoint);
  resolve("backend.address", options.backend.address);
  resolve("admin.listen", options.admin.listen);
  if (options.tls.has_value()) {
    const std::string client_ca =
        options.controller.has_value() ? options.controller->client_ca : "";
    for (std::string& fault : CheckTlsFiles(*options.tls, client_ca)) {
      faults.push_back(std::move(fault));
    }
  }
  if (!options.runtime.user.empty() && ::getpwnam(options.runtime.user.c_str()) == nullptr) {
    faults.push_back(
        absl::StrCat("runtime.user: there is no user '", options.runtime.user, "' on this host"));
  }
  return faults;
}

}  // namespace floodgate
