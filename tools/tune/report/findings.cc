#include "tools/tune/report/findings.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tools/tune/report/losses.h"
#include "tools/tune/report/scatter.h"
#include "tools/tune/report/text.h"
#include "tools/tune/report/unfinished.h"

namespace floodgate::tune {
namespace {

// Runs that differ by more than this are worth a word.
constexpr double kUnsteady = 0.25;
// From this share of its core on, the storm may have been the limit.
constexpr double kStormBusy = 0.9;

// Of fewer agents, or tries, nothing is told by the hundred.
constexpr uint64_t kHundred = 100;

std::string Agents(uint64_t count) {
  return Counted(count, "agent");
}

Findings::Verdict VerdictOf(const std::vector<SettingOutcome>& summaries) {
  if (summaries.empty()) return Findings::Verdict::kNoTrials;
  if (summaries.front().lost == 0) return Findings::Verdict::kAllIn;
  const bool nobody = std::all_of(summaries.begin(), summaries.end(),
                                  [](const SettingOutcome& s) { return s.served_total == 0; });
  return nobody ? Findings::Verdict::kNobodyServed : Findings::Verdict::kSomeLost;
}

// "agent.backlog = 1024": what differs from the defaults.
std::vector<std::string> ChangedLines(const Setting& setting) {
  const Setting by_default;
  std::vector<std::string> lines;
  if (setting.backlog != by_default.backlog) {
    lines.push_back(absl::StrCat("agent.backlog = ", setting.backlog));
  }
  if (setting.drain_rate != by_default.drain_rate) {
    lines.push_back(absl::StrCat("drain.rate = ", setting.drain_rate));
  }
  if (setting.handshakes != by_default.handshakes) {
    lines.push_back(absl::StrCat("limits.handshakes = ", setting.handshakes));
  }
  return lines;
}

std::string Headline(Findings::Verdict verdict, const Records& records,
                     const std::vector<SettingOutcome>& summaries) {
  if (verdict == Findings::Verdict::kNoTrials) return PredictionSentence(records.comparisons);
  const SettingOutcome& best = summaries.front();
  const std::string setting = SettingText(best.setting, false);
  if (verdict == Findings::Verdict::kNobodyServed) {
    return absl::StrCat("Nobody was served, with ",
                        summaries.size() == 1 ? "the one setting" : "any setting",
                        " that was tried: this is no matter of the queue.");
  }
  if (verdict == Findings::Verdict::kSomeLost) {
    const std::string losses =
        absl::StrCat(Agents(best.lost), " of ", CountText(static_cast<int64_t>(best.agents)));
    if (summaries.size() == 1) {
      return absl::StrCat("The one setting that was tried (", setting, ") left ", losses, " out.");
    }
    return absl::StrCat("No setting that was tried let all agents in. The best of them (", setting,
                        ") left ", losses, " out.");
  }
  const std::string all = absl::StrCat(
      best.agents == 1 ? "the agent was" : absl::StrCat("all ", Agents(best.agents), " were"),
      " in", best.agents < kHundred ? " after " : ", 99 % of them after ",
      TimeText(best.agents < kHundred ? best.all.median : best.most.median, "an unknown time"),
      ".");
  if (summaries.size() == 1) {
    return absl::StrCat("With the one setting that was tried (", setting, ") ", all);
  }
  const std::vector<std::string> lines = ChangedLines(best.setting);
  if (lines.empty()) return absl::StrCat("Keep floodgated's defaults: ", all);
  return absl::StrCat("Set ", absl::StrJoin(lines, ", "), ": ", all);
}

// The settings that lost as few and are as fast as the fastest of those.
std::vector<const SettingOutcome*> AsFast(const std::vector<SettingOutcome>& summaries) {
  const SettingOutcome& best = summaries.front();
  std::vector<const SettingOutcome*> alike;
  if (!best.most.median.has_value()) return alike;
  Duration least = *best.most.median;
  for (const SettingOutcome& summary : summaries) {
    if (summary.lost == best.lost) least = std::min(least, summary.most.median.value_or(least));
  }
  const double limit =
      std::max(least.seconds() * (1 + kAlikeShare), (least + kAlikeTime).seconds());
  for (const SettingOutcome& summary : summaries) {
    if (summary.lost == best.lost && summary.most.median.has_value() &&
        summary.most.median->seconds() <= limit) {
      alike.push_back(&summary);
    }
  }
  return alike;
}

std::string ChoiceSentence(const std::vector<SettingOutcome>& summaries) {
  std::vector<const SettingOutcome*> alike = AsFast(summaries);
  const SettingOutcome& best = summaries.front();
  if (alike.size() < 2) {
    const SettingOutcome& next = summaries[1];
    if (next.lost > best.lost) {
      return absl::StrCat("Every other setting lost ", best.lost == 0 ? "agents" : "more agents",
                          ".");
    }
    if (!next.most.median.has_value() || !best.most.median.has_value()) return "";
    return absl::StrCat("Of the settings that lost ", best.lost == 0 ? "nobody" : "no more agents",
                        " it is the fastest; the next one, ", SettingText(next.setting, true),
                        ", takes ", TimeText(*next.most.median), ".");
  }
  std::string text = absl::StrCat(alike.size(), " settings ",
                                  best.lost == 0 ? "lost nobody" : "lost no more agents",
                                  " and are as fast, within 5 %; ");
  const size_t with_short_queues =
      QueueWasShort(best)
          ? 0
          : std::erase_if(alike, [](const SettingOutcome* s) { return QueueWasShort(*s); });
  if (alike.size() < 2) return text + "of these it alone has a queue that was full for few.";
  if (with_short_queues > 0) {
    absl::StrAppend(&text, alike.size(), " have a queue that was full for few; ");
  }
  text += "of these it ";
  const auto controller = [](const SettingOutcome* s) { return s->controller_p99.median; };
  const bool same = std::all_of(alike.begin(), alike.end(), [&](const SettingOutcome* other) {
    if (!controller(other).has_value()) return !best.controller_p99.median.has_value();
    if (!best.controller_p99.median.has_value()) return false;
    const double mine = best.controller_p99.median->seconds();
    const double difference = std::fabs(controller(other)->seconds() - mine);
    return difference <= std::max(kAlikeControllerShare * mine, kAlikeControllerTime.seconds());
  });
  const bool smallest = std::none_of(alike.begin(), alike.end(), [&best](const SettingOutcome* s) {
    return s->setting.backlog < best.setting.backlog;
  });
  if (!same) return text + "disturbs the controller port least.";
  return text + (smallest ? "needs the smallest backlog." : "comes out best by a little.");
}

std::string DefaultSentence(const std::vector<SettingOutcome>& summaries) {
  const SettingOutcome& best = summaries.front();
  const Setting by_default;
  if (best.setting == by_default) return "These are floodgated's defaults.";
  const auto found =
      std::find_if(summaries.begin(), summaries.end(),
                   [&by_default](const SettingOutcome& s) { return s.setting == by_default; });
  if (found == summaries.end()) {
    return absl::StrCat("floodgated's defaults (", SettingText(by_default, true),
                        ") were not tried.");
  }
  std::string text = absl::StrCat("floodgated's defaults (", SettingText(by_default, true), ") ");
  if (found->lost > best.lost) return absl::StrCat(text, "lost ", Agents(found->lost), ".");
  if (!found->most.median.has_value()) return text + "never had 99 % in.";
  return absl::StrCat(text, "took ", TimeText(*found->most.median), ".");
}

std::string WhenInSentence(const SettingOutcome& best) {
  const std::string runs =
      best.runs == 1 ? "In its one run" : absl::StrCat("In ", Counted(best.runs, "run"));
  if (!best.half.median.has_value() || !best.most.median.has_value()) {
    return absl::StrCat(
        runs, " up to ",
        Counted(best.lost, absl::StrCat("agent of ", CountText(best.agents), " was"),
                absl::StrCat("agents of ", CountText(best.agents), " were")),
        " not in when the trial ended.");
  }
  std::string text = absl::StrCat(runs, " half of the agents were in after ", RangeText(best.half));
  if (best.agents >= kHundred || !best.all.median.has_value()) {
    absl::StrAppend(&text, ", 99 % after ", RangeText(best.most));
  }
  if (best.all.median.has_value()) absl::StrAppend(&text, ", all after ", RangeText(best.all));
  return text + ".";
}

// "each of 3 tries": what the p99 says of so many.
std::string ShareOfTries(const SettingOutcome& best) {
  const uint64_t least = best.controller_tries_least;
  if (best.controller_runs > 1) {
    if (least >= kHundred) return "99 % of the tries";
    return best.controller_tries_most < kHundred
               ? "the tries"
               : "99 % of the tries, all of fewer than a hundred,";
  }
  if (least >= kHundred) return absl::StrCat("99 % of ", CountText(least), " tries");
  return least == 1 ? "the one try" : absl::StrCat("each of ", CountText(least), " tries");
}

// A time over several runs is a median; it says of how many, and how many tries each had.
std::string ControllerSentence(const SettingOutcome& best) {
  const std::string time = TimeText(*best.controller_p99.median);
  if (best.controller_tries_least == 0) {
    return absl::StrCat("Meanwhile the controller port's p99 was ", time, ".");
  }
  std::string text =
      absl::StrCat("Meanwhile the controller port answered ", ShareOfTries(best), " within ", time);
  if (best.controller_runs > 1) {
    const bool same = best.controller_tries_least == best.controller_tries_most;
    absl::StrAppend(&text, " (median of ", Counted(best.controller_runs, "run"), " of ",
                    same ? "" : absl::StrCat(CountText(best.controller_tries_least), " to "),
                    Counted(best.controller_tries_most, "try", "tries"), " each)");
  }
  if (best.controller_runs < best.runs) {
    absl::StrAppend(&text, "; ", Counted(best.runs - best.controller_runs, "run has", "runs have"),
                    " no such time, since too many tries failed or none ended");
  }
  return text + ".";
}

std::vector<std::string> Reasons(const std::vector<SettingOutcome>& summaries) {
  const SettingOutcome& best = summaries.front();
  std::vector<std::string> reasons;
  reasons.push_back(WhenInSentence(best));
  if (summaries.size() > 1) {
    const std::string choice = ChoiceSentence(summaries);
    if (!choice.empty()) reasons.push_back(choice);
  }
  reasons.push_back(DefaultSentence(summaries));
  if (best.controller_p99.median.has_value()) {
    reasons.push_back(ControllerSentence(best));
  }
  return reasons;
}

std::string TomlOf(const Setting& setting) {
  return absl::StrFormat(
      "[agent]\nbacklog = %d\n\n[drain]\nrate = %d%s\n\n[limits]\nhandshakes = %d%s\n",
      setting.backlog, setting.drain_rate,
      setting.drain_rate == 0 ? "        # as fast as handshakes finish" : "", setting.handshakes,
      setting.handshakes == 0 ? "  # 64 a worker" : "");
}

void Advise(const Records& records, const SettingOutcome& best, Findings& findings) {
  const bool here = records.plan.has_value() && records.plan->somaxconn > 0;
  findings.to_set.push_back({"floodgate.toml", TomlOf(best.setting)});
  // Never less than there is: other services of the host may need it.
  if (!here || records.plan->somaxconn < best.setting.backlog) {
    findings.to_set.push_back({"/etc/sysctl.d/90-floodgate.conf",
                               absl::StrFormat("net.core.somaxconn = %d\n", best.setting.backlog)});
  }
  findings.steps.push_back(absl::StrCat(
      "net.core.somaxconn cuts agent.backlog: it must be ",
      CountText(int64_t{best.setting.backlog}), " or more",
      here ? absl::StrCat(" (here it was ", CountText(records.plan->somaxconn), ")")
           : std::string(),
      ". Leave it alone where it is that already; else set it in /etc/sysctl.d, run `sysctl "
      "--system`, and reload floodgated: a listener keeps its limit until then."));
  findings.steps.emplace_back(
      "Put the lines of floodgate.toml into the configuration, look at it with `floodgated --check "
      "--config FILE`, then run `floodgatectl reload`.");
}

void AdviseNobodyServed(Findings& findings) {
  findings.steps.emplace_back(
      "Run `floodgate-tune audit`: it finds limits of descriptors, ports and memory that stop "
      "everybody.");
  findings.steps.emplace_back(
      "Try one agent with floodgate-storm against the same floodgated: a backend that does not "
      "answer, a certificate or a gate that never opens shows there.");
  findings.steps.emplace_back(
      "If one agent is served, the fleet's patience is shorter than any wait here: sweep with more "
      "patience, fewer agents or more cores.");
}

void AddSomaxconnCaution(const Records& records, Findings& findings) {
  if (!records.plan.has_value() || records.plan->somaxconn <= 0) return;
  const int64_t limit = records.plan->somaxconn;
  const bool cut =
      std::any_of(records.trials.begin(), records.trials.end(),
                  [limit](const Trial& trial) { return trial.setting.backlog > limit; });
  if (cut) {
    findings.cautions.push_back(
        absl::StrCat("net.core.somaxconn of this host is ", CountText(limit),
                     " and has cut every greater backlog to that: those settings are the same."));
  }
}

void AddStormCaution(const Records& records, Findings& findings) {
  const auto busy = std::count_if(
      records.trials.begin(), records.trials.end(),
      [](const Trial& trial) { return trial.result.storm_cpu_share.value_or(0) >= kStormBusy; });
  if (busy == 0) return;
  findings.cautions.push_back(
      absl::StrCat("In ", busy, " of ", Counted(records.trials.size(), "trial"),
                   " the agents needed nearly all of their own core: there they may have "
                   "been the limit, not floodgated."));
}

void AddCautions(const Records& records, const std::vector<SettingOutcome>& summaries,
                 Findings& findings) {
  AddSomaxconnCaution(records, findings);
  if (const int missing = TrialsMissing(records); missing > 0) {
    findings.cautions.push_back(
        absl::StrCat("The sweep is not finished: ", Counted(missing, "trial is", "trials are"),
                     " missing. The same `floodgate-tune sweep` command "
                     "with the same `--out` goes on with it."));
  }
  AddStormCaution(records, findings);
  const SettingOutcome& best = summaries.front();
  if (best.runs == 1) {
    findings.cautions.emplace_back(
        "One run is no sample: small differences may be chance. Sweep with `--runs 3` or more.");
  } else if (best.most.least.has_value() && best.most.most.has_value() &&
             best.most.most->seconds() > best.most.least->seconds() * (1 + kUnsteady)) {
    findings.cautions.push_back(absl::StrCat("The runs of the best setting differ (",
                                             RangeText(best.most),
                                             "): something else may have used the machine."));
  }
  if (records.plan.has_value() && records.plan->host_cores > 0 &&
      records.plan->cores >= records.plan->host_cores) {
    findings.cautions.emplace_back(
        "The agents ran on the cores of floodgated and slowed it down: agents on hosts of their "
        "own are served sooner.");
  }
}

}  // namespace

std::string PredictionSentence(const std::vector<Comparison>& comparisons) {
  if (comparisons.empty()) return "";
  int inside = 0;
  std::optional<double> worst;
  for (const Comparison& comparison : comparisons) {
    if (InBand(comparison)) ++inside;
    const std::optional<double> error = ErrorOf(comparison);
    if (error.has_value() && std::fabs(*error) >= std::fabs(worst.value_or(0))) worst = error;
  }
  std::string text = absl::StrCat(inside, " of ", Counted(comparisons.size(), "prediction"),
                                  " of the time to 99 % ", inside == 1 ? "is" : "are",
                                  " within 20 % of the measurement");
  if (worst.has_value() && std::fabs(*worst) >= 0.005) {
    absl::StrAppendFormat(&text, "; the greatest error is %.0f %% too %s", std::fabs(*worst) * 100,
                          *worst < 0 ? "soon" : "late");
  }
  return text + ".";
}

Findings Find(const Records& records, const std::vector<SettingOutcome>& summaries) {
  Findings findings;
  findings.verdict = VerdictOf(summaries);
  findings.headline = Headline(findings.verdict, records, summaries);
  if (findings.verdict == Findings::Verdict::kNoTrials) return findings;
  AddCautions(records, summaries, findings);
  if (findings.verdict == Findings::Verdict::kNobodyServed) {
    AdviseNobodyServed(findings);
    return findings;
  }
  findings.reasons = Reasons(summaries);
  findings.losses = LossSentences(summaries);
  findings.variations = VariationsOf(summaries);
  Advise(records, summaries.front(), findings);
  if (findings.verdict == Findings::Verdict::kSomeLost) {
    findings.steps.emplace_back(
        "That is not enough: agents are lost still. Try a greater backlog, more cores or more "
        "patience, and run `floodgate-tune audit` for the host's limits.");
  }
  return findings;
}

}  // namespace floodgate::tune
