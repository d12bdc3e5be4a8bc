#include "tools/tune/report/line_plot.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/tune/report/frame.h"
#include "tools/tune/report/text.h"

namespace floodgate::tune {
namespace {

// Beyond this ratio of the longest to the shortest trial the short one would be a stroke.
constexpr double kLinearRatioMax = 6;
// A logarithmic axis begins no further from its end than this.
constexpr double kDecadesMax = 1'000;
constexpr size_t kKeyCharactersMax = 50;

using Member = uint64_t TrialMoment::*;

double EndOf(const Trial& trial) {
  return trial.result.timeline.back().at.seconds();
}

Axis TimeAxis(const std::vector<Shown>& shown) {
  double longest = 0;
  double shortest = 0;
  double first = 0;
  for (const Shown& one : shown) {
    const double end = EndOf(*one.trial);
    longest = std::max(longest, end);
    shortest = shortest == 0 ? end : std::min(shortest, end);
    for (const TrialMoment& moment : one.trial->result.timeline) {
      if (moment.at.ns <= 0) continue;
      first = first == 0 ? moment.at.seconds() : std::min(first, moment.at.seconds());
      break;
    }
  }
  if (shortest <= 0 || longest / shortest <= kLinearRatioMax) return LinearAxis(longest);
  return LogarithmicAxis(std::max(first, longest / kDecadesMax), longest);
}

std::string ShownText(const Shown& shown) {
  std::string text = absl::StrCat(shown.role, ": ", SettingText(shown.summary->setting, true));
  if (text.size() <= kKeyCharactersMax) return text;
  const Setting& setting = shown.summary->setting;
  return absl::StrFormat(
      "%s: backlog %s, %s/s, %s handshakes", shown.role, CountText(int64_t{setting.backlog}),
      CountText(int64_t{setting.drain_rate}), CountText(int64_t{setting.handshakes}));
}

std::vector<Point> PointsOf(const Trial& trial, Member member, const Frame& frame) {
  std::vector<Point> points;
  for (const TrialMoment& moment : trial.result.timeline) {
    points.push_back(frame.At(moment.at.seconds(), static_cast<double>(moment.*member)));
  }
  return points;
}

std::string Description(const std::vector<Shown>& shown, Member member) {
  std::string text;
  for (const Shown& one : shown) {
    const std::vector<TrialMoment>& timeline = one.trial->result.timeline;
    const auto top = std::max_element(
        timeline.begin(), timeline.end(),
        [member](const TrialMoment& a, const TrialMoment& b) { return a.*member < b.*member; });
    absl::StrAppend(&text, ShownText(one), ": at most ",
                    CountText(static_cast<int64_t>((*top).*member)), ", reached after ",
                    TimeText(top->at), "; the trial lasted ", TimeText(timeline.back().at), ". ");
  }
  return text;
}

struct Labels {
  const char* name;
  const char* heading;
  const char* y_label;
};

Figure Draw(const std::vector<Shown>& shown, Member member, const Labels& labels) {
  double most = 0;
  Frame frame;
  for (const Shown& one : shown) {
    for (const TrialMoment& moment : one.trial->result.timeline) {
      most = std::max(most, static_cast<double>(moment.*member));
    }
    frame.key.push_back({ShownText(one), one.style});
  }
  frame.x = TimeAxis(shown);
  frame.y = LinearAxis(std::max(most, 5.0));
  frame.heading = labels.heading;
  frame.y_label = labels.y_label;
  frame.x_label = frame.x.logarithmic ? "seconds since the gate opened (logarithmic)"
                                      : "seconds since the gate opened";
  Svg svg(labels.name, frame.width, frame.height(), labels.heading, Description(shown, member));
  frame.Draw(svg);
  // The best on top.
  for (auto one = shown.rbegin(); one != shown.rend(); ++one) {
    svg.Polyline(PointsOf(*one->trial, member, frame),
                 absl::StrFormat("class=\"line %s\"", one->style));
  }
  return std::move(svg).Finish();
}

}  // namespace

std::vector<Shown> ShownTrials(const std::vector<Trial>& trials,
                               const std::vector<SettingOutcome>& summaries) {
  std::vector<Shown> shown;
  const auto add = [&](std::string role, std::string style, const SettingOutcome& summary) {
    const Trial* trial = TypicalTrial(trials, summary.setting);
    if (trial != nullptr) shown.push_back({std::move(role), std::move(style), &summary, trial});
  };
  if (!summaries.empty() && summaries.front().served_total == 0) {
    add("one of them", "best", summaries.front());
    return shown;
  }
  const Setting by_default;
  for (size_t i = 0; i < summaries.size(); ++i) {
    const bool is_default = summaries[i].setting == by_default;
    const bool is_worst = i + 1 == summaries.size();
    if (i == 0) {
      add(is_default ? "best and default" : "best", "best", summaries[i]);
    } else if (is_worst) {
      add(is_default ? "worst and default" : "worst", "worst", summaries[i]);
    } else if (is_default) {
      add("default", "default", summaries[i]);
    }
  }
  return shown;
}

Figure QueuePlot(const std::vector<Shown>& shown) {
  return Draw(shown, &TrialMoment::queue_depth,
              {"queue", "Agents in the kernel's accept queue", "agents waiting"});
}

Figure ServedPlot(const std::vector<Shown>& shown) {
  return Draw(shown, &TrialMoment::served, {"admitted", "Agents admitted and served", "agents in"});
}

}  // namespace floodgate::tune
