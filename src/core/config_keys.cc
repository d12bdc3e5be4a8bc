#include "core/config_keys.h"

#include <cstdlib>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/config_kinds.h"

namespace floodgate {
namespace {

// A token a nanosecond: time knows nothing finer.
constexpr int64_t kRateMax = 1'000'000'000;

const Names kHolds = {"park", "refuse"};
const Names kConditions = {"peergrouper", "self-connection", "quorum", "manual"};
const Names kOverLimits = {"delay", "reset", "queue"};
const Names kTlsVersions = {"1.2", "1.3"};
const Names kProxyProtocols = {"off", "v2"};
const Names kEngines = {"auto", "io_uring", "epoll"};
const Names kLogLevels = {"trace", "debug", "info", "warn", "error"};
const Names kLogFormats = {"text", "json"};

// Names that the contract has and this version has not.
ValueFault NotInThisVersion(absl::string_view name) {
  return {absl::StrCat("\"", name, "\" is not in this version"), ""};
}

ValueFault ReadHold(const toml::node& node, Hold& value) {
  std::string text;
  if (ReadText(node, text).ok() && text == "drop") {
    ValueFault fault = NotInThisVersion(text);
    fault.remedy = "expected \"park\" or \"refuse\"";
    return fault;
  }
  size_t index = 0;
  ValueFault fault = ReadName(node, kHolds, index);
  if (fault.ok()) value = static_cast<Hold>(index);
  return fault;
}

// The only mode there is: reading it changes nothing.
ValueFault ReadBackendMode(const toml::node& node) {
  std::string text;
  ValueFault fault = ReadText(node, text);
  if (!fault.ok() || text == "proxy") return fault;
  fault = text == "handoff" ? NotInThisVersion(text)
                            : ValueFault{absl::StrCat("is \"", text, "\""), ""};
  fault.remedy = "expected \"proxy\"";
  return fault;
}

ConfigKey BackendMode() {
  ConfigKey key;
  key.section = "backend";
  key.name = "mode";
  key.type = "\"proxy\"";
  key.live = kLive;
  key.read = [](const toml::node& node, Options&) { return AllOf(ReadBackendMode(node)); };
  key.write = [](const Options&) { return std::string("\"proxy\""); };
  key.copy = [](const Options&, Options&) {};
  return key;
}

ConfigKey OpenOn() {
  return Make(
      "gate", "open_on", absl::StrCat("array of ", QuotedList(kConditions)), kLive,
      [](auto& o) -> auto& { return o.gate.open_on; },
      [](const toml::node& node, std::vector<Condition>& value) {
        std::vector<size_t> indices;
        ValueFaults faults = ReadNames(node, kConditions, indices);
        if (!faults.empty()) return faults;
        value.clear();
        for (const size_t index : indices) value.push_back(static_cast<Condition>(index));
        return faults;
      },
      [](const std::vector<Condition>& value) {
        return absl::StrCat(
            "[",
            absl::StrJoin(value, ", ",
                          [](std::string* out, Condition condition) {
                            absl::StrAppend(out,
                                            WriteText(kConditions[static_cast<size_t>(condition)]));
                          }),
            "]");
      });
}

ConfigKey SourcePrefix() {
  ConfigKey key;
  key.section = "limits";
  key.name = "source_prefix";
  key.type = "two integers, 0 to 32 and 0 to 128";
  key.live = kLive;
  key.read = [](const toml::node& node, Options& options) {
    return AllOf(
        ReadPrefixes(node, options.limits.source_prefix_v4, options.limits.source_prefix_v6));
  };
  key.write = [](const Options& options) {
    return absl::StrCat("[", options.limits.source_prefix_v4, ", ", options.limits.source_prefix_v6,
                        "]");
  };
  key.copy = [](const Options& from, Options& to) {
    to.limits.source_prefix_v4 = from.limits.source_prefix_v4;
    to.limits.source_prefix_v6 = from.limits.source_prefix_v6;
  };
  return key;
}

ConfigKey Patience() {
  return Make(
      "limits", "patience", "\"auto\", or duration, 1ms to 8760h", kLive,
      [](auto& o) -> auto& { return o.limits.patience; },
      [](const toml::node& node, std::optional<Duration>& value) {
        std::string text;
        if (ReadText(node, text).ok() && text == "auto") {
          value.reset();
          return ValueFault{};
        }
        Duration duration;
        ValueFault fault = ReadDuration(node, Duration::Milliseconds(1), kYear, duration);
        if (fault.ok()) {
          value = duration;
        } else {
          absl::StrAppend(&fault.remedy, ", or \"auto\"");
        }
        return fault;
      },
      [](const std::optional<Duration>& value) {
        return WriteText(value.has_value() ? FormatDuration(*value) : "auto");
      });
}

void AddPorts(std::vector<ConfigKey>& keys) {
  keys.push_back(Listen(
      "controller", [](auto& o) -> auto& { return o.controller->listen; }));
  keys.push_back(Blocks(
      "controller", "allow", [](auto& o) -> auto& { return o.controller->allow; }));
  keys.push_back(Text(
      "controller", "client_ca", "path", kLive,
      [](auto& o) -> auto& { return o.controller->client_ca; }));
  keys.push_back(Listen(
      "agent", [](auto& o) -> auto& { return o.agent.listen; }));
  keys.push_back(Integer(
      "agent", "backlog", kLive, 1, std::numeric_limits<int>::max(),
      [](auto& o) -> auto& { return o.agent.backlog; }));
  keys.push_back(Make(
      "agent", "hold", QuotedList(kHolds), kRestart, [](auto& o) -> auto& { return o.agent.hold; },
      ReadHold, [](Hold hold) { return WriteText(kHolds[static_cast<size_t>(hold)]); }));
  keys.push_back(Blocks(
      "agent", "deny", [](auto& o) -> auto& { return o.agent.deny; }));
}

void AddGate(std::vector<ConfigKey>& keys) {
  keys.push_back(OpenOn());
  keys.push_back(Text(
      "gate", "self_id", "text", kLive, [](auto& o) -> auto& { return o.gate.self_id; }));
  keys.push_back(Integer(
      "gate", "quorum", kLive, 1, 1'000'000, [](auto& o) -> auto& { return o.gate.quorum; }));
  keys.push_back(Time(
      "gate", "open_delay", kLive, Duration{}, [](auto& o) -> auto& { return o.gate.open_delay; }));
  keys.push_back(Bool(
      "gate", "rehold", kLive, [](auto& o) -> auto& { return o.gate.rehold; }));
  keys.push_back(Time(
      "gate", "rehold_after", kLive, Duration{},
      [](auto& o) -> auto& { return o.gate.rehold_after; }));
  keys.push_back(Time(
      "gate", "open_anyway_after", kLive, Duration{},
      [](auto& o) -> auto& { return o.gate.open_anyway_after; }));
  keys.push_back(Real(
      "drain", "rate", kLive, kRateMax, [](auto& o) -> auto& { return o.drain.rate; }));
  keys.push_back(Time(
      "drain", "ramp", kLive, Duration{}, [](auto& o) -> auto& { return o.drain.ramp; }));
}

void AddLimits(std::vector<ConfigKey>& keys) {
  keys.push_back(Real(
      "limits", "source_rate", kLive, kRateMax,
      [](auto& o) -> auto& { return o.limits.source_rate; }));
  keys.push_back(Integer(
      "limits", "source_burst", kLive, 1, 1'000'000'000,
      [](auto& o) -> auto& { return o.limits.source_burst; }));
  keys.push_back(SourcePrefix());
  keys.push_back(Integer(
      "limits", "source_connections", kLive, 0, 1'000'000'000,
      [](auto& o) -> auto& { return o.limits.source_connections; }));
  keys.push_back(Integer(
      "limits", "sources", kRestart, 1, 100'000'000,
      [](auto& o) -> auto& { return o.limits.sources; }));
  keys.push_back(Blocks(
      "limits", "exempt", [](auto& o) -> auto& { return o.limits.exempt; }));
  keys.push_back(Choice(
      "limits", "over_limit", kLive, kOverLimits,
      [](auto& o) -> auto& { return o.limits.over_limit; }));
  keys.push_back(Time(
      "limits", "delay", kLive, Duration{}, [](auto& o) -> auto& { return o.limits.delay; }));
  keys.push_back(Integer(
      "limits", "delayed", kLive, 0, 10'000'000,
      [](auto& o) -> auto& { return o.limits.delayed; }));
  keys.push_back(Integer(
      "limits", "connections", kLive, 0, 1'000'000'000,
      [](auto& o) -> auto& { return o.limits.connections; }));
  keys.push_back(Integer(
      "limits", "handshakes", kLive, 0, 10'000'000,
      [](auto& o) -> auto& { return o.limits.handshakes; }));
  keys.push_back(Integer(
      "limits", "waiting", kLive, 1, 10'000'000,
      [](auto& o) -> auto& { return o.limits.waiting; }));
  keys.push_back(Patience());
  keys.push_back(Time(
      "limits", "handshake_timeout", kLive, Duration::Milliseconds(1),
      [](auto& o) -> auto& { return o.limits.handshake_timeout; }));
  keys.push_back(Bool(
      "limits", "refuse_in_kernel", kRestart,
      [](auto& o) -> auto& { return o.limits.refuse_in_kernel; }));
}

void AddRest(std::vector<ConfigKey>& keys) {
  keys.push_back(Text(
      "tls", "certificate", "path", kLive, [](auto& o) -> auto& { return o.tls->certificate; }));
  keys.push_back(Text(
      "tls", "private_key", "path", kLive, [](auto& o) -> auto& { return o.tls->private_key; }));
  keys.push_back(Choice(
      "tls", "min_version", kLive, kTlsVersions,
      [](auto& o) -> auto& { return o.tls->min_version; }));
  keys.push_back(Bool(
      "tls", "tickets", kLive, [](auto& o) -> auto& { return o.tls->tickets; }));
  keys.push_back(Address(
      "backend", "address", kLive, [](auto& o) -> auto& { return o.backend.address; }));
  keys.push_back(BackendMode());
  keys.push_back(Choice(
      "backend", "proxy_protocol", kLive, kProxyProtocols,
      [](auto& o) -> auto& { return o.backend.proxy_protocol; }));
  keys.push_back(Time(
      "backend", "connect_timeout", kLive, Duration::Milliseconds(1),
      [](auto& o) -> auto& { return o.backend.connect_timeout; }));
  keys.push_back(Address(
      "admin", "listen", kRestart, [](auto& o) -> auto& { return o.admin.listen; }));
  keys.push_back(Make(
      "admin", "mode", "octal digits in a string", kRestart,
      [](auto& o) -> auto& { return o.admin.mode; },
      [](const toml::node& node, uint32_t& value) { return ReadMode(node, value); }, WriteMode));
  keys.push_back(Choice(
      "runtime", "engine", kRestart, kEngines, [](auto& o) -> auto& { return o.runtime.engine; }));
  keys.push_back(Integer(
      "runtime", "workers", kRestart, 0, 255, [](auto& o) -> auto& { return o.runtime.workers; }));
  keys.push_back(Choice(
      "runtime", "log", kLive, kLogLevels, [](auto& o) -> auto& { return o.runtime.log; }));
  keys.push_back(Choice(
      "runtime", "log_format", kRestart, kLogFormats,
      [](auto& o) -> auto& { return o.runtime.log_format; }));
  keys.push_back(Text(
      "runtime", "user", "user name", kRestart, [](auto& o) -> auto& { return o.runtime.user; }));
  keys.push_back(Time(
      "runtime", "drain_timeout", kLive, Duration{},
      [](auto& o) -> auto& { return o.runtime.drain_timeout; }));
  keys.push_back(Text(
      "runtime", "ports_file", "path", kRestart,
      [](auto& o) -> auto& { return o.runtime.ports_file; }));
}

}  // namespace

std::string ConfigKey::full_name() const {
  return absl::StrCat(section, ".", name);
}

const std::vector<ConfigKey>& Keys() {
  static const std::vector<ConfigKey>* const keys = [] {
    auto* made = new std::vector<ConfigKey>;
    AddPorts(*made);
    AddGate(*made);
    AddLimits(*made);
    AddRest(*made);
    return made;
  }();
  return *keys;
}

bool IsOptionalSection(absl::string_view section) {
  return section == "controller" || section == "tls";
}

bool HasSection(const Options& options, absl::string_view section) {
  if (section == "controller") return options.controller.has_value();
  if (section == "tls") return options.tls.has_value();
  return true;
}

void AddSection(Options& options, absl::string_view section) {
  if (section == "controller" && !options.controller.has_value()) {
    options.controller.emplace();
    options.controller->listen = {*Endpoint::Parse("127.0.0.1:17071"),
                                  *Endpoint::Parse("unix:@floodgate-controller")};
    options.controller->allow = {*Cidr::Parse("127.0.0.0/8"), *Cidr::Parse("::1/128")};
  }
  if (section == "tls" && !options.tls.has_value()) options.tls.emplace();
}

}  // namespace floodgate
