// The table and the JSON of sweep.h.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/version.h"
#include "floodgate/backoff_text.h"
#include "tools/sim/choices.h"
#include "tools/tune/key_names.h"
#include "tools/tune/result_json.h"
#include "tools/tune/sweep.h"
#include "tools/tune/words.h"

namespace floodgate::tune {
namespace {

using Json = nlohmann::ordered_json;

// From this share of a core on, the storm itself may be what takes the time.
constexpr double kBusyShare = 0.8;

// A median of counts, which may lie between two of them.
std::string MedianText(double median) {
  return absl::StrFormat("%.*f", median == std::floor(median) ? 0 : 1, median);
}

std::string ShareText(const std::optional<double>& share) {
  return share.has_value() ? absl::StrFormat("%.0f%%", *share * 100) : "-";
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
       {"storm_cpu_share",
        outcome.storm_cpu_share.has_value() ? Json(*outcome.storm_cpu_share) : Json()}});
  return row;
}

}  // namespace

std::string SweepTable(const Plan& plan, const std::vector<SettingOutcome>& settings) {
  std::string text = absl::StrFormat(
      "%s at once when the gate opens, patience %s, retry %s; floodgated on %s with an %s key\n"
      "%8s %8s %10s %4s %7s %9s %9s %9s %9s %7s %7s %11s %6s\n",
      Counted(plan.fleet.agents, "agent"), sim::PatienceText(plan.fleet.patience),
      RetryPolicyName(plan.fleet.retry), Counted(plan.cores, "core"), KeyName(plan.key), "backlog",
      "drain/s", "handshakes", "runs", "served", "99 %", "all", "overflows", "SYN again", "stale",
      "wasted", "control p99", "storm");
  for (const SettingOutcome& row : settings) {
    absl::StrAppendFormat(
        &text, "%8d %8d %10d %4d %7s %9s %9s %9s %9s %7s %7s %11s %6s\n", row.setting.backlog,
        row.setting.drain_rate, row.setting.handshakes, row.runs, MedianText(row.served),
        TimeOrNever(row.most.median), TimeOrNever(row.all.median), MedianText(row.accept_overflows),
        MedianText(row.syn_retransmits), MedianText(row.stale), MedianText(row.wasted_handshakes),
        TimeOrNever(row.controller_p99.median), ShareText(row.storm_cpu_share));
  }
  const bool busy = std::any_of(settings.begin(), settings.end(), [](const SettingOutcome& row) {
    return row.storm_cpu_share.value_or(0) >= kBusyShare;
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
