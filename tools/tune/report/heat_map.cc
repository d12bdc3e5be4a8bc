#include "tools/tune/report/heat_map.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "tools/tune/report/colour.h"
#include "tools/tune/report/text.h"

namespace floodgate::tune {
namespace {

constexpr double kLabelWidth = 76, kCellHeight = 54, kCellsTop = 88, kGap = 2;
constexpr double kHatchHeight = 8, kScaleHeight = 10, kWidthLeast = 330;
constexpr int kScaleSteps = 24;

double CellWidth(size_t columns) {
  return columns <= 4 ? 112 : 100;
}

void SortOnce(std::vector<int>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// The colours' scale.
struct Scale {
  double least = 0, most = 0;  // seconds; equal: there is one colour

  double Share(Duration time) const {
    if (most <= least) return 0;
    return std::log(std::max(time.seconds(), least) / least) / std::log(most / least);
  }
};

Scale ScaleOf(const std::vector<SettingOutcome>& summaries) {
  Scale scale;
  for (const SettingOutcome& summary : summaries) {
    if (!summary.most.median.has_value()) continue;
    const double seconds = std::max(1e-6, summary.most.median->seconds());
    scale.least = scale.most == 0 ? seconds : std::min(scale.least, seconds);
    scale.most = std::max(scale.most, seconds);
  }
  return scale;
}

struct Map {
  const SweepAxes& axes;
  const std::vector<SettingOutcome>& summaries;
  Scale scale;
  int handshakes = 0;
  std::string name;

  const SettingOutcome* Find(const Setting& setting) const {
    const auto found =
        std::find_if(summaries.begin(), summaries.end(),
                     [&setting](const SettingOutcome& s) { return s.setting == setting; });
    return found == summaries.end() ? nullptr : &*found;
  }
  // Those of this map whose setting was not tried.
  size_t CellsMissing() const {
    const auto tried = std::count_if(summaries.begin(), summaries.end(),
                                     [this](const SettingOutcome& s) { return OfMap(s); });
    return axes.backlogs.size() * axes.drain_rates.size() - static_cast<size_t>(tried);
  }
  // Of settings with which nobody was served none is the best.
  bool IsBest(const SettingOutcome& summary) const {
    return &summary == summaries.data() && summary.served_total > 0;
  }
  bool OfMap(const SettingOutcome& summary) const {
    return summary.setting.handshakes == handshakes;
  }
  bool BestIsHatched() const {
    const SettingOutcome& first = summaries.front();
    return IsBest(first) && OfMap(first) && first.lost > 0;
  }
  bool Hatched() const {
    return std::any_of(summaries.begin(), summaries.end(),
                       [this](const SettingOutcome& s) { return OfMap(s) && s.lost > 0; });
  }
};

// There is no room for both; the ring is the mark of the best as well.
std::string SecondLine(const Map& map, const SettingOutcome& summary) {
  if (summary.lost > 0) {
    return absl::StrCat(CountText(static_cast<int64_t>(summary.lost)), " not in");
  }
  return map.IsBest(summary) ? "best" : "";
}

void DrawCell(const Map& map, const Setting& setting, Point corner, Svg& svg) {
  const double width = CellWidth(map.axes.drain_rates.size()) - kGap;
  const double height = kCellHeight - kGap;
  const double middle = corner.x + width / 2;
  const SettingOutcome* summary = map.Find(setting);
  if (summary == nullptr) {
    svg.Rect(corner.x + 1, corner.y + 1, width - 2, height - 2, "class=\"absent\"");
    svg.Text({middle, corner.y + 30}, "not tried", "class=\"small middle muted\"");
    return;
  }
  const bool ever = summary->most.median.has_value();
  const Colour ground = ever ? SequenceAt(map.scale.Share(*summary->most.median)) : Colour{};
  const std::string fill = ever ? absl::StrFormat("fill=\"%s\"", ground.Text()) : "class=\"never\"";
  const std::string ink =
      ever ? absl::StrFormat(" fill=\"%s\"", InkOn(ground).Text()) : std::string();
  const char* ink_class = ever ? "" : " ink";
  svg.Rect(corner.x, corner.y, width, height, fill);
  const std::string second = SecondLine(map, *summary);
  svg.Text({middle, corner.y + (second.empty() ? 31 : 22)}, TimeText(summary->most.median, "never"),
           absl::StrFormat("class=\"value middle%s\"%s", ink_class, ink));
  if (!second.empty()) {
    svg.Text({middle, corner.y + 38}, second,
             absl::StrFormat("class=\"small middle%s\"%s", ink_class, ink));
  }
  if (summary->lost > 0) {
    svg.Rect(corner.x, corner.y + height - kHatchHeight, width, kHatchHeight,
             absl::StrFormat("fill=\"url(#%s-hatch)\"", map.name));
  }
  if (map.IsBest(*summary)) {
    svg.Rect(corner.x + 1.5, corner.y + 1.5, width - 3, height - 3, "class=\"ring-ground\"");
    svg.Rect(corner.x + 1.5, corner.y + 1.5, width - 3, height - 3, "class=\"ring\"");
  }
}

void DrawLabels(const Map& map, Svg& svg) {
  svg.Text({0, 16}, "Time until 99 % of the agents are in", "class=\"heading\"");
  svg.Text({0, 36}, absl::StrCat("handshakes at a time: ", HandshakesText(map.handshakes)),
           "class=\"label\"");
  svg.Text({0, 60}, "backlog", "class=\"label\"");
  svg.Text({kLabelWidth, 60}, "drain rate, agents a second", "class=\"label\"");
  const double cell = CellWidth(map.axes.drain_rates.size());
  for (size_t i = 0; i < map.axes.drain_rates.size(); ++i) {
    const int rate = map.axes.drain_rates[i];
    svg.Text({kLabelWidth + cell * static_cast<double>(i) + (cell - kGap) / 2, 80},
             rate == 0 ? "none" : CountText(int64_t{rate}), "class=\"label middle strong\"");
  }
  for (size_t i = 0; i < map.axes.backlogs.size(); ++i) {
    svg.Text({kLabelWidth - 10, kCellsTop + kCellHeight * static_cast<double>(i) + 31},
             CountText(int64_t{map.axes.backlogs[i]}), "class=\"label end strong\"");
  }
}

double KeyHeight(const Map& map) {
  return 8 + (map.scale.most > 0 ? kScaleHeight + 20 : 0) + (map.Hatched() ? 22 : 0) +
         (map.BestIsHatched() ? 22 : 0);
}

void DrawScale(const Map& map, double top, double width, Svg& svg) {
  const double left = kLabelWidth;
  const double step = (width - left - kGap) / kScaleSteps;
  for (int i = 0; i < kScaleSteps; ++i) {
    svg.Rect(left + step * i, top, step + 0.3, kScaleHeight,
             absl::StrFormat("fill=\"%s\"", SequenceAt(i / (kScaleSteps - 1.0)).Text()));
  }
  const auto text = [](double seconds) {
    return TimeText(Duration{static_cast<int64_t>(seconds * 1e9)});
  };
  svg.Text({left, top + 25}, text(map.scale.least), "class=\"small muted\"");
  svg.Text({width - kGap, top + 25}, text(map.scale.most), "class=\"small end muted\"");
}

void DrawKey(const Map& map, double top, double width, Svg& svg) {
  double line = top;
  if (map.scale.most > 0) {
    DrawScale(map, top, width, svg);
    line += kScaleHeight + 20;
  }
  if (map.Hatched()) {
    svg.Rect(kLabelWidth, line + 7, 28, kHatchHeight,
             absl::StrFormat("fill=\"url(#%s-hatch)\"", map.name));
    svg.Text({kLabelWidth + 36, line + 15}, "not all agents were in", "class=\"small muted\"");
    line += 22;
  }
  if (map.BestIsHatched()) {
    svg.Rect(kLabelWidth + 1.5, line + 4.5, 25, 11, "class=\"ring\"");
    svg.Text({kLabelWidth + 36, line + 15}, "the best of all", "class=\"small muted\"");
  }
}

std::string Description(const Map& map) {
  std::string text = "Each cell is a setting, with its median time. ";
  for (const SettingOutcome& summary : map.summaries) {
    if (!map.OfMap(summary)) continue;
    absl::StrAppend(&text, SettingText(summary.setting, true), ": ",
                    TimeText(summary.most.median, "never"));
    if (summary.lost > 0) {
      absl::StrAppend(&text, ", ", CountText(static_cast<int64_t>(summary.lost)), " not in");
    }
    text += "; ";
  }
  const size_t missing = map.CellsMissing();
  if (missing == 0) return absl::StrCat(absl::StripSuffix(text, "; "), ".");
  return absl::StrCat(text, Counted(missing, "cell was", "cells were"), " not tried.");
}

Figure Draw(const Map& map) {
  const double rows = static_cast<double>(map.axes.backlogs.size());
  const double columns = static_cast<double>(map.axes.drain_rates.size());
  const double cell = CellWidth(map.axes.drain_rates.size());
  const double width = std::max(kWidthLeast, kLabelWidth + cell * columns);
  const double key_top = kCellsTop + kCellHeight * rows + 8;
  Svg svg(map.name, width, key_top + KeyHeight(map),
          absl::StrCat("Heat map: time until 99 % of the agents are in, over backlog and drain "
                       "rate; handshakes at a time: ",
                       HandshakesText(map.handshakes)),
          Description(map));
  svg.Raw(absl::StrFormat(
      "<defs><pattern id=\"%s-hatch\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" "
      "patternTransform=\"rotate(45)\"><rect width=\"7\" height=\"7\" fill=\"#fff\"/>"
      "<rect width=\"3\" height=\"7\" fill=\"#111\"/></pattern></defs>\n",
      map.name));
  DrawLabels(map, svg);
  for (size_t row = 0; row < map.axes.backlogs.size(); ++row) {
    for (size_t column = 0; column < map.axes.drain_rates.size(); ++column) {
      DrawCell(map,
               {.backlog = map.axes.backlogs[row],
                .drain_rate = map.axes.drain_rates[column],
                .handshakes = map.handshakes},
               {kLabelWidth + cell * static_cast<double>(column),
                kCellsTop + kCellHeight * static_cast<double>(row)},
               svg);
    }
  }
  DrawKey(map, key_top, width, svg);
  return std::move(svg).Finish();
}

}  // namespace

bool SweepAxes::is_one_setting() const {
  return backlogs.size() <= 1 && drain_rates.size() <= 1 && handshakes.size() <= 1;
}

SweepAxes AxesOf(const Records& records) {
  SweepAxes axes;
  if (records.plan.has_value()) {
    axes = {records.plan->backlogs, records.plan->drain_rates, records.plan->handshakes};
  }
  for (const Trial& trial : records.trials) {
    axes.backlogs.push_back(trial.setting.backlog);
    axes.drain_rates.push_back(trial.setting.drain_rate);
    axes.handshakes.push_back(trial.setting.handshakes);
  }
  SortOnce(axes.backlogs);
  SortOnce(axes.drain_rates);
  SortOnce(axes.handshakes);
  return axes;
}

std::vector<Figure> HeatMaps(const SweepAxes& axes, const std::vector<SettingOutcome>& summaries) {
  std::vector<Figure> figures;
  for (const int handshakes : axes.handshakes) {
    figures.push_back(Draw({.axes = axes,
                            .summaries = summaries,
                            .scale = ScaleOf(summaries),
                            .handshakes = handshakes,
                            .name = absl::StrCat("heat-map-", handshakes)}));
  }
  return figures;
}

}  // namespace floodgate::tune
