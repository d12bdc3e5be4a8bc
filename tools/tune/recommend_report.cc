#include "tools/tune/recommend_report.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/version.h"
#include "core/duration.h"
#include "floodgate/backoff_text.h"
#include "tools/sim/choices.h"
#include "tools/tune/key_names.h"
#include "tools/tune/result_json.h"
#include "tools/tune/words.h"
#include "tools/tune/wrapped_text.h"

namespace floodgate::tune {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kIndent[] = "    ";
constexpr char kComment[] = "# ";
constexpr char kConntrackPrefix[] = "net.netfilter.";

double Microseconds(Duration duration) {
  return static_cast<double>(duration.ns) / 1e3;
}

std::string InWords(const Wanted& wanted) {
  return absl::StrFormat(
      "%s, patience %s, retry %s; %s, %.0f us an agent; all in within %s of the gate's opening, "
      "whether they come then or have waited for %s",
      Counted(wanted.fleet.agents, "agent"), sim::PatienceText(wanted.fleet.patience),
      RetryPolicyName(wanted.fleet.retry), Counted(wanted.cores, "core"),
      Microseconds(wanted.cost.whole()), FormatDuration(wanted.recovery),
      FormatDuration(wanted.parked));
}

const char* KindName(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::kSysctl:
      return "sysctl";
    case Change::Kind::kConfiguration:
      return "configuration";
    case Change::Kind::kUnit:
      break;
  }
  return "unit";
}

// What decided about it.
const char* Verdict(const Judged& judged) {
  if (judged.does_it) return "does it";
  return judged.in_time ? "too full" : "too late";
}

Json PredictionJson(const Prediction& prediction, bool with_timeline) {
  const sim::ColdStartResult& result = prediction.result;
  Json json = {{"served", result.served},
               {"time_to_99_percent_s", TimeOrNull(result.most, Duration::Seconds(1))},
               {"time_to_all_s", TimeOrNull(result.all, Duration::Seconds(1))},
               {"gave_up", result.gave_up},
               {"syn_retransmits", result.syn_retransmits},
               {"queue_overflows", result.queue_overflows},
               {"queue_depth_max", result.queue_depth_max}};
  if (with_timeline) json["timeline"] = TimelineJson(AsTrial(prediction).timeline);
  return json;
}

Json JudgedJson(const Judged& judged, bool with_timeline) {
  return {{"backlog", judged.setting.backlog},
          {"in_time", judged.in_time},
          {"does_it", judged.does_it},
          {"together", PredictionJson(judged.together, with_timeline)},
          {"parked", PredictionJson(judged.parked, with_timeline)}};
}

Json TriedJson(const Tried& tried) {
  return {{"fleet", ToJson(tried.fleet)},
          {"fewer", tried.fewer.empty() ? Json() : Json(tried.fewer)},
          {"all_in_time", tried.all_in_time},
          {"storm_was_limit", tried.storm_was_limit},
          {"result", ToJson(tried.result)}};
}

Json QuestionJson(const Wanted& wanted) {
  Json json = {{"version", Version()}};
  json.update(ToJson(wanted.fleet));
  json.update({{"cores", wanted.cores},
               {"handshake_cost_us", Microseconds(wanted.cost.handshake.whole())},
               {"other_cost_us", Microseconds(wanted.cost.rest)},
               {"handshake_measured", wanted.key.has_value() ? Json(KeyName(*wanted.key)) : Json()},
               {"recovery_s", wanted.recovery.seconds()},
               {"parked_s", wanted.parked.seconds()},
               {"seed", wanted.seed}});
  return json;
}

}  // namespace

std::string RecommendationHeading(const Wanted& wanted) {
  return absl::StrCat(Wrapped(InWords(wanted), ""),
                      absl::StrFormat("\n%8s  %12s %12s  %12s %12s  %9s\n", "backlog", "come then",
                                      "queue full", "have waited", "queue full", ""));
}

std::string RecommendationRow(const Judged& judged) {
  return absl::StrFormat(
      "%8d  %12s %12d  %12s %12d  %9s\n", judged.setting.backlog,
      TimeOrNever(judged.together.result.all), judged.together.result.queue_overflows,
      TimeOrNever(judged.parked.result.all), judged.parked.result.queue_overflows, Verdict(judged));
}

std::string RecommendationText(const Wanted& wanted, const Recommendation& recommendation) {
  std::string text = "\n";
  if (!recommendation.met) {
    const Bottleneck& bottleneck = *recommendation.bottleneck;
    const std::string within = FormatDuration(wanted.recovery);
    absl::StrAppend(
        &text, bottleneck.bound == Bound::kFullQueue
                   ? absl::StrCat("No setting is recommended. Some have all of them in within ",
                                  within, ", but a queue that is full too often.\n")
                   : absl::StrCat("No setting has all of them in within ", within, ".\n"));
    absl::StrAppend(&text, Wrapped(bottleneck.why, kIndent), "What would:\n");
    for (const std::string& remedy : bottleneck.remedies) {
      absl::StrAppend(&text, Wrapped(remedy, kIndent));
    }
    return text;
  }
  for (const Reasoned& setting : recommendation.settings) {
    absl::StrAppend(&text, setting.change.Line(), "\n", Wrapped(setting.why, kIndent));
  }
  absl::StrAppend(
      &text, "\n",
      Wrapped("Every agent is reckoned to have an address of its own: limits.source_rate and "
              "source_burst bound those that share one (docs/configuration.md).",
              ""));
  return text;
}

std::string TriedText(const Wanted& wanted, const Tried& tried) {
  const TrialResult& result = tried.result;
  std::string text = absl::StrFormat(
      "\nTried with a real storm of %s: %d served, 99 %% %s, all %s, %s given up, %s sent again, "
      "controller port p99 %s\n",
      Counted(tried.fleet.agents, "agent"), result.served, AfterOrNever(result.most),
      AfterOrNever(result.all), Counted(result.gave_up, "attempt"),
      Counted(result.syn_retransmits, "SYN"), TimeText(result.controller_p99, "unknown"));
  if (!tried.fewer.empty()) absl::StrAppend(&text, Wrapped(tried.fewer, kIndent));
  if (tried.storm_was_limit) {
    absl::StrAppendFormat(&text,
                          "    The storm itself was the limit: it used %.0f %% of a core. The time "
                          "is more than floodgated needs.\n",
                          result.storm_cpu_share.value_or(0) * 100);
  }
  const uint64_t lost = result.agents - std::min(result.served, result.agents);
  const std::string recovery = FormatDuration(wanted.recovery);
  if (lost > 0) {
    absl::StrAppend(&text, kIndent, Counted(lost, "agent was lost", "agents were lost"), "; ",
                    recovery, " was asked for.\n");
  } else {
    absl::StrAppend(&text, kIndent, "No agent was lost, ",
                    tried.all_in_time ? "and all were in within " : "but not all were in within ",
                    recovery, ".\n");
  }
  return text;
}

std::string RecommendationJson(const Wanted& wanted, const Recommendation& recommendation,
                               const Tried* tried) {
  Json all = Json::array();
  for (const Judged& judged : recommendation.tried) {
    all.push_back(JudgedJson(judged, judged.setting == recommendation.best.setting));
  }
  Json settings = Json::array();
  for (const Reasoned& setting : recommendation.settings) {
    settings.push_back({{"kind", KindName(setting.change.kind)},
                        {"key", setting.change.key},
                        {"value", setting.change.value},
                        {"line", setting.change.Line()},
                        {"why", setting.why}});
  }
  Json json = QuestionJson(wanted);
  json.update({{"met", recommendation.met},
               {"backlog", recommendation.best.setting.backlog},
               {"drain_rate", recommendation.best.setting.drain_rate},
               {"handshakes", recommendation.best.setting.handshakes},
               {"admissions_per_second", recommendation.admissions_per_second},
               {"settings", std::move(settings)},
               {"simulated", std::move(all)},
               {"bottleneck", Json()},
               {"tried", tried == nullptr ? Json() : TriedJson(*tried)}});
  if (recommendation.bottleneck.has_value()) {
    const auto bound = static_cast<size_t>(recommendation.bottleneck->bound);
    json["bottleneck"] = {{"bound", std::string(kBoundNames[bound])},
                          {"why", recommendation.bottleneck->why},
                          {"remedies", recommendation.bottleneck->remedies}};
  }
  return json.dump(2) + "\n";
}

std::string TomlFragment(const Wanted& wanted, const Recommendation& recommendation) {
  std::string text = absl::StrCat(
      Wrapped(absl::StrCat("floodgate-tune recommend ", Version(), ": ", InWords(wanted), "."),
              kComment),
      Wrapped("Put the keys into these tables of floodgate.toml, then: floodgated --config FILE "
              "--check.",
              kComment),
      Wrapped("Every agent is reckoned to have an address of its own. Where agents share one, "
              "limits.source_rate and source_burst bound them, and limits.exempt names it.",
              kComment));
  std::map<std::string, std::string> tables;
  for (const Reasoned& setting : recommendation.settings) {
    if (setting.change.kind == Change::Kind::kUnit) {
      absl::StrAppend(&text, Wrapped(absl::StrCat("The service's unit, [Service] ",
                                                  setting.change.Line(), ": ", setting.why),
                                     kComment));
    }
    if (setting.change.kind != Change::Kind::kConfiguration) continue;
    const std::pair<std::string, std::string> name =
        absl::StrSplit(setting.change.key, absl::MaxSplits('.', 1));
    absl::StrAppend(&tables[name.first], Wrapped(setting.why, kComment), name.second, " = ",
                    setting.change.value, "\n");
  }
  for (const auto& [name, keys] : tables) absl::StrAppend(&text, "\n[", name, "]\n", keys);
  return text;
}

std::string SysctlFile(const Wanted& wanted, const Recommendation& recommendation) {
  std::string text = absl::StrCat(
      Wrapped(absl::StrCat("floodgate-tune recommend ", Version(), ": ", InWords(wanted), "."),
              kComment),
      "# Put this into /etc/sysctl.d, then: sysctl --system\n");
  for (const Reasoned& setting : recommendation.settings) {
    if (setting.change.kind != Change::Kind::kSysctl) continue;
    absl::StrAppend(&text, "\n", Wrapped(setting.why, kComment));
    // A key that a host may lack: with the dash that is no error.
    if (setting.change.key.starts_with(kConntrackPrefix)) absl::StrAppend(&text, "-");
    absl::StrAppend(&text, setting.change.key, " = ", setting.change.value, "\n");
  }
  return text;
}

}  // namespace floodgate::tune
