#include "tools/tune/report/losses.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/tune/report/text.h"

namespace floodgate::tune {
namespace {

// Counters below this share of the fleet explain nothing.
constexpr double kNoticeable = 0.01;
// From this factor on a setting counts as slower.
constexpr double kSlower = 1.5;
constexpr size_t kNamedMax = 3;

struct Dimension {
  int Setting::*member;
  const char* name;
};
constexpr std::array<Dimension, 3> kDimensions = {{{&Setting::backlog, "backlog"},
                                                   {&Setting::drain_rate, "drain rate"},
                                                   {&Setting::handshakes, "handshakes at a time"}}};

std::string ValueText(const Dimension& dimension, int value) {
  if (value == 0 && dimension.member == &Setting::drain_rate) return "none";
  if (value == 0 && dimension.member == &Setting::handshakes) return "left to floodgated";
  return CountText(int64_t{value});
}

std::string Together(const std::vector<std::string>& texts, const char* last) {
  if (texts.size() < 2) return absl::StrJoin(texts, "");
  return absl::StrCat(absl::StrJoin(texts.begin(), texts.end() - 1, ", "), last, texts.back());
}

// Whether a counter has grown enough to be told of.
bool Stands(double value, double of_best, const SettingOutcome& summary) {
  return value > of_best && value >= kNoticeable * static_cast<double>(summary.agents);
}

bool IsPacedByRate(const SettingOutcome& summary) {
  if (summary.setting.drain_rate == 0 || !summary.most.median.has_value()) return false;
  const double paced = 0.99 * static_cast<double>(summary.agents) / summary.setting.drain_rate;
  return paced >= 0.7 * summary.most.median->seconds();
}

// "backlog 16 or 64": the values of one dimension with which every setting lost, if that is all of
// the settings that did. "": no dimension tells them apart.
std::string WhatLosersShare(const std::vector<SettingOutcome>& summaries) {
  for (const Dimension& dimension : kDimensions) {
    std::set<int> losing;
    std::set<int> saved;
    for (const SettingOutcome& summary : summaries) {
      (summary.lost > 0 ? losing : saved).insert(summary.setting.*dimension.member);
    }
    const bool apart = std::none_of(losing.begin(), losing.end(),
                                    [&saved](int value) { return saved.contains(value); });
    if (!apart) continue;
    std::vector<std::string> values;
    values.reserve(losing.size());
    for (const int value : losing) values.push_back(ValueText(dimension, value));
    return absl::StrCat(dimension.name, " ", Together(values, " or "));
  }
  return "";
}

std::string LosersNamed(const std::vector<const SettingOutcome*>& losers) {
  std::vector<std::string> names;
  for (const SettingOutcome* loser : losers) {
    if (names.size() == kNamedMax) break;
    names.push_back(SettingText(loser->setting, true));
  }
  std::string text = absl::StrJoin(names, "; ");
  if (losers.size() > names.size()) {
    absl::StrAppend(&text, "; and ", losers.size() - names.size(), " more");
  }
  return text;
}

std::string LosersSentence(const std::vector<SettingOutcome>& summaries) {
  std::vector<const SettingOutcome*> losers;
  for (const SettingOutcome& summary : summaries) {
    if (summary.lost > 0) losers.push_back(&summary);
  }
  // The worst first: WorstOf's.
  std::reverse(losers.begin(), losers.end());
  std::stable_sort(
      losers.begin(), losers.end(),
      [](const SettingOutcome* one, const SettingOutcome* other) { return IsWorse(*one, *other); });
  if (losers.empty()) {
    return summaries.size() == 1
               ? "No agent was lost."
               : absl::StrCat("None of the ", summaries.size(), " settings lost an agent.");
  }
  if (summaries.size() == 1) {
    const std::string of = absl::StrCat(" of ", CountText(losers[0]->agents));
    return absl::StrCat("In its worst run ",
                        Counted(losers[0]->lost, absl::StrCat("agent", of, " was"),
                                absl::StrCat("agents", of, " were")),
                        " not served.");
  }
  std::string text =
      losers.size() == summaries.size()
          ? absl::StrCat("All ", summaries.size(), " settings lost agents, ")
          : absl::StrCat(losers.size(), " of ", summaries.size(), " settings lost agents, ");
  absl::StrAppend(&text, "up to ", CountText(static_cast<int64_t>(losers[0]->lost)), " of ",
                  CountText(static_cast<int64_t>(losers[0]->agents)));
  const std::string shared = losers.size() < summaries.size() ? WhatLosersShare(summaries) : "";
  if (!shared.empty()) {
    absl::StrAppend(&text, ": all those with ", shared, ", and no others");
  } else if (losers.size() < summaries.size()) {
    absl::StrAppend(&text, ": ", LosersNamed(losers));
  }
  const std::string cause = CauseOf(*losers[0], summaries.front());
  if (!cause.empty()) {
    absl::StrAppend(&text, ". In the worst, ", SettingText(losers[0]->setting, true), ", ", cause);
  }
  return text + ".";
}

// How a setting compares with the best.
std::string Against(const SettingOutcome& summary, const SettingOutcome& best) {
  std::vector<std::string> parts;
  if (summary.lost > best.lost) {
    parts.push_back(absl::StrCat(CountText(static_cast<int64_t>(summary.lost)), " not in"));
  }
  if (!summary.most.median.has_value() && best.most.median.has_value()) {
    parts.emplace_back("99 % never in");
  } else if (summary.most.median.has_value() && best.most.median.has_value() &&
             best.most.median->ns > 0) {
    const double factor = summary.most.median->seconds() / best.most.median->seconds();
    if (factor >= 1 + kAlikeShare) {
      parts.push_back(absl::StrCat(TimesText(factor), " as long"));
    } else if (factor <= 1 - kAlikeShare) {
      parts.emplace_back("faster");
    } else if (parts.empty()) {
      parts.emplace_back("as fast");
    }
  }
  return absl::StrJoin(parts, ", ");
}

int DifferencesOf(const Setting& a, const Setting& b) {
  return (a.backlog != b.backlog ? 1 : 0) + (a.drain_rate != b.drain_rate ? 1 : 0) +
         (a.handshakes != b.handshakes ? 1 : 0);
}

// The one with the longest time, of those that lost no more than the best or of all; of several the
// last. Null: none has a time.
const SettingOutcome* SlowestOf(const std::vector<SettingOutcome>& summaries, bool of_all) {
  const SettingOutcome* slowest = nullptr;
  for (const SettingOutcome& summary : summaries) {
    if (!summary.most.median.has_value()) continue;
    if (!of_all && summary.lost != summaries.front().lost) continue;
    if (slowest == nullptr || *summary.most.median >= *slowest->most.median) slowest = &summary;
  }
  return slowest;
}

// "backlog 16: 14.2 s, 10 times as long". "" if that costs too little to be told.
std::string SlowestText(const SettingOutcome& slowest, const SettingOutcome& best) {
  if (!best.most.median.has_value() || best.most.median->ns <= 0) return "";
  const double factor = slowest.most.median->seconds() / best.most.median->seconds();
  if (factor < kSlower) return "";
  return absl::StrCat(SettingText(slowest.setting, true), ": ", TimeText(*slowest.most.median),
                      ", ", TimesText(factor), " as long");
}

std::string SlowestSentence(const SettingOutcome& slowest, const SettingOutcome& best) {
  const std::string slow = SlowestText(slowest, best);
  if (slow.empty()) return "";
  std::string text = absl::StrCat("What costs most time without losing ",
                                  best.lost == 0 ? "anybody" : "more agents", " is ", slow);
  const std::string cause = CauseOf(slowest, best);
  if (!cause.empty()) absl::StrAppend(&text, "; ", cause);
  return text + ".";
}

// What takes the longest of all, and loses agents beside; "" if there is no such setting. It is
// the one whose cell of the heat map is the darkest.
std::string SlowestLoserSentence(const std::vector<SettingOutcome>& summaries) {
  const SettingOutcome& best = summaries.front();
  const auto is_never = [](const SettingOutcome& s) { return !s.most.median.has_value(); };
  const auto never = std::count_if(summaries.begin(), summaries.end(), is_never);
  if (never > 0 && best.most.median.has_value()) {
    const auto first = std::find_if(summaries.begin(), summaries.end(), is_never);
    return absl::StrCat("With ",
                        never == 1 ? SettingText(first->setting, true) : Counted(never, "setting"),
                        " 99 % of the agents were never in.");
  }
  const SettingOutcome* slowest = SlowestOf(summaries, /*of_all=*/true);
  if (slowest == nullptr || slowest->lost <= best.lost) return "";
  const std::string slow = SlowestText(*slowest, best);
  return slow.empty()
             ? ""
             : absl::StrCat("What costs most time of all is ", slow, "; it loses agents, too.");
}

}  // namespace

std::string CauseOf(const SettingOutcome& summary, const SettingOutcome& best) {
  std::vector<std::string> causes;
  if (Stands(summary.accept_overflows, best.accept_overflows, summary)) {
    causes.push_back(
        absl::StrCat("the queue was full ", Counted(summary.accept_overflows, "time")));
  } else if (Stands(summary.syn_retransmits, best.syn_retransmits, summary)) {
    causes.push_back(
        absl::StrCat(Counted(summary.syn_retransmits, "SYN was", "SYNs were"), " sent again"));
  }
  if (IsPacedByRate(summary) && !IsPacedByRate(best)) {
    const std::string at =
        absl::StrCat(" at ", CountText(summary.setting.drain_rate), " a second take");
    causes.push_back(absl::StrCat(
        Counted(summary.agents, absl::StrCat("agent", at, "s"), absl::StrCat("agents", at)), " ",
        TimeText(Duration{static_cast<int64_t>(1e9 * static_cast<double>(summary.agents) /
                                               summary.setting.drain_rate)})));
  }
  if (Stands(summary.wasted_handshakes, best.wasted_handshakes, summary)) {
    causes.push_back(
        absl::StrCat(Counted(summary.wasted_handshakes, "handshake was", "handshakes were"),
                     " begun for agents that were not served"));
  } else if (Stands(summary.gave_up, best.gave_up, summary)) {
    causes.push_back(absl::StrCat(Counted(summary.gave_up, "attempt"),
                                  " ended because the agent's patience was over"));
  }
  return absl::StrJoin(causes, "; ");
}

std::vector<std::string> LossSentences(const std::vector<SettingOutcome>& summaries) {
  const SettingOutcome& best = summaries.front();
  std::vector<std::string> sentences = {LosersSentence(summaries)};
  std::string loser = SlowestLoserSentence(summaries);
  if (!loser.empty()) sentences.push_back(std::move(loser));
  const SettingOutcome* slowest = SlowestOf(summaries, /*of_all=*/false);
  if (slowest != nullptr) {
    std::string sentence = SlowestSentence(*slowest, best);
    if (!sentence.empty()) sentences.push_back(std::move(sentence));
  }
  const bool overflows =
      std::any_of(summaries.begin(), summaries.end(), [&best](const SettingOutcome& summary) {
        return Stands(summary.accept_overflows, best.accept_overflows, summary);
      });
  if (overflows) {
    sentences.emplace_back(
        "Who finds the queue full comes again after 1, 2, 3 … s, or waits for nothing until its "
        "own time-out: a backlog of the number of agents spares them that.");
  }
  return sentences;
}

std::vector<Variation> VariationsOf(const std::vector<SettingOutcome>& summaries) {
  const SettingOutcome& best = summaries.front();
  std::vector<Variation> variations;
  for (const Dimension& dimension : kDimensions) {
    std::vector<const SettingOutcome*> others;
    for (const SettingOutcome& summary : summaries) {
      const bool differs = summary.setting.*dimension.member != best.setting.*dimension.member;
      if (differs && DifferencesOf(summary.setting, best.setting) == 1) others.push_back(&summary);
    }
    std::sort(others.begin(), others.end(),
              [&dimension](const SettingOutcome* a, const SettingOutcome* b) {
                return a->setting.*dimension.member < b->setting.*dimension.member;
              });
    for (const SettingOutcome* other : others) {
      std::string effect = Against(*other, best);
      const std::string cause = CauseOf(*other, best);
      if (!cause.empty()) absl::StrAppend(&effect, effect.empty() ? "" : ": ", cause);
      variations.push_back({other,
                            absl::StrCat(dimension.name, " ",
                                         ValueText(dimension, other->setting.*dimension.member)),
                            effect});
    }
  }
  return variations;
}

}  // namespace floodgate::tune
