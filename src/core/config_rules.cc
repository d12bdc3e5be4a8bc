#include "core/config_rules.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"

namespace floodgate {
namespace {

bool Names(const Options& options, Condition condition) {
  const std::vector<Condition>& named = options.gate.open_on;
  return std::find(named.begin(), named.end(), condition) != named.end();
}

void CheckPorts(const Options& options, std::vector<RuleFault>& faults) {
  if (options.agent.listen.empty()) {
    faults.push_back({"agent.listen", "is empty", "expected at least one address"});
  }
  if (options.controller.has_value() && options.controller->listen.empty()) {
    faults.push_back({"controller.listen", "is empty",
                      "expected at least one address; without a port of their own controllers need "
                      "agent.hold = \"drop\", which is not in this version"});
  }
  if (options.controller.has_value() && !options.controller->client_ca.empty() &&
      !options.tls.has_value()) {
    faults.push_back({"controller.client_ca", "is set, and there is no TLS here to ask for it",
                      "add [tls], or leave it out"});
  }
  // The same address twice cannot be bound; port 0 gives a new one each time.
  std::map<std::string, std::string> seen;
  const auto check = [&](const std::string& key, const Endpoint& endpoint) {
    if (!endpoint.is_unix() && endpoint.port == 0) return;
    const auto [other, added] = seen.emplace(endpoint.ToString(), key);
    if (!added) {
      faults.push_back({key,
                        absl::StrCat(endpoint.ToString(), " stands in ", other->second, " too"),
                        "each needs an address of its own"});
    }
  };
  if (options.controller.has_value()) {
    for (const Endpoint& endpoint : options.controller->listen) {
      check("controller.listen", endpoint);
    }
  }
  for (const Endpoint& endpoint : options.agent.listen) check("agent.listen", endpoint);
  check("admin.listen", options.admin.listen);
  check("backend.address", options.backend.address);
}

void CheckGate(const Options& options, std::vector<RuleFault>& faults) {
  if (options.gate.open_on.empty()) {
    faults.push_back(
        {"gate.open_on", "is empty",
         "name at least one condition; for one-phase start-up leave out [controller]"});
  }
  if (Names(options, Condition::kPeergrouper) && options.gate.self_id.empty()) {
    faults.push_back(
        {"gate.self_id", "is empty", "expected this controller's id in a peergrouper signal"});
  }
  if (options.controller.has_value()) return;
  for (const Condition condition : {Condition::kSelfConnection, Condition::kQuorum}) {
    if (!Names(options, condition)) continue;
    faults.push_back({"gate.open_on",
                      "names a condition on the controller port, and there is no [controller]",
                      "add [controller], or name \"peergrouper\" or \"manual\""});
    return;
  }
}

}  // namespace

std::vector<RuleFault> BrokenRules(const Options& options) {
  std::vector<RuleFault> faults;
  CheckPorts(options, faults);
  CheckGate(options, faults);
  if (options.backend.address.kind == Endpoint::Kind::kTcp && options.backend.address.port == 0) {
    faults.push_back({"backend.address", "has port 0", "expected the controller's port"});
  }
  if (options.tls.has_value()) {
    if (options.tls->certificate.empty()) {
      faults.push_back({"tls.certificate", "is missing", "expected the path of a PEM file"});
    }
    if (options.tls->private_key.empty()) {
      faults.push_back({"tls.private_key", "is missing", "expected the path of a PEM file"});
    }
  }
  return faults;
}

}  // namespace floodgate
