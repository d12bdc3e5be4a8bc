#include "tools/tune/validate.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/version.h"
#include "floodgate/backoff_text.h"
#include "tools/sim/choices.h"
#include "tools/storm/command_line.h"
#include "tools/tune/result_json.h"
#include "tools/tune/trial_commands.h"
#include "tools/tune/words.h"

namespace floodgate::tune {
namespace {

using Json = nlohmann::ordered_json;

// Of a core, over the whole storm: it begins and ends with less to do.
constexpr double kLimitShare = 0.8;
// Of the controller port's probe (tools/tune/trial_commands.cc).
constexpr Duration kProbeGap = Duration::Milliseconds(50);
constexpr char kLinearTimeouts[] = "/sys/net/ipv4/tcp_syn_linear_timeouts";
constexpr char kSomaxconn[] = "/sys/net/core/somaxconn";

std::string Row(const char* name, const TrialResult& result) {
  return absl::StrFormat(
      "  %-10s %7d/%7d %10s %10s %10s %9d %8d %9d %9d %9d\n", name, result.served, result.agents,
      TimeOrNever(result.half), TimeOrNever(result.most), TimeOrNever(result.all), result.gave_up,
      result.stale, result.accept_overflows, result.syn_retransmits, result.queue_depth_max);
}

std::optional<int64_t> ReadNumber(const std::string& path) {
  std::ifstream file(path);
  int64_t number = 0;
  if (file >> number && number >= 0 && number <= UINT32_MAX) return number;
  return std::nullopt;
}

}  // namespace

int CoresHere() {
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return CPU_COUNT(&cores);
}

uint64_t DescriptorsHere() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return limit.rlim_max;
}

Bearable WhatIsBorne(const Fleet& fleet, int cores, int own_cores, uint64_t descriptors) {
  Bearable borne{.agents = fleet.agents};
  if (cores >= own_cores) {
    borne.impossible =
        absl::StrCat("nothing is compared: floodgated is to have ", Counted(cores, "core"),
                     " and the storm needs one of its own, but this process may use ", own_cores);
    return borne;
  }
  if (borne.agents > storm::kAgentsMax) {
    borne.agents = storm::kAgentsMax;
    borne.fewer = absl::StrCat("one storm is of ", storm::kAgentsMax, " agents at the most");
  }
  const int64_t room = AgentsOfTrial(descriptors);
  if (room < borne.agents) {
    borne.agents = room;
    borne.fewer = absl::StrCat("the hard limit of open files is ", descriptors);
  }
  if (borne.agents == 0) {
    borne.impossible = absl::StrCat("nothing is compared: ", borne.fewer, ", and a trial takes ",
                                    DescriptorsOfTrial(1), " at least");
  }
  return borne;
}

StormHost StormOfThisHost(const std::string& proc, const HandshakeCost& handshake) {
  StormHost storm{.costs = StormCosts(handshake), .probe_gap = kProbeGap};
  // Since Linux 6.5 the first so many SYNs are sent again a second apart; before, and with 0, the
  // time doubles from the first on.
  storm.exponential_syn_pct = ReadNumber(proc + kLinearTimeouts).value_or(0) > 0 ? 0 : 100;
  const std::optional<int64_t> somaxconn = ReadNumber(proc + kSomaxconn);
  if (somaxconn.has_value()) storm.somaxconn = static_cast<uint32_t>(*somaxconn);
  return storm;
}

bool StormWasLimit(const TrialResult& result) {
  return result.storm_cpu_share.value_or(0) >= kLimitShare;
}

std::optional<double> Ratio(const Comparison& comparison) {
  const std::optional<Duration>& measured = comparison.measured.most;
  const std::optional<Duration>& predicted = comparison.predicted.most;
  if (!measured.has_value() || !predicted.has_value() || measured->ns <= 0) return std::nullopt;
  if (StormWasLimit(comparison.measured)) return std::nullopt;
  return predicted->seconds() / measured->seconds();
}

std::string ValidationHeading(const Question& question, const std::string& fewer) {
  std::string text = absl::StrFormat(
      "%s at once, patience %s, retry %s; 1 storm on a core of its own, %s for floodgated, %.0f us "
      "a handshake and %.0f us for all else\n",
      Counted(question.fleet.agents, "agent"), sim::PatienceText(question.fleet.patience),
      RetryPolicyName(question.fleet.retry), Counted(question.cores, "core"),
      static_cast<double>(question.cost.handshake.whole().ns) / 1e3,
      static_cast<double>(question.cost.rest.ns) / 1e3);
  if (!fewer.empty()) absl::StrAppend(&text, "Fewer agents than asked for: ", fewer, ".\n");
  return text;
}

std::string ComparisonText(const Comparison& comparison) {
  const Setting& setting = comparison.setting;
  std::string text = absl::StrFormat(
      "\nbacklog %d, drain rate %d, handshakes %d\n"
      "  %-10s %15s %10s %10s %10s %9s %8s %9s %9s %9s\n",
      setting.backlog, setting.drain_rate, setting.handshakes, "", "served", "50 %", "99 %", "all",
      "gave up", "stale", "overflows", "SYN again", "queue max");
  absl::StrAppend(&text, Row("predicted", comparison.predicted),
                  Row("measured", comparison.measured));
  if (StormWasLimit(comparison.measured)) {
    absl::StrAppendFormat(&text,
                          "  no comparison: the storm was the limit, it used %.0f %% of its core\n",
                          comparison.measured.storm_cpu_share.value_or(0) * 100);
  } else if (const std::optional<double> ratio = Ratio(comparison); ratio.has_value()) {
    absl::StrAppendFormat(&text, "  time to 99 %%: predicted is %.2f of measured\n", *ratio);
  } else {
    absl::StrAppend(&text, "  no ratio: 99 % were never served\n");
  }
  return text;
}

std::string ComparisonsJson(const Question& question, const std::string& fewer,
                            const std::vector<Comparison>& comparisons) {
  Json rows = Json::array();
  for (const Comparison& comparison : comparisons) {
    Json row = ToJson(comparison.setting);
    const std::optional<double> ratio = Ratio(comparison);
    row.update({{"ratio_99_percent", ratio.has_value() ? Json(*ratio) : Json()},
                {"storm_was_limit", StormWasLimit(comparison.measured)},
                {"measured", ToJson(comparison.measured)},
                {"predicted", ToJson(comparison.predicted)}});
    rows.push_back(std::move(row));
  }
  Json whole = {{"version", Version()}};
  whole.update(ToJson(question.fleet));
  whole.update(
      {{"fewer", fewer.empty() ? Json() : Json(fewer)},
       {"cores", question.cores},
       {"handshake_cost_us", static_cast<double>(question.cost.handshake.whole().ns) / 1e3},
       {"other_cost_us", static_cast<double>(question.cost.rest.ns) / 1e3},
       {"comparisons", rows}});
  return whole.dump(2) + "\n";
}

}  // namespace floodgate::tune
