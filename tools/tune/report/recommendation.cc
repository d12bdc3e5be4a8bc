#include "tools/tune/report/recommendation.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/tune/report/line_plot.h"
#include "tools/tune/report/tables.h"
#include "tools/tune/report/text.h"

namespace floodgate::tune {
namespace {

using Simulated = KeptRecommendation::Simulated;
using Storm = KeptRecommendation::Storm;

// What was simulated of the backlog that is recommended. Null: the file does not have it.
const Simulated* Recommended(const KeptRecommendation& recommendation) {
  const auto found = std::find_if(
      recommendation.simulated.begin(), recommendation.simulated.end(),
      [&](const Simulated& one) { return one.backlog == recommendation.setting.backlog; });
  return found == recommendation.simulated.end() ? nullptr : &*found;
}

// Some backlog has all of them in in time, both if they come then and if they have waited.
bool AnyInTime(const KeptRecommendation& recommendation) {
  const auto in_time = [&](const TrialResult& result) {
    return result.all.has_value() && *result.all <= recommendation.recovery;
  };
  return std::any_of(
      recommendation.simulated.begin(), recommendation.simulated.end(),
      [&](const Simulated& one) { return in_time(one.together) && in_time(one.parked); });
}

std::string AllAgents(const KeptRecommendation& recommendation) {
  return recommendation.fleet.agents == 1
             ? "the agent"
             : absl::StrCat("all ", Counted(recommendation.fleet.agents, "agent"));
}

std::string QuestionText(const KeptRecommendation& recommendation) {
  const std::string cost =
      recommendation.key.has_value()
          ? absl::StrCat(TimeText(recommendation.cost), " of CPU an agent, measured with a key of ",
                         KeyText(*recommendation.key))
          : absl::StrCat(TimeText(recommendation.cost), " of CPU an agent, as it was given");
  return absl::StrCat("It was asked about ", FleetText(recommendation.fleet), ", on ",
                      Counted(recommendation.cores, "core"), "; ", cost,
                      ". All are to be in within ", TimeText(recommendation.recovery),
                      " of the gate's opening, whether they come then or have waited for ",
                      TimeText(recommendation.parked), ". What follows is simulated.");
}

void Reasons(const KeptRecommendation& recommendation, HtmlPage& page) {
  if (!recommendation.met) {
    page.html += "<h3>Why nothing does it</h3>\n";
    page.Paragraph(recommendation.why_not);
    if (recommendation.remedies.empty()) return;
    page.html += "<h3>What would</h3>\n";
    return page.Items("ul", recommendation.remedies);
  }
  page.html += "<h3>Each setting, and why</h3>\n<dl class=\"reasons\">\n";
  for (const KeptRecommendation::Line& setting : recommendation.settings) {
    absl::StrAppend(&page.html, "<dt><code>", Escape(setting.line), "</code></dt><dd>",
                    Prose(setting.why), "</dd>\n");
  }
  page.html += "</dl>\n";
}

void Pictures(const KeptRecommendation& recommendation, HtmlPage& page) {
  std::vector<PlotLine> lines;
  const auto add = [&lines](std::string text, std::string style, const TrialResult& result) {
    if (result.timeline.size() > 1) {
      lines.push_back({std::move(text), std::move(style), &result.timeline});
    }
  };
  if (const Simulated* simulated = Recommended(recommendation); simulated != nullptr) {
    add("simulated: come when the gate opens", "best", simulated->together);
    add(absl::StrCat("simulated: have waited for ", TimeText(recommendation.parked)), "default",
        simulated->parked);
  }
  if (recommendation.tried.has_value()) {
    add("measured: come when the gate opens", "worst", recommendation.tried->result);
  }
  if (lines.empty()) return;
  absl::StrAppend(&page.html, "<h3>With a backlog of ",
                  CountText(int64_t{recommendation.setting.backlog}),
                  "</h3>\n<div class=\"figures\">\n");
  page.Picture(QueuePlot(lines, "recommended-queue"));
  page.Picture(ServedPlot(lines, "recommended-admitted"));
  page.html += "</div>\n";
}

std::string TriedText(const KeptRecommendation& recommendation, const Storm& storm) {
  const TrialResult& result = storm.result;
  std::string text =
      absl::StrCat("Of ", Counted(result.agents, "agent"), " that came when the gate opened ",
                   Counted(result.served, "was", "were"), " in, half ", AfterOrNever(result.half),
                   ", 99 % ", AfterOrNever(result.most), ", all ", AfterOrNever(result.all), "; ",
                   TimeText(recommendation.recovery), " was asked for. The queue was full ",
                   Counted(result.accept_overflows, "time"), ", and ",
                   Counted(result.gave_up, "attempt ended", "attempts ended"),
                   " because the agent's patience was over.");
  if (!storm.fewer.empty()) {
    absl::StrAppend(&text, " They were fewer than the fleet: ", storm.fewer, ".");
  }
  if (storm.storm_was_limit) {
    absl::StrAppend(&text,
                    " The storm itself was the limit: the time is more than floodgated needs.");
  }
  return text;
}

}  // namespace

std::string RecommendationHeadline(const KeptRecommendation& recommendation) {
  const std::string all = AllAgents(recommendation);
  const std::string are = recommendation.fleet.agents == 1 ? " is" : " are";
  const std::string has = recommendation.fleet.agents == 1 ? " if it has" : " if they have";
  if (!recommendation.met) {
    const std::string within = absl::StrCat(all, " in within ", TimeText(recommendation.recovery));
    return AnyInTime(recommendation)
               ? absl::StrCat("No setting is recommended: where the simulation has ", within,
                              ", the queue is full too often.")
               : absl::StrCat("No setting that was simulated has ", within, ".");
  }
  std::string text = absl::StrCat("Set agent.backlog = ", recommendation.setting.backlog,
                                  ": in the simulation ", all, are, " in ");
  const Simulated* simulated = Recommended(recommendation);
  if (simulated == nullptr || !simulated->together.all || !simulated->parked.all) {
    return absl::StrCat(text, "within ", TimeText(recommendation.recovery), ".");
  }
  return absl::StrCat(text, "after ", TimeText(*simulated->together.all), ", and after ",
                      TimeText(*simulated->parked.all), has, " waited for ",
                      TimeText(recommendation.parked), " before the gate opens.");
}

void RecommendationSection(const KeptRecommendation& recommendation, HtmlPage& page) {
  page.html += "<h2 id=\"recommendation\">What floodgate-tune recommend says</h2>\n";
  page.Paragraph(QuestionText(recommendation));
  Reasons(recommendation, page);
  if (!recommendation.simulated.empty()) {
    absl::StrAppend(&page.html, "<h3>What was simulated</h3>\n", SimulatedTable(recommendation));
  }
  Pictures(recommendation, page);
  if (recommendation.tried.has_value()) {
    page.html += "<h3>Tried with a real storm</h3>\n";
    page.Paragraph(TriedText(recommendation, *recommendation.tried));
  }
}

}  // namespace floodgate::tune
