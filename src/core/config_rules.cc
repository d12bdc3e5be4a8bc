#include "core/config_rules.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace floodgate {
namespace {

// An address of the configuration and the option that it stands in.
struct Use {
  std::string key;
  Endpoint endpoint;
};

bool IsAny(const Endpoint& endpoint, const char* any) {
  const std::optional<IpAddress> address = IpAddress::Parse(endpoint.host);
  return address.has_value() && *address == *IpAddress::Parse(any);
}

// The same host in two spellings is the same.
bool SameHost(const Endpoint& a, const Endpoint& b) {
  const std::optional<IpAddress> a_address = IpAddress::Parse(a.host);
  const std::optional<IpAddress> b_address = IpAddress::Parse(b.host);
  if (a_address.has_value() && b_address.has_value()) return *a_address == *b_address;
  return absl::EqualsIgnoreCase(a.host, b.host);
}

// A socket bound to `wide` has taken the port of `other` too. [::] takes IPv4 as well (ipv6(7),
// IPV6_V6ONLY off); 0.0.0.0 takes IPv4 alone.
bool Covers(const Endpoint& wide, const Endpoint& other) {
  if (IsAny(wide, "::")) return true;
  const std::optional<IpAddress> address = IpAddress::Parse(other.host);
  return IsAny(wide, "0.0.0.0") && address.has_value() && address->is_v4();
}

bool CannotBothBeBound(const Endpoint& a, const Endpoint& b) {
  if (a.is_unix() || b.is_unix()) return a == b;
  // Port 0 is another one each time.
  if (a.port != b.port || a.port == 0) return false;
  return SameHost(a, b) || Covers(a, b) || Covers(b, a);
}

bool IsLoopback(const Endpoint& endpoint) {
  const std::optional<IpAddress> address = IpAddress::Parse(endpoint.host);
  if (!address.has_value()) return absl::EqualsIgnoreCase(endpoint.host, "localhost");
  // Connecting to the unspecified address is connecting to loopback.
  return Cidr::Parse("127.0.0.0/8")->Contains(*address) || *address == *IpAddress::Parse("::1") ||
         *address == *IpAddress::Parse("::") || *address == *IpAddress::Parse("0.0.0.0");
}

// Whoever connects to `target` on this host reaches `listener`.
bool Reaches(const Endpoint& target, const Endpoint& listener) {
  if (target.is_unix() || listener.is_unix()) return target == listener;
  if (target.port != listener.port || target.port == 0) return false;
  return SameHost(target, listener) || (IsLoopback(target) && Covers(listener, target));
}

std::vector<Use> Listeners(const Options& options) {
  std::vector<Use> uses;
  if (options.controller.has_value()) {
    for (const Endpoint& endpoint : options.controller->listen) {
      uses.push_back({"controller.listen", endpoint});
    }
  }
  for (const Endpoint& endpoint : options.agent.listen) uses.push_back({"agent.listen", endpoint});
  uses.push_back({"admin.listen", options.admin.listen});
  return uses;
}

void CheckAddresses(const Options& options, std::vector<RuleFault>& faults) {
  const std::vector<Use> uses = Listeners(options);
  for (size_t later = 0; later < uses.size(); ++later) {
    for (size_t earlier = 0; earlier < later; ++earlier) {
      const auto& [key, endpoint] = uses[later];
      const auto& [other_key, other] = uses[earlier];
      if (!CannotBothBeBound(endpoint, other)) continue;
      const std::string text = endpoint.ToString();
      faults.push_back({key,
                        endpoint == other ? absl::StrCat(text, " stands in ", other_key, " too")
                                          : absl::StrCat(text, " and ", other.ToString(), " of ",
                                                         other_key, " cannot both be bound"),
                        "each needs an address or a port of its own",
                        {other_key}});
    }
  }
  const Endpoint& backend = options.backend.address;
  for (const auto& [key, endpoint] : uses) {
    if (!Reaches(backend, endpoint)) continue;
    faults.push_back({"backend.address",
                      absl::StrCat(backend.ToString(), " is floodgate's own, by ", key, " ",
                                   endpoint.ToString()),
                      "expected the address of the controller behind it",
                      {key}});
  }
  if (!backend.is_unix() && backend.port == 0) {
    faults.push_back({"backend.address", "has port 0", "expected the controller's port", {}});
  }
}

void CheckController(const Options& options, std::vector<RuleFault>& faults) {
  if (!options.controller.has_value()) return;
  const ControllerOptions& controller = *options.controller;
  if (controller.listen.empty()) {
    faults.push_back({"controller.listen",
                      "is empty",
                      "expected at least one address; without a port of their own controllers need "
                      "agent.hold = \"drop\", which is not in this version",
                      {}});
  }
  const bool tcp = std::any_of(controller.listen.begin(), controller.listen.end(),
                               [](const Endpoint& endpoint) { return !endpoint.is_unix(); });
  if (controller.allow.empty() && tcp) {
    faults.push_back({"controller.allow",
                      "is empty, so nobody could connect to the addresses of controller.listen "
                      "that are not unix sockets",
                      "expected at least one block; [\"0.0.0.0/0\", \"::/0\"] is everybody",
                      {"controller.listen"}});
  }
  if (!controller.client_ca.empty() && !options.tls.has_value()) {
    faults.push_back({"controller.client_ca",
                      "is set, and there is no TLS here to ask for it",
                      "add [tls], or leave it out",
                      {"tls"}});
  }
}

bool OpensOn(const Options& options, Condition condition) {
  const std::vector<Condition>& named = options.gate.open_on;
  return std::find(named.begin(), named.end(), condition) != named.end();
}

void CheckGate(const Options& options, std::vector<RuleFault>& faults) {
  std::vector<Condition> sorted = options.gate.open_on;
  std::sort(sorted.begin(), sorted.end());
  if (sorted.empty()) {
    faults.push_back({"gate.open_on",
                      "is empty",
                      "name at least one condition; for one-phase start-up leave out [controller]",
                      {}});
  }
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    faults.push_back(
        {"gate.open_on", "names a condition twice", "each of them must hold; once will do", {}});
  }
  if (OpensOn(options, Condition::kPeergrouper) && options.gate.self_id.empty()) {
    faults.push_back({"gate.self_id",
                      "is empty",
                      "expected this controller's id in a peergrouper signal",
                      {"gate.open_on"}});
  }
  if (!options.controller.has_value() &&
      (OpensOn(options, Condition::kSelfConnection) || OpensOn(options, Condition::kQuorum))) {
    faults.push_back({"gate.open_on",
                      "names a condition on the controller port, and there is no [controller]",
                      "add [controller], or name \"peergrouper\" or \"manual\"",
                      {"controller"}});
  }
}

void CheckTls(const Options& options, std::vector<RuleFault>& faults) {
  if (!options.tls.has_value()) return;
  if (options.tls->certificate.empty()) {
    faults.push_back({"tls.certificate", "is missing", "expected the path of a PEM file", {}});
  }
  if (options.tls->private_key.empty()) {
    faults.push_back({"tls.private_key", "is missing", "expected the path of a PEM file", {}});
  }
}

// The ports file is renamed into place: it would take the place of what it is named like.
void CheckPortsFile(const Options& options, std::vector<RuleFault>& faults) {
  const std::string& path = options.runtime.ports_file;
  if (path.empty()) return;
  std::vector<std::pair<std::string, std::string>> files;
  if (options.tls.has_value()) {
    files.emplace_back("tls.certificate", options.tls->certificate);
    files.emplace_back("tls.private_key", options.tls->private_key);
  }
  if (options.controller.has_value()) {
    files.emplace_back("controller.client_ca", options.controller->client_ca);
  }
  std::vector<Use> uses = Listeners(options);
  uses.push_back({"backend.address", options.backend.address});
  for (const auto& [key, endpoint] : uses) {
    if (endpoint.kind == Endpoint::Kind::kUnixPath) files.emplace_back(key, endpoint.path);
  }
  for (const auto& [key, file] : files) {
    if (file != path) continue;
    faults.push_back({"runtime.ports_file",
                      absl::StrCat("is the file of ", key, ", which would be overwritten"),
                      "expected a file of its own",
                      {key}});
  }
}

}  // namespace

std::vector<RuleFault> BrokenRules(const Options& options) {
  std::vector<RuleFault> faults;
  if (options.agent.listen.empty()) {
    faults.push_back({"agent.listen", "is empty", "expected at least one address", {}});
  }
  CheckController(options, faults);
  CheckAddresses(options, faults);
  CheckGate(options, faults);
  if (options.drain.ramp > Duration{} && options.drain.rate <= 0) {
    faults.push_back({"drain.ramp",
                      "is set, and there is no rate to reach",
                      "set drain.rate, or leave the ramp out",
                      {"drain.rate"}});
  }
  CheckTls(options, faults);
  CheckPortsFile(options, faults);
  return faults;
}

}  // namespace floodgate
