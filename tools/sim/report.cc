#include "tools/sim/report.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_format.h"
#include "floodgate/backoff_text.h"
#include "tools/sim/choices.h"

namespace floodgate::sim {
namespace {

using Json = nlohmann::ordered_json;

double Ms(Duration duration) {
  return static_cast<double>(duration.ns) / 1e6;
}

Json MsOrNull(const std::optional<Duration>& duration) {
  return duration.has_value() ? Json(Ms(*duration)) : Json();
}

std::string SecondsOrNever(const std::optional<Duration>& duration) {
  return duration.has_value() ? absl::StrFormat("%.1f s", duration->seconds()) : "never";
}

std::string Digest(uint64_t digest) {
  return absl::StrFormat("%016x", digest);
}

template <typename Result>
Json Setup(const Run<Result>& run) {
  return {{"patience", PatienceText(run.patience)},
          {"retry", std::string(RetryPolicyName(run.retry))}};
}

}  // namespace

// --- Overload

std::string OverloadHeading(const ServerCapacity& capacity) {
  return absl::StrFormat(
      "capacity %.1f a second; the times are in ms\n"
      "%6s %-11s %-11s %8s %8s %8s %8s %8s %8s %8s %8s %8s %9s %9s %6s\n",
      capacity.per_second(), "load", "patience", "retry", "goodput", "served", "attempts",
      "gave up", "stale", "resets", "wasted", "age p50", "age p99", "ctl p50", "ctl p99", "lost");
}

std::string OverloadRow(const OverloadResult& result) {
  return absl::StrFormat(
      "%5.2fx %-11s %-11s %7.1f%% %8d %8d %8d %8d %8d %8d %8.0f %8.0f %9.1f %9.1f %6d\n",
      result.load_pct / 100.0, PatienceText(result.patience), RetryPolicyName(result.retry),
      result.goodput() * 100, result.served, result.attempts, result.gave_up, result.stale,
      result.reset, result.wasted_hellos, Ms(result.age_p50), Ms(result.age_p99),
      Ms(result.controller_p50), Ms(result.controller_p99), result.controllers_unserved);
}

std::string OverloadJson(const ServerCapacity& capacity, const std::vector<OverloadResult>& runs) {
  Json rows = Json::array();
  for (const OverloadResult& run : runs) {
    rows.push_back({{"load", run.load_pct / 100.0},
                    {"patience", PatienceText(run.patience)},
                    {"retry", std::string(RetryPolicyName(run.retry))},
                    {"goodput", run.goodput()},
                    {"possible", run.possible},
                    {"arrived", run.arrived},
                    {"attempts", run.attempts},
                    {"served", run.served},
                    {"gave_up", run.gave_up},
                    {"reset", run.reset},
                    {"stale", run.stale},
                    {"wasted_handshakes", run.wasted_hellos},
                    {"age_p50_ms", Ms(run.age_p50)},
                    {"age_p90_ms", Ms(run.age_p90)},
                    {"age_p99_ms", Ms(run.age_p99)},
                    {"controller_p50_ms", Ms(run.controller_p50)},
                    {"controller_p99_ms", Ms(run.controller_p99)},
                    {"controller_max_ms", Ms(run.controller_max)},
                    {"controllers_unserved", run.controllers_unserved},
                    {"gatekeeper_cpu_ms", Ms(run.gatekeeper_used)},
                    {"workers_cpu_ms", Ms(run.workers_used)},
                    {"digest", Digest(run.digest)}});
  }
  const Json whole = {
      {"experiment", "overload"}, {"capacity_per_second", capacity.per_second()}, {"runs", rows}};
  return whole.dump(2) + "\n";
}

// --- Recovery

std::string RecoveryHeading() {
  return absl::StrFormat("%-11s %-11s %12s %12s\n", "patience", "retry", "idle p99", "recovered");
}

std::string RecoveryRow(const Run<RecoveryResult>& run) {
  return absl::StrFormat("%-11s %-11s %9.1f ms %12s\n", PatienceText(run.patience),
                         RetryPolicyName(run.retry), Ms(run.result.idle_p99),
                         SecondsOrNever(run.result.recovered_after));
}

std::string RecoveryJson(const std::vector<Run<RecoveryResult>>& runs) {
  Json rows = Json::array();
  for (const auto& run : runs) {
    Json row = Setup(run);
    row["idle_p99_ms"] = Ms(run.result.idle_p99);
    row["recovered_after_ms"] = MsOrNull(run.result.recovered_after);
    for (const RecoveryBucket& bucket : run.result.buckets) {
      row["buckets"].push_back({{"after_ms", Ms(bucket.after)},
                                {"arrived", bucket.arrived},
                                {"served", bucket.served},
                                {"p99_ms", Ms(bucket.p99)}});
    }
    row["digest"] = Digest(run.result.digest);
    rows.push_back(row);
  }
  return Json({{"experiment", "recovery"}, {"runs", rows}}).dump(2) + "\n";
}

// --- Parked

std::string ParkedHeading() {
  return absl::StrFormat("%-11s %-11s %15s %15s %11s %10s %10s %9s\n", "patience", "retry",
                         "parked served", "new served", "drained in", "overtaken", "by at most",
                         "SYN again");
}

std::string ParkedRow(const Run<ParkedResult>& run) {
  const ParkedResult& result = run.result;
  return absl::StrFormat("%-11s %-11s %7d/%7d %7d/%7d %9.1f s %10d %7.0f ms %9d\n",
                         PatienceText(run.patience), RetryPolicyName(run.retry), result.served,
                         result.agents, result.newcomers_served, result.newcomers,
                         result.drained_after.seconds(), result.overtaken,
                         Ms(result.overtaken_by_max), result.syn_retransmits);
}

std::string ParkedJson(const std::vector<Run<ParkedResult>>& runs) {
  Json rows = Json::array();
  for (const auto& run : runs) {
    Json row = Setup(run);
    row["agents"] = run.result.agents;
    row["served"] = run.result.served;
    row["newcomers"] = run.result.newcomers;
    row["newcomers_served"] = run.result.newcomers_served;
    row["drained_after_ms"] = Ms(run.result.drained_after);
    row["overtaken"] = run.result.overtaken;
    row["overtaken_by_max_ms"] = Ms(run.result.overtaken_by_max);
    row["syn_retransmits"] = run.result.syn_retransmits;
    row["digest"] = Digest(run.result.digest);
    rows.push_back(row);
  }
  return Json({{"experiment", "parked"}, {"runs", rows}}).dump(2) + "\n";
}

// --- Fleet

std::string ColdStartHeading() {
  return absl::StrFormat("%-7s %-11s %-11s %15s %10s %10s %10s %9s %9s %9s\n", "hold", "patience",
                         "retry", "served", "50 %", "99 %", "all", "attempts", "refused",
                         "gave up");
}

std::string ColdStartRow(const Run<ColdStartResult>& run) {
  const ColdStartResult& result = run.result;
  return absl::StrFormat("%-7s %-11s %-11s %7d/%7d %10s %10s %10s %9d %9d %9d\n",
                         HoldName(run.hold), PatienceText(run.patience), RetryPolicyName(run.retry),
                         result.served, result.agents, SecondsOrNever(result.half),
                         SecondsOrNever(result.most), SecondsOrNever(result.all), result.attempts,
                         result.refused, result.gave_up);
}

std::string ColdStartJson(const std::vector<Run<ColdStartResult>>& runs) {
  Json rows = Json::array();
  for (const auto& run : runs) {
    Json row = Setup(run);
    row["hold"] = std::string(HoldName(run.hold));
    row["agents"] = run.result.agents;
    row["served"] = run.result.served;
    row["half_ms"] = MsOrNull(run.result.half);
    row["most_ms"] = MsOrNull(run.result.most);
    row["all_ms"] = MsOrNull(run.result.all);
    row["attempts"] = run.result.attempts;
    row["refused"] = run.result.refused;
    row["gave_up"] = run.result.gave_up;
    row["digest"] = Digest(run.result.digest);
    rows.push_back(row);
  }
  return Json({{"experiment", "fleet"}, {"runs", rows}}).dump(2) + "\n";
}

}  // namespace floodgate::sim
