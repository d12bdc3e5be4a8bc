#include "tools/tune/rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/tune/queue_rules.h"

namespace floodgate::tune {
namespace {

constexpr char kPortRange[] = "net.ipv4.ip_local_port_range";
constexpr char kConntrackMax[] = "net.netfilter.nf_conntrack_max";
constexpr char kNrOpen[] = "fs.nr_open";
constexpr char kConnections[] = "limits.connections";
constexpr char kNoLimit[] = "0 is no limit of its own: as many as the limit of open files allows.";
constexpr int64_t kMebibyte = int64_t{1} << 20;
constexpr int64_t kFirstUsualPort = 1024;
constexpr int64_t kLastPort = 65'535;
// floodgate's own ports by default: a backend connection must not take one while it restarts.
constexpr int64_t kAboveOwnPorts = 17'073;

Change Sysctl(const char* key, std::string value) {
  return {.kind = Change::Kind::kSysctl, .key = key, .value = std::move(value)};
}

Finding Descriptors(const Facts& facts) {
  const std::optional<int64_t>& limit = facts.host.descriptors_max;
  if (!limit.has_value()) return Unreadable("descriptors", "the limit of open files");
  Finding finding{.check = "descriptors"};
  const int64_t needed = DescriptorsNeeded(facts.agents);
  finding.is = absl::StrCat("open files of ", facts.host.descriptors_of, ": at most ", *limit);
  finding.value = *limit;
  finding.needed = needed;
  finding.why = absl::StrCat(
      "Each agent takes two, its own and the backend's, and floodgated keeps "
      "a reserve: ",
      facts.agents, " agents take ", needed, ".");
  if (*limit >= needed) return finding;
  finding.severity = Severity::kLosesAgents;
  absl::StrAppend(&finding.why,
                  " The rest stay in the kernel's queue until others leave. It takes a restart.");
  if (facts.host.nr_open.value_or(needed) < needed) {
    finding.changes.push_back(Sysctl(kNrOpen, absl::StrCat(needed)));
  }
  finding.changes.push_back(
      {.kind = Change::Kind::kUnit, .key = "LimitNOFILE", .value = absl::StrCat(needed)});
  return finding;
}

std::vector<Change> MorePorts(int64_t first, int64_t agents) {
  const int64_t wanted_first = kLastPort + 1 - agents;
  if (wanted_first < kFirstUsualPort) {
    return {{.kind = Change::Kind::kConfiguration,
             .key = "backend.address",
             .value = "\"unix:/run/controller.sock\""}};
  }
  const int64_t lower = std::min(first, wanted_first);
  std::vector<Change> changes = {Sysctl(kPortRange, absl::StrCat(lower, " ", kLastPort))};
  if (lower < kAboveOwnPorts) {
    changes.push_back(Sysctl("net.ipv4.ip_local_reserved_ports", "17070-17072"));
  }
  return changes;
}

Finding LocalPorts(const Facts& facts) {
  const HostFacts& host = facts.host;
  if (!host.local_port_first.has_value() || !host.local_port_last.has_value()) {
    return Unreadable("local_ports", kPortRange);
  }
  Finding finding{.check = "local_ports"};
  const int64_t ports = *host.local_port_last - *host.local_port_first + 1;
  finding.is = absl::StrCat(kPortRange, " = ", *host.local_port_first, " ", *host.local_port_last,
                            ": ", ports, " ports");
  finding.value = ports;
  finding.needed = facts.unix_backend ? 0 : facts.agents;
  if (facts.unix_backend) {
    finding.why = "The backend is a unix socket: connections to it take no port.";
    return finding;
  }
  finding.why =
      "Each agent's connection to a TCP backend takes a port here, and one that has ended may keep "
      "it for a minute; a backend at a unix socket takes none (--unix-backend).";
  if (ports >= facts.agents) return finding;
  finding.severity = Severity::kLosesAgents;
  finding.changes = MorePorts(*host.local_port_first, facts.agents);
  absl::StrAppend(&finding.why, " Of ", facts.agents, " agents ", facts.agents - ports,
                  " do not get through to the backend.");
  return finding;
}

Finding Conntrack(const Facts& facts) {
  Finding finding{.check = "nf_conntrack_max"};
  if (!facts.host.conntrack_max.has_value()) {
    finding.is = absl::StrCat(kConntrackMax, ": the module is not loaded");
    finding.why = "Connections are not tracked.";
    return finding;
  }
  const int64_t entries = facts.unix_backend ? facts.agents : 2 * facts.agents;
  const int64_t tracked = facts.host.conntrack_count.value_or(0);
  finding.is =
      absl::StrCat(kConntrackMax, " = ", *facts.host.conntrack_max, ", ", tracked, " tracked now");
  finding.value = facts.host.conntrack_max;
  finding.needed = entries;
  finding.why =
      absl::StrCat("Where a firewall rule tracks connections each takes an entry: ", facts.agents,
                   " agents and their backend connections take ", entries,
                   ", and a full table drops packets of all.");
  if (*facts.host.conntrack_max >= entries) return finding;
  // A table that is empty on a host that talks: no rule asks for tracking in this namespace.
  finding.severity = tracked > 0 ? Severity::kLosesAgents : Severity::kNote;
  finding.changes = {Sysctl(kConntrackMax, absl::StrCat(entries + tracked))};
  return finding;
}

int64_t Served(const Facts& facts) {
  return facts.daemon.has_value() ? facts.daemon->active : 0;
}

// What connections may still take: of the host's memory, or of what a control group leaves of it.
std::optional<int64_t> MemoryLeft(const HostFacts& host) {
  const std::optional<int64_t>& left = host.memory_available_bytes;
  if (!host.memory_limit.has_value()) return left;
  const int64_t of_group = host.memory_limit->available_bytes;
  return std::min(left.value_or(of_group), of_group);
}

// How many connections there is memory for, those that are served now among them.
std::optional<int64_t> ConnectionsBorne(const Facts& facts) {
  const std::optional<int64_t> left = MemoryLeft(facts.host);
  if (!left.has_value()) return std::nullopt;
  return std::max<int64_t>(Served(facts) + *left / kBytesPerConnection, 1);
}

Change ConnectionsLimit(int64_t connections) {
  return {.kind = Change::Kind::kConfiguration,
          .key = kConnections,
          .value = absl::StrCat(connections)};
}

Finding Connections(const Facts& facts) {
  Finding finding{.check = "connections"};
  if (!facts.daemon.has_value()) {
    finding.is = absl::StrCat(kConnections, ": not known without --admin; 0 if it is not set");
    finding.why = kNoLimit;
    return finding;
  }
  if (!facts.daemon->connections_limit.has_value()) {
    return Unreadable("connections", kConnections);
  }
  const int64_t limit = *facts.daemon->connections_limit;
  finding.is = absl::StrCat(kConnections, " = ", limit);
  finding.value = limit;
  if (limit == 0) {
    finding.why = kNoLimit;
    return finding;
  }
  finding.needed = facts.agents;
  finding.why = "floodgated serves so many agents' connections at a time";
  if (limit >= facts.agents) {
    absl::StrAppend(&finding.why, "; ", facts.agents, " agents at once fit.");
    return finding;
  }
  finding.severity = Severity::kLosesAgents;
  absl::StrAppend(&finding.why, ": of ", facts.agents, " agents ", facts.agents - limit,
                  " are not served until others leave. They are reset, at once or after "
                  "limits.delay (limits.over_limit), and come again in vain.");
  // No more than memory bears: then more of it is needed first.
  const int64_t borne = ConnectionsBorne(facts).value_or(facts.agents);
  const int64_t wanted = std::min(facts.agents, borne);
  if (wanted > limit) {
    finding.changes = {ConnectionsLimit(wanted)};
    absl::StrAppend(&finding.why, " Reload floodgated afterwards.");
  }
  if (wanted < facts.agents) {
    absl::StrAppend(&finding.why, " There is memory for ", borne, " connections: see memory.");
  }
  return finding;
}

// What to do where memory is short by so many bytes.
void MemoryRemedy(const Facts& facts, const MemoryLimit* group, int64_t missing, Finding& finding) {
  if (group == nullptr) {
    absl::StrAppend(&finding.why, " More memory is the remedy;");
  } else {
    absl::StrAppend(&finding.why, " The remedy is to raise that limit to ",
                    (group->limit_bytes + missing) / kMebibyte + 1,
                    " MiB or more (systemd: MemoryMax= and MemoryHigh= of the unit or slice; a "
                    "container: its memory limit);");
  }
  const int64_t borne = ConnectionsBorne(facts).value_or(1);
  const int64_t limit = facts.daemon.has_value() ? facts.daemon->connections_limit.value_or(0) : 0;
  if (limit > 0 && limit <= borne) {
    absl::StrAppend(&finding.why, " ", kConnections, " = ", limit,
                    " keeps floodgated within what there is.");
    return;
  }
  finding.changes = {ConnectionsLimit(borne)};
  absl::StrAppend(&finding.why, " ", kConnections,
                  " keeps floodgated from being killed, or slowed down, until then.");
}

Finding Memory(const Facts& facts) {
  const std::optional<int64_t> available = MemoryLeft(facts.host);
  if (!available.has_value()) return Unreadable("memory", "MemAvailable");
  const std::optional<MemoryLimit>& limit = facts.host.memory_limit;
  const bool of_group = limit.has_value() && *available != facts.host.memory_available_bytes;
  const MemoryLimit* group = of_group ? &*limit : nullptr;
  Finding finding{.check = "memory"};
  const int64_t newcomers = std::max<int64_t>(facts.agents - Served(facts), 0);
  const int64_t needed = newcomers * kBytesPerConnection;
  finding.is = absl::StrCat("memory available: ", *available / kMebibyte, " MiB");
  if (group != nullptr) {
    absl::StrAppend(&finding.is, ", which ", group->file, " = ", group->limit_bytes / kMebibyte,
                    " MiB leaves");
  }
  finding.value = *available;
  finding.needed = needed;
  finding.why =
      absl::StrCat(newcomers, " more connections with TLS take about ", needed / kMebibyte + 1,
                   " MiB: 9.4 KiB each in the kernel and 14.3 KiB in floodgated.");
  if (facts.daemon.has_value() && !facts.daemon->pid.has_value()) {
    absl::StrAppend(&finding.why,
                    " The host's memory alone was looked at: of a floodgated that is asked over "
                    "TCP the control group is not known.");
  }
  if (*available >= needed) return finding;
  finding.severity = Severity::kLosesAgents;
  MemoryRemedy(facts, group, needed - *available, finding);
  return finding;
}

Finding Counter(std::string check, const char* name, std::optional<int64_t> count,
                const char* meaning) {
  if (!count.has_value()) return Unreadable(std::move(check), absl::StrCat("TcpExt ", name));
  Finding finding{.check = std::move(check)};
  finding.is = absl::StrCat("TcpExt ", name, " = ", *count);
  finding.value = count;
  finding.why = absl::StrCat(meaning, ", since this network namespace was made, by any program");
  if (*count == 0) {
    finding.why.append(": never.");
    return finding;
  }
  finding.severity = Severity::kNote;
  finding.why.append(". It cannot be set back: see whether it grows in a storm.");
  return finding;
}

void Counters(const HostFacts& host, std::vector<Finding>& findings) {
  findings.push_back(Counter("listen_overflows", "ListenOverflows", host.listen_overflows,
                             "Connections dropped because a listener's queue was full"));
  findings.push_back(Counter("listen_drops", "ListenDrops", host.listen_drops,
                             "Connections dropped at a listener for any reason"));
  findings.push_back(Counter("syn_queue_cookies", "TCPReqQFullDoCookies", host.syn_queue_cookies,
                             "Cookies sent because a SYN queue was full"));
  findings.push_back(Counter("syn_queue_drops", "TCPReqQFullDrop", host.syn_queue_drops,
                             "SYNs dropped because a SYN queue was full"));
}

void Namespace(const Facts& facts, std::vector<Finding>& findings) {
  if (!facts.daemon.has_value() || !facts.daemon->other_network_namespace) return;
  Finding finding{.check = "network_namespace", .severity = Severity::kNote};
  finding.is = absl::StrCat("floodgated, process ", facts.daemon->pid.value_or(0),
                            ", is in another network namespace than this audit");
  finding.why = absl::StrCat(
      "The net.* settings and the counters below are not those that it meets. Run this there: "
      "nsenter --net=/proc/",
      facts.daemon->pid.value_or(0), "/ns/net floodgate-tune audit ...");
  findings.push_back(std::move(finding));
}

}  // namespace

std::string Change::Line() const {
  switch (kind) {
    case Kind::kSysctl:
      return absl::StrContains(value, ' ') ? absl::StrCat("sysctl -w ", key, "=\"", value, "\"")
                                           : absl::StrCat("sysctl -w ", key, "=", value);
    case Kind::kConfiguration: {
      const std::pair<std::string, std::string> parts =
          absl::StrSplit(key, absl::MaxSplits('.', 1));
      return absl::StrCat("[", parts.first, "] ", parts.second, " = ", value);
    }
    case Kind::kUnit:
      break;
  }
  return absl::StrCat(key, "=", value);
}

Finding Unreadable(std::string check, const std::string& key) {
  return {.check = std::move(check),
          .severity = Severity::kNote,
          .is = absl::StrCat(key, ": cannot be read"),
          .why = "Nothing is known about it here."};
}

std::vector<Finding> Audit(const Facts& facts) {
  std::vector<Finding> findings;
  Namespace(facts, findings);
  AuditQueues(facts, findings);
  findings.push_back(Descriptors(facts));
  findings.push_back(Connections(facts));
  findings.push_back(LocalPorts(facts));
  findings.push_back(Conntrack(facts));
  findings.push_back(Memory(facts));
  Counters(facts.host, findings);
  return findings;
}

bool LosesAgents(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.severity == Severity::kLosesAgents;
  });
}

int64_t DescriptorsNeeded(int64_t agents) {
  // The reserve is an eighth, 32 to 1024: the answer is at most 1024 above the first guess.
  int64_t limit = 2 * agents + 32;
  const auto serves = [](int64_t of) { return (of - std::clamp<int64_t>(of / 8, 32, 1024)) / 2; };
  while (serves(limit) < agents) ++limit;
  return limit;
}

}  // namespace floodgate::tune
