#include "tools/tune/queue_rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace floodgate::tune {
namespace {

constexpr int64_t kDefaultBacklog = 4096;   // agent.backlog
constexpr int64_t kSynAckRetriesLeast = 3;  // 15 s with the first
constexpr int64_t kSynAckRetriesUsual = 5;  // 63 s
constexpr char kSomaxconn[] = "net.core.somaxconn";
constexpr char kSynBacklog[] = "net.ipv4.tcp_max_syn_backlog";
constexpr char kSyncookies[] = "net.ipv4.tcp_syncookies";
constexpr char kAbort[] = "net.ipv4.tcp_abort_on_overflow";
constexpr char kSynAckRetries[] = "net.ipv4.tcp_synack_retries";
constexpr char kMigrate[] = "net.ipv4.tcp_migrate_req";

Finding About(std::string check, const char* key, int64_t value) {
  return {.check = std::move(check),
          .severity = Severity::kOk,
          .is = absl::StrCat(key, " = ", value),
          .value = value};
}

Change Sysctl(const char* key, int64_t value) {
  return {.kind = Change::Kind::kSysctl, .key = key, .value = absl::StrCat(value)};
}

Change Backlog(int64_t agents) {
  return {
      .kind = Change::Kind::kConfiguration, .key = "agent.backlog", .value = absl::StrCat(agents)};
}

// A queue of that limit takes one more than it: the kernel looks before it puts in.
bool Holds(int64_t limit, int64_t agents) {
  return limit + 1 >= agents;
}

std::string WhatAQueueDoes(int64_t limit, int64_t agents) {
  const std::string holds =
      absl::StrCat("A queue of this limit holds ", limit + 1, " connections (one above it)");
  if (Holds(limit, agents)) return absl::StrCat(holds, "; ", agents, " agents at once fit.");
  return absl::StrCat(holds, "; of ", agents, " agents at once ", agents - limit - 1,
                      " are dropped: they try again later and later, and those whom SYN cookies "
                      "answered believe that they are connected.");
}

// The smallest limit that agents meet: of the listeners that listen now, or what somaxconn allows.
int64_t QueueLimit(const Facts& facts) {
  std::optional<int64_t> least;
  if (facts.daemon.has_value()) {
    for (const ListenerFacts& listener : facts.daemon->agents) {
      if (!listener.closed) least = std::min(least.value_or(listener.limit), listener.limit);
    }
  }
  return least.value_or(facts.host.somaxconn.value_or(kDefaultBacklog));
}

Finding Somaxconn(const Facts& facts) {
  if (!facts.host.somaxconn.has_value()) return Unreadable("somaxconn", kSomaxconn);
  Finding finding = About("somaxconn", kSomaxconn, *facts.host.somaxconn);
  finding.needed = facts.agents - 1;
  finding.why =
      absl::StrCat("It cuts agent.backlog. ", WhatAQueueDoes(*facts.host.somaxconn, facts.agents));
  if (Holds(*facts.host.somaxconn, facts.agents)) return finding;
  finding.severity = Severity::kLosesAgents;
  finding.changes = {Sysctl(kSomaxconn, facts.agents)};
  absl::StrAppend(&finding.why, " A listener keeps its old limit: reload floodgated afterwards.");
  return finding;
}

// While many wait, floodgated keeps the kernel's queue short on purpose (docs/overload.md).
bool MayBeShortened(const DaemonFacts& daemon) {
  return (daemon.gate == "open" || daemon.gate == "draining") && daemon.waiting > 0;
}

Finding OfListener(const Facts& facts, const ListenerFacts& listener) {
  Finding finding{.check = "listener"};
  finding.is = absl::StrCat("agent listener ", listener.address, ": limit ", listener.limit, ", ",
                            listener.depth, " waiting");
  finding.value = listener.limit;
  finding.needed = facts.agents - 1;
  if (listener.closed) {
    finding.severity = Severity::kNote;
    finding.is = absl::StrCat("agent listener ", listener.address, ": does not listen now");
    finding.why =
        "Agents are refused until it does (agent.hold = \"refuse\", or it stops); its limit is "
        "known only then.";
    return finding;
  }
  finding.why = WhatAQueueDoes(listener.limit, facts.agents);
  const bool full = listener.depth > listener.limit;
  if (full) absl::StrAppend(&finding.why, " It is full: newcomers are being dropped now.");
  if (Holds(listener.limit, facts.agents)) {
    if (full) finding.severity = Severity::kLosesAgents;
    return finding;
  }
  if (MayBeShortened(*facts.daemon)) {
    finding.severity = Severity::kNote;
    absl::StrAppend(&finding.why,
                    " Agents wait, and floodgated may keep the queue short for now: look again "
                    "when nobody waits.");
    return finding;
  }
  finding.severity = Severity::kLosesAgents;
  finding.changes = {Backlog(facts.agents)};
  absl::StrAppend(&finding.why, " Reload floodgated afterwards.");
  return finding;
}

void Listeners(const Facts& facts, std::vector<Finding>& findings) {
  if (facts.daemon.has_value()) {
    for (const ListenerFacts& listener : facts.daemon->agents) {
      findings.push_back(OfListener(facts, listener));
    }
    return;
  }
  Finding finding{.check = "listener"};
  finding.is = absl::StrCat("agent.backlog: not known without --admin; ", kDefaultBacklog,
                            " if it is not set");
  finding.why = WhatAQueueDoes(kDefaultBacklog, facts.agents);
  finding.needed = facts.agents - 1;
  if (!Holds(kDefaultBacklog, facts.agents)) {
    finding.severity = Severity::kNote;
    finding.changes = {Backlog(facts.agents)};
  }
  findings.push_back(std::move(finding));
}

// Without cookies the last quarter is kept for peers that the kernel knows.
Finding SynBacklog(const Facts& facts) {
  const std::optional<int64_t>& value = facts.host.tcp_max_syn_backlog;
  if (!value.has_value()) return Unreadable("tcp_max_syn_backlog", kSynBacklog);
  Finding finding = About("tcp_max_syn_backlog", kSynBacklog, *value);
  if (facts.host.tcp_syncookies.value_or(1) != 0) {
    finding.why =
        "Not used while tcp_syncookies is on: the listener's own limit bounds its SYN queue.";
    return finding;
  }
  const int64_t usable = *value - *value / 4;
  finding.needed = (facts.agents * 4 + 2) / 3;
  finding.why = absl::StrCat("With tcp_syncookies = 0 only ", usable,
                             " half-open connections of strangers are kept at a time");
  if (usable >= facts.agents) {
    absl::StrAppend(&finding.why, "; ", facts.agents, " agents at once fit.");
    return finding;
  }
  finding.severity = Severity::kNote;
  finding.changes = {Sysctl(kSynBacklog, *finding.needed)};
  absl::StrAppend(&finding.why, "; of ", facts.agents, " agents in the same instant ",
                  facts.agents - usable, " have to send their SYN again, a second later.");
  return finding;
}

Finding Syncookies(const Facts& facts) {
  const std::optional<int64_t>& value = facts.host.tcp_syncookies;
  if (!value.has_value()) return Unreadable("tcp_syncookies", kSyncookies);
  Finding finding = About("tcp_syncookies", kSyncookies, *value);
  const int64_t limit = QueueLimit(facts);
  if (*value == 0) {
    finding.why = "Agents beyond the queue stay unconnected and try again: late, but not deceived.";
  } else if (*value == 1 && limit >= facts.agents) {
    finding.why =
        absl::StrCat("Cookies begin when ", limit, " connections of a listener are half open; ",
                     facts.agents, " agents at once are not more.");
  } else if (*value == 1) {
    finding.severity = Severity::kNote;
    finding.why = absl::StrCat(
        "Cookies begin when ", limit, " connections of a listener are half open, and of ",
        facts.agents,
        " agents at once those beyond may believe that they are connected while nobody knows "
        "them, until their own time-out. A longer queue is the remedy: see somaxconn and "
        "listener.");
  } else {
    finding.severity = Severity::kNote;
    finding.needed = 1;
    finding.changes = {Sysctl(kSyncookies, 1)};
    finding.why =
        "Every connection is made by a cookie: an agent whose last ACK is lost believes that it is "
        "connected, and nobody knows it. 1 keeps cookies for a full queue.";
  }
  return finding;
}

Finding AbortOnOverflow(const Facts& facts) {
  const std::optional<int64_t>& value = facts.host.tcp_abort_on_overflow;
  if (!value.has_value()) return Unreadable("tcp_abort_on_overflow", kAbort);
  Finding finding = About("tcp_abort_on_overflow", kAbort, *value);
  finding.needed = 0;
  if (*value == 0) {
    finding.why = "A connection that finds the queue full is not reset: it may get in later.";
    return finding;
  }
  const bool overflows = !Holds(QueueLimit(facts), facts.agents);
  finding.severity = overflows ? Severity::kLosesAgents : Severity::kNote;
  finding.changes = {Sysctl(kAbort, 0)};
  finding.why = absl::StrCat(
      "An agent whose handshake ends while the queue is full is reset instead of waiting; at ",
      facts.agents, " agents at once that ", overflows ? "happens." : "should not happen.");
  return finding;
}

Finding SynAckRetries(const Facts& facts) {
  const std::optional<int64_t>& value = facts.host.tcp_synack_retries;
  if (!value.has_value()) return Unreadable("tcp_synack_retries", kSynAckRetries);
  Finding finding = About("tcp_synack_retries", kSynAckRetries, *value);
  finding.needed = kSynAckRetriesLeast;
  // 1, 2, 4 ... s; beyond 120 s a step it no longer doubles, and nobody sets that many.
  const int64_t kept_s = (int64_t{2} << std::clamp<int64_t>(*value, 0, 20)) - 1;
  finding.why = absl::StrCat("A half-open connection is kept for about ", kept_s,
                             " s, which is how long an agent that believes itself connected can "
                             "still get into a queue that was full.");
  if (*value < kSynAckRetriesLeast) {
    finding.severity = Severity::kNote;
    finding.changes = {Sysctl(kSynAckRetries, kSynAckRetriesUsual)};
  }
  return finding;
}

Finding MigrateRequests(const Facts& facts) {
  Finding finding{.check = "tcp_migrate_req"};
  const std::optional<int64_t>& value = facts.host.tcp_migrate_req;
  if (value.has_value()) finding = About("tcp_migrate_req", kMigrate, *value);
  if (!value.has_value()) finding.is = absl::StrCat(kMigrate, ": not in this kernel");
  finding.why =
      "Whether a closed listener's queue moves to another on its port. floodgated has one listener "
      "an address, so neither value loses anybody; a restart ends those parked in either case.";
  return finding;
}

}  // namespace

void AuditQueues(const Facts& facts, std::vector<Finding>& findings) {
  findings.push_back(Somaxconn(facts));
  Listeners(facts, findings);
  findings.push_back(SynBacklog(facts));
  findings.push_back(Syncookies(facts));
  findings.push_back(AbortOnOverflow(facts));
  findings.push_back(SynAckRetries(facts));
  findings.push_back(MigrateRequests(facts));
}

}  // namespace floodgate::tune
