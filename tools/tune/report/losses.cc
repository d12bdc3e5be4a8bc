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
  std::reverse(losers.begin(), losers.end());  // The worst first.
  if (losers.empty()) {
    return summaries.size() == 1
               ? "No agent was lost."
               : absl::StrCat("None of the ", summaries.size(), " settings lost an agent.");
  }
  if (summaries.size() == 1) {
    return absl::StrCat("In its worst run ",
                        Counted(static_cast<int64_t>(losers[0]->lost), "agent"), " of ",
                        CountText(static_cast<int64_t>(losers[0]->agents)), " were not served.");
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
  if (!cause.empty()) absl::StrAppend(&text, ". In the worst, ", cause);
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

// The setting that lost no more than the best and took longest. Null: none has a time.
const SettingOutcome* SlowestOf(const std::vector<SettingOutcome>& summaries) {
  const SettingOutcome* slowest = nullptr;
  for (const SettingOutcome& summary : summaries) {
    if (summary.lost != summaries.front().lost || !summary.most.median.has_value()) continue;
    if (slowest == nullptr || *summary.most.median > *slowest->most.median) slowest = &summary;
  }
  return slowest;
}

// "" if that costs too little to be told.
std::string SlowestSentence(const SettingOutcome& slowest, const SettingOutcome& best) {
  if (!best.most.median.has_value() || best.most.median->ns <= 0) return "";
  const double factor = slowest.most.median->seconds() / best.most.median->seconds();
  if (factor < kSlower) return "";
  std::string text = absl::StrCat(
      "What costs most time without losing ", best.lost == 0 ? "anybody" : "more agents", " is ",
      SettingText(slowest.setting, true), ": ", TimeText(*slowest.most.median), ", ",
      TimesText(factor), " as long");
  const std::string cause = CauseOf(slowest, best);
  if (!cause.empty()) absl::StrAppend(&text, "; ", cause);
  return text + ".";
}

}  // namespace

std::string CauseOf(const SettingOutcome& summary, const SettingOutcome& best) {
  std::vector<std::string> causes;
  if (Stands(summary.accept_overflows, best.accept_overflows, summary)) {
    causes.push_back(
        absl::StrCat("the queue was full ", CountText(summary.accept_overflows), " times"));
  } else if (Stands(summary.syn_retransmits, best.syn_retransmits, summary)) {
    causes.push_back(absl::StrCat(CountText(summary.syn_retransmits), " SYNs were sent again"));
  }
  if (IsPacedByRate(summary) && !IsPacedByRate(best)) {
    causes.push_back(absl::StrCat(
        CountText(static_cast<int64_t>(summary.agents)), " agents at ",
        CountText(int64_t{summary.setting.drain_rate}), " a second take ",
        TimeText(Duration{static_cast<int64_t>(1e9 * static_cast<double>(summary.agents) /
                                               summary.setting.drain_rate)})));
  }
  if (Stands(summary.wasted_handshakes, best.wasted_handshakes, summary)) {
    causes.push_back(absl::StrCat(CountText(summary.wasted_handshakes),
                                  " handshakes were begun for agents that were not served"));
  } else if (Stands(summary.gave_up, best.gave_up, summary)) {
    causes.push_back(absl::StrCat(CountText(summary.gave_up),
                                  " attempts ended because the agent's patience was over"));
  }
  return absl::StrJoin(causes, "; ");
}

std::vector<std::string> LossSentences(const std::vector<SettingOutcome>& summaries) {
  const SettingOutcome& best = summaries.front();
  std::vector<std::string> sentences = {LosersSentence(summaries)};
  if (const SettingOutcome* slowest = SlowestOf(summaries); slowest != nullptr) {
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
