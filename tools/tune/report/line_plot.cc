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

Axis TimeAxis(const std::vector<PlotLine>& lines) {
  double longest = 0;
  double shortest = 0;
  double first = 0;
  for (const PlotLine& line : lines) {
    const double end = line.timeline->back().at.seconds();
    longest = std::max(longest, end);
    shortest = shortest == 0 ? end : std::min(shortest, end);
    for (const TrialMoment& moment : *line.timeline) {
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

std::vector<Point> PointsOf(const PlotLine& line, Member member, const Frame& frame) {
  std::vector<Point> points;
  for (const TrialMoment& moment : *line.timeline) {
    points.push_back(frame.At(moment.at.seconds(), static_cast<double>(moment.*member)));
  }
  return points;
}

std::string Description(const std::vector<PlotLine>& lines, Member member) {
  std::string text;
  for (const PlotLine& line : lines) {
    const std::vector<TrialMoment>& timeline = *line.timeline;
    const auto top = std::max_element(
        timeline.begin(), timeline.end(),
        [member](const TrialMoment& a, const TrialMoment& b) { return a.*member < b.*member; });
    absl::StrAppend(&text, line.text, ": at most ", CountText(static_cast<int64_t>((*top).*member)),
                    ", reached after ", TimeText(top->at), "; the trial lasted ",
                    TimeText(timeline.back().at), ". ");
  }
  return text;
}

struct Labels {
  std::string name;
  const char* heading;
  const char* y_label;
};

Figure Draw(const std::vector<PlotLine>& lines, Member member, const Labels& labels) {
  double most = 0;
  Frame frame;
  for (const PlotLine& line : lines) {
    for (const TrialMoment& moment : *line.timeline) {
      most = std::max(most, static_cast<double>(moment.*member));
    }
    frame.key.push_back({line.text, line.style});
  }
  frame.x = TimeAxis(lines);
  frame.y = LinearAxis(std::max(most, 5.0));
  frame.heading = labels.heading;
  frame.y_label = labels.y_label;
  frame.x_label = frame.x.logarithmic ? "seconds since the gate opened (logarithmic)"
                                      : "seconds since the gate opened";
  Svg svg(labels.name, frame.width, frame.height(), labels.heading, Description(lines, member));
  frame.Draw(svg);
  // The best on top.
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    svg.Polyline(PointsOf(*line, member, frame), absl::StrFormat("class=\"line %s\"", line->style));
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
  if (summaries.empty()) return shown;
  const SettingOutcome& best = summaries.front();
  if (best.served_total == 0) {
    add("one of them", "best", best);
    return shown;
  }
  const Setting by_default;
  const SettingOutcome& worst = WorstOf(summaries);
  const bool best_is_default = best.setting == by_default;
  const bool worst_is_default = worst.setting == by_default;
  add(best_is_default ? "best and default" : "best", "best", best);
  if (!best_is_default && !worst_is_default) {
    const auto found =
        std::find_if(summaries.begin(), summaries.end(),
                     [&](const SettingOutcome& summary) { return summary.setting == by_default; });
    if (found != summaries.end()) add("default", "default", *found);
  }
  if (&worst != &best) add(worst_is_default ? "worst and default" : "worst", "worst", worst);
  return shown;
}

std::vector<PlotLine> LinesOf(const std::vector<Shown>& shown) {
  std::vector<PlotLine> lines;
  lines.reserve(shown.size());
  for (const Shown& one : shown) {
    lines.push_back({ShownText(one), one.style, &one.trial->result.timeline});
  }
  return lines;
}

Figure QueuePlot(const std::vector<PlotLine>& lines, const std::string& name) {
  return Draw(lines, &TrialMoment::queue_depth,
              {name, "Agents in the kernel's accept queue", "agents waiting"});
}

Figure ServedPlot(const std::vector<PlotLine>& lines, const std::string& name) {
  return Draw(lines, &TrialMoment::served, {name, "Agents admitted and served", "agents in"});
}

}  // namespace floodgate::tune
