#include "tools/tune/recommend_settings.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/options.h"
#include "tools/tune/facts.h"
#include "tools/tune/words.h"

namespace floodgate::tune {
namespace {

// As Linux has them on a host of some size, and systemd's hard limit of descriptors.
constexpr int64_t kUsualSomaxconn = 4096;
constexpr int64_t kUsualConntrack = 262'144;
constexpr int64_t kUsualNrOpen = 1'048'576;
constexpr int64_t kFirstUsualPort = 32'768;
constexpr int64_t kLastUsualPort = 60'999;

Reasoned Configure(std::string key, std::string value, std::string why) {
  return {.change = {.kind = Change::Kind::kConfiguration,
                     .key = std::move(key),
                     .value = std::move(value)},
          .why = std::move(why)};
}

Reasoned Sysctl(std::string key, std::string value, std::string why) {
  return {
      .change = {.kind = Change::Kind::kSysctl, .key = std::move(key), .value = std::move(value)},
      .why = std::move(why)};
}

std::string Outcome(const Prediction& prediction) {
  const sim::ColdStartResult& result = prediction.result;
  if (!result.all.has_value()) {
    return Counted(result.agents - result.served, "is never in", "are never in");
  }
  return absl::StrCat("all are in after ", TimeText(*result.all));
}

// The one that is next smaller and was tried.
const Judged* Smaller(const Recommendation& recommendation) {
  const Judged* smaller = nullptr;
  for (const Judged& judged : recommendation.tried) {
    if (judged.setting.backlog < recommendation.best.setting.backlog) smaller = &judged;
  }
  return smaller;
}

std::string WhyBacklog(const Wanted& wanted, const Recommendation& recommendation) {
  const Judged& best = recommendation.best;
  std::string why = absl::StrFormat(
      "With it %s if the fleet comes when the gate opens, and %s if it has waited for %s then.",
      Outcome(best.together), Outcome(best.parked), TimeText(wanted.parked));
  if (const Judged* smaller = Smaller(recommendation); smaller != nullptr) {
    const sim::ColdStartResult& parked = smaller->parked.result;
    absl::StrAppendFormat(&why,
                          " With %d: %s and %s; the queue was full %s and %s, and who finds "
                          "it full comes again after 1, 2, 3 and more seconds.",
                          smaller->setting.backlog, Outcome(smaller->together),
                          Outcome(smaller->parked),
                          Counted(smaller->together.result.queue_overflows, "time"),
                          Counted(parked.queue_overflows, "time"));
  }
  absl::StrAppend(&why, " The queue has room for one more than this.");
  return why;
}

void AddConfiguration(const Wanted& wanted, const Recommendation& recommendation,
                      std::vector<Reasoned>& settings) {
  settings.push_back(Configure("agent.backlog", absl::StrCat(recommendation.best.setting.backlog),
                               WhyBacklog(wanted, recommendation)));
  settings.push_back(Configure(
      "drain.rate", "0",
      absl::StrCat(
          "No rate is needed: an agent is taken from the queue when its handshake can "
          "begin, which the cores bear about ",
          Counted(recommendation.admissions_per_second, "time"),
          " a second. Set one to spare what is behind floodgated; below ",
          wanted.fleet.agents * 1'000 / std::max<int64_t>(wanted.recovery.ns / 1'000'000, 1) + 1,
          " the recovery time is not met.")));
  settings.push_back(Configure("limits.handshakes", "0",
                               "64 a worker. More at a time finish none sooner, since the CPU is "
                               "the bound; and who is not begun can still be dropped for nothing "
                               "when it leaves."));
}

void AddQueueSysctls(const Wanted& wanted, const Judged& best, std::vector<Reasoned>& settings) {
  settings.push_back(Sysctl(
      "net.core.somaxconn", absl::StrCat(std::max<int64_t>(best.setting.backlog, kUsualSomaxconn)),
      "It cuts agent.backlog. Reload floodgated afterwards: a listener keeps its old limit."));
  // The last quarter is for peers that the kernel knows.
  const int64_t half_open = (wanted.fleet.agents * 4 + 2) / 3;
  settings.push_back(Sysctl(
      "net.ipv4.tcp_max_syn_backlog", absl::StrCat(std::max(half_open, kUsualSomaxconn)),
      absl::StrCat("Where tcp_syncookies is 0 it bounds the half-open connections: as many as ",
                   Counted(wanted.fleet.agents, "agent"), " when they come together.")));
  settings.push_back(Sysctl("net.ipv4.tcp_abort_on_overflow", "0",
                            "Who finds the queue full tries again instead of being reset."));
}

// What the audit would ask of a host as it comes.
void AddFromAudit(const Wanted& wanted, std::vector<Reasoned>& settings) {
  Facts facts;
  facts.agents = wanted.fleet.agents;
  facts.unix_backend = wanted.unix_backend;
  facts.host.local_port_first = kFirstUsualPort;
  facts.host.local_port_last = kLastUsualPort;
  facts.host.conntrack_max = kUsualConntrack;
  facts.host.conntrack_count = 0;
  facts.host.nr_open = kUsualNrOpen;
  facts.host.descriptors_max = 0;  // so that the unit's limit is named in any case
  for (const Finding& finding : Audit(facts)) {
    if (finding.check != "descriptors" && finding.check != "local_ports" &&
        finding.check != "nf_conntrack_max") {
      continue;
    }
    for (const Change& change : finding.changes) {
      // "Of N agents M do not get through": that is told of a host that is there.
      settings.push_back({.change = change, .why = finding.why});
    }
  }
}

}  // namespace

std::vector<Reasoned> SettingsFor(const Wanted& wanted, const Recommendation& recommendation) {
  std::vector<Reasoned> settings;
  AddConfiguration(wanted, recommendation, settings);
  AddQueueSysctls(wanted, recommendation.best, settings);
  AddFromAudit(wanted, settings);
  // The configuration, the kernel, the unit.
  std::stable_sort(settings.begin(), settings.end(), [](const Reasoned& one, const Reasoned& two) {
    const auto rank = [](const Reasoned& reasoned) {
      if (reasoned.change.kind == Change::Kind::kConfiguration) return 0;
      return reasoned.change.kind == Change::Kind::kSysctl ? 1 : 2;
    };
    return rank(one) < rank(two);
  });
  return settings;
}

}  // namespace floodgate::tune
