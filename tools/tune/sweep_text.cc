// The table and the JSON of sweep.h.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/version.h"
#include "floodgate/backoff_text.h"
#include "tools/sim/choices.h"
#include "tools/tune/key_names.h"
#include "tools/tune/result_json.h"
#include "tools/tune/sweep.h"
#include "tools/tune/time_text.h"

namespace floodgate::tune {
namespace {

using Json = nlohmann::ordered_json;

// From this share of a core on, the storm itself may be what takes the time.
constexpr double kBusyShare = 0.8;

std::string MillisecondsOrNever(const std::optional<Duration>& time) {
  return time.has_value() ? absl::StrFormat("%.1f ms", time->seconds() * 1e3) : "never";
}

Json Row(const SettingOutcome& outcome) {
  Json row = ToJson(outcome.setting);
  row.update(
      {{"runs", outcome.runs},
       {"served", outcome.served},
       {"time_to_50_percent_s", TimeOrNull(outcome.half.median, Duration::Seconds(1))},
       {"time_to_99_percent_s", TimeOrNull(outcome.most.median, Duration::Seconds(1))},
       {"time_to_all_s", TimeOrNull(outcome.all.median, Duration::Seconds(1))},
       {"accept_overflows", outcome.accept_overflows},
       {"syn_retransmits", outcome.syn_retransmits},
       {"stale", outcome.stale},
       {"wasted_handshakes", outcome.wasted_handshakes},
       {"queue_depth_max", outcome.queue_depth_max},
       {"controller_p99_ms", TimeOrNull(outcome.controller_p99.median, Duration::Milliseconds(1))},
       {"storm_cpu_share", outcome.storm_cpu_share}});
  return row;
}

}  // namespace

std::string SweepTable(const Plan& plan, const std::vector<SettingOutcome>& settings) {
  std::string text = absl::StrFormat(
      "%d agents at once when the gate opens, patience %s, retry %s; floodgated on %d core%s with "
      "an %s key\n%8s %8s %10s %4s %7s %9s %9s %9s %9s %7s %7s %11s %6s\n",
      plan.fleet.agents, sim::PatienceText(plan.fleet.patience), RetryPolicyName(plan.fleet.retry),
      plan.cores, plan.cores == 1 ? "" : "s", KeyName(plan.key), "backlog", "drain/s", "handshakes",
      "runs", "served", "99 %", "all", "overflows", "SYN again", "stale", "wasted", "control p99",
      "storm");
  for (const SettingOutcome& row : settings) {
    absl::StrAppendFormat(
        &text, "%8d %8d %10d %4d %7.0f %9s %9s %9.0f %9.0f %7.0f %7.0f %11s %5.0f%%\n",
        row.setting.backlog, row.setting.drain_rate, row.setting.handshakes, row.runs, row.served,
        SecondsOrNever(row.most.median), SecondsOrNever(row.all.median), row.accept_overflows,
        row.syn_retransmits, row.stale, row.wasted_handshakes,
        MillisecondsOrNever(row.controller_p99.median), row.storm_cpu_share * 100);
  }
  const bool busy = std::any_of(settings.begin(), settings.end(), [](const SettingOutcome& row) {
    return row.storm_cpu_share >= kBusyShare;
  });
  if (busy) {
    absl::StrAppendFormat(
        &text,
        "Where the storm took %.0f %% of its core or more, the figures are about the storm as much "
        "as about floodgated; --key rsa-4096 costs floodgated more and the storm nothing.\n",
        kBusyShare * 100);
  }
  return text;
}

std::string SweepJson(const Plan& plan, const std::vector<SettingOutcome>& settings,
                      size_t missing) {
  Json rows = Json::array();
  for (const SettingOutcome& row : settings) rows.push_back(Row(row));
  Json whole = {{"version", Version()}};
  whole.update(ToJson(plan.fleet));
  whole.update({{"cores", plan.cores},
                {"key", KeyName(plan.key)},
                {"limit_s", plan.limit.seconds()},
                {"runs", plan.runs},
                {"trials_missing", missing},
                {"settings", std::move(rows)}});
  return whole.dump(2) + "\n";
}

}  // namespace floodgate::tune
