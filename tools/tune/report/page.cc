#include "tools/tune/report/page.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tools/tune/ranking.h"
#include "tools/tune/report/about.h"
#include "tools/tune/report/heat_map.h"
#include "tools/tune/report/html_page.h"
#include "tools/tune/report/line_plot.h"
#include "tools/tune/report/recommendation.h"
#include "tools/tune/report/scatter.h"
#include "tools/tune/report/style.h"
#include "tools/tune/report/tables.h"
#include "tools/tune/report/text.h"

namespace floodgate::tune {
namespace {

void Tile(absl::string_view name, absl::string_view value, HtmlPage& page) {
  absl::StrAppend(&page.html, "<div><dt>", Escape(name), "</dt><dd>", Escape(value),
                  "</dd></div>\n");
}

void Tiles(const SettingOutcome& best, HtmlPage& page) {
  page.html += "<dl class=\"tiles\">\n";
  Tile("99 % in", TimeText(best.most.median, "never"), page);
  Tile("all in", TimeText(best.all.median, "never"), page);
  Tile("agents not in, worst run", CountText(static_cast<int64_t>(best.lost)), page);
  // Of fewer than a hundred tries it is the slowest.
  const bool few = best.controller_tries_most > 0 && best.controller_tries_most < 100;
  Tile(few ? "controller port, slowest try" : "controller port, p99",
       TimeText(best.controller_p99.median, "not measured"), page);
  Tile("deepest queue", CountText(best.queue_depth_max), page);
  page.html += "</dl>\n";
}

absl::string_view HeadlineStyle(Findings::Verdict verdict) {
  switch (verdict) {
    case Findings::Verdict::kAllIn:
      return "headline";
    case Findings::Verdict::kSomeLost:
    case Findings::Verdict::kNobodyServed:
      return "headline bad";
    case Findings::Verdict::kNoTrials:
      break;
  }
  return "headline unknown";
}

void Headline(absl::string_view style, absl::string_view text, HtmlPage& page) {
  absl::StrAppend(&page.html, "<p class=\"", style, "\">", Prose(text), "</p>\n");
}

void WhatToSet(const ReportInput& input, const Findings& findings, HtmlPage& page) {
  const bool by_sweep = !findings.to_set.empty() || !findings.steps.empty();
  if (!by_sweep && input.recommended.empty()) return;
  absl::StrAppend(
      &page.html, "<h2 id=\"set\">",
      findings.to_set.empty() && input.recommended.empty() ? "What to look at" : "What to set",
      "</h2>\n<div class=\"columns\">\n");
  if (by_sweep) {
    page.html += input.recommended.empty() ? "<section>\n" : "<section>\n<h3>By this sweep</h3>\n";
    for (const FileLines& file : findings.to_set) page.File(file);
    page.Items("ol", findings.steps);
    page.html += "</section>\n";
  }
  if (!input.recommended.empty()) {
    page.html += "<section>\n<h3>Recommended by floodgate-tune recommend</h3>\n";
    page.Paragraph(
        input.recommendation.has_value()
            ? absl::StrCat("For ", FleetText(input.recommendation->fleet), ".")
            : "For the fleet that it was asked about, which may be another than this one.");
    for (const FileLines& file : input.recommended) page.File(file);
    page.html += "</section>\n";
  }
  page.html += "</div>\n";
}

// What limits all this: of the sweep, of what could not be read, and that nothing was swept.
std::vector<std::string> CautionsOf(const ReportInput& input, const Findings& findings) {
  std::vector<std::string> cautions = input.warnings;
  cautions.insert(cautions.end(), findings.cautions.begin(), findings.cautions.end());
  if (!input.records.trials.empty()) return cautions;
  if (input.records.plan.has_value()) {
    cautions.emplace_back(
        "The sweep has no finished trial yet. The same `floodgate-tune sweep` command with the "
        "same "
        "`--out` goes on with it.");
  } else if (input.recommendation.has_value()) {
    cautions.emplace_back(
        "No setting was swept here, so what `floodgate-tune recommend` says is simulated: "
        "`floodgate-tune sweep` with this directory as `--out` measures.");
  } else {
    cautions.emplace_back(
        "No setting was swept here, so none is proposed: run `floodgate-tune sweep` with this "
        "directory as `--out`.");
  }
  return cautions;
}

void FindingsSection(const ReportInput& input, const std::vector<SettingOutcome>& summaries,
                     const Findings& findings, HtmlPage& page) {
  const bool measured = !summaries.empty() || !input.records.comparisons.empty();
  if (measured || !input.recommendation.has_value()) {
    Headline(HeadlineStyle(findings.verdict), findings.headline, page);
  } else {
    Headline(input.recommendation->met ? "headline" : "headline bad",
             RecommendationHeadline(*input.recommendation), page);
  }
  if (!summaries.empty()) Tiles(summaries.front(), page);
  if (!findings.reasons.empty()) {
    page.html += "<div class=\"columns\">\n<section>\n<h3>Why</h3>\n";
    page.Items("ul", findings.reasons);
    page.html += "</section>\n<section>\n<h3>What loses agents or time</h3>\n";
    page.Items("ul", findings.losses);
    page.html += "</section>\n</div>\n";
  }
  const std::vector<std::string> cautions = CautionsOf(input, findings);
  if (!cautions.empty()) {
    page.html += "<aside class=\"cautions\" aria-label=\"What limits this\">\n";
    for (const std::string& caution : cautions) page.Paragraph(caution);
    page.html += "</aside>\n";
  }
  WhatToSet(input, findings, page);
}

void SweepSection(const Records& records, const std::vector<SettingOutcome>& summaries,
                  const Findings& findings, HtmlPage& page) {
  const SweepAxes axes = AxesOf(records);
  if (!axes.is_one_setting()) {
    page.html += "<h2 id=\"sweep\">The sweep</h2>\n<div class=\"figures\">\n";
    for (Figure& figure : HeatMaps(axes, summaries)) page.Picture(std::move(figure));
    page.html += "</div>\n";
    const std::string variations = VariationsTable(summaries.front(), findings.variations);
    if (!variations.empty()) {
      absl::StrAppend(&page.html, "<h3>The best setting with one thing changed</h3>\n", variations);
    }
  }
}

void TimelineSection(const Records& records, const std::vector<SettingOutcome>& summaries,
                     HtmlPage& page) {
  const std::vector<Shown> shown = ShownTrials(records.trials, summaries);
  if (shown.empty()) return;
  page.html += "<h2 id=\"time\">While they came</h2>\n";
  page.Paragraph("One run of each setting, the one whose time to 99 % is in the middle.");
  page.html += "<div class=\"figures\">\n";
  const std::vector<PlotLine> lines = LinesOf(shown);
  page.Picture(QueuePlot(lines, "queue"));
  page.Picture(ServedPlot(lines, "admitted"));
  absl::StrAppend(&page.html, "</div>\n", MilestonesTable(shown));
}

std::vector<std::string> ScatterNotes(const std::vector<Comparison>& comparisons) {
  std::vector<std::string> notes = {
      "Each number is a row of the table below. Above the line the prediction was too late, below "
      "it too soon.",
      "A diamond is off by more than 20 % of the measurement."};
  const auto absent =
      std::count_if(comparisons.begin(), comparisons.end(),
                    [](const Comparison& comparison) { return !ErrorOf(comparison).has_value(); });
  if (absent > 0) {
    notes.push_back(absl::StrCat(absent, " of ", comparisons.size(), absent == 1 ? " is" : " are",
                                 " not in the picture, since 99 % were never in, as it was "
                                 "predicted or as it was measured."));
  }
  return notes;
}

void ComparisonSection(const Records& records, bool is_headline, HtmlPage& page) {
  if (records.comparisons.empty()) return;
  page.html += "<h2 id=\"comparison\">Prediction against measurement</h2>\n";
  if (!is_headline) page.Paragraph(PredictionSentence(records.comparisons));
  std::optional<Figure> plot = ScatterPlot(records.comparisons);
  if (plot.has_value()) {
    page.html += "<div class=\"figures\">\n";
    page.Picture(*std::move(plot));
    page.html += "<section>\n";
    page.Items("ul", ScatterNotes(records.comparisons));
    page.html += "</section>\n</div>\n";
  }
  page.html += ComparisonsTable(records.comparisons);
}

std::string Subtitle(const ReportInput& input) {
  const Records& records = input.records;
  if (records.plan.has_value()) {
    const Plan& plan = *records.plan;
    return absl::StrCat(FleetText(plan.fleet), "; ", Counted(plan.cores, "core"), ", ",
                        KeyText(plan.key), "; ", MinuteText(plan.started));
  }
  if (!records.trials.empty()) return "the plan of the sweep is missing";
  if (!records.comparisons.empty()) return FleetText(records.comparisons.front().fleet);
  return absl::StrCat(FleetText(input.recommendation->fleet), "; ",
                      Counted(input.recommendation->cores, "core"));
}

absl::Status IsWorthAReport(const ReportInput& input, absl::string_view directory) {
  if (HasResults(input)) return absl::OkStatus();
  if (input.records.plan.has_value()) {
    return absl::FailedPreconditionError(
        absl::StrCat(directory,
                     ": the sweep has no finished trial yet; let the same "
                     "floodgate-tune sweep command go on, then ask again"));
  }
  return absl::FailedPreconditionError(absl::StrCat(
      directory,
      ": has none of trials.jsonl, comparisons.jsonl and recommendation.json with "
      "anything in it; name the --out of a floodgate-tune sweep, predict --validate or "
      "recommend, or run one first"));
}

}  // namespace

bool HasResults(const ReportInput& input) {
  return !input.records.trials.empty() || !input.records.comparisons.empty() ||
         input.recommendation.has_value();
}

absl::StatusOr<Report> MakeReport(const ReportInput& input, absl::string_view directory) {
  const Records& records = input.records;
  if (absl::Status status = IsWorthAReport(input, directory); !status.ok()) return status;
  std::vector<SettingOutcome> summaries = OutcomesOf(records.trials);
  Rank(summaries);
  const Findings findings = Find(records, summaries);
  HtmlPage page;
  absl::StrAppend(
      &page.html,
      "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n"
      "<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
      "<title>floodgate: tuning report</title>\n<style>",
      PlotStyle(), PageStyle(),
      "</style>\n</head>\n<body>\n<header>\n<h1>floodgate: tuning report</h1>\n<p>",
      Escape(Subtitle(input)), "</p>\n</header>\n<main>\n");
  FindingsSection(input, summaries, findings, page);
  if (!summaries.empty()) {
    SweepSection(records, summaries, findings, page);
    TimelineSection(records, summaries, page);
    absl::StrAppend(&page.html, "<h2 id=\"settings\">All settings</h2>\n",
                    SettingsTable(summaries, records.plan.has_value() ? records.plan->runs : 0));
  }
  ComparisonSection(records, summaries.empty(), page);
  if (input.recommendation.has_value()) RecommendationSection(*input.recommendation, page);
  absl::StrAppend(&page.html, AboutSection(input),
                  "</main>\n<footer>Written by floodgate-tune report. What the columns mean: "
                  "docs/tuning.md.</footer>\n</body>\n</html>\n");
  return Report{.html = std::move(page.html), .figures = std::move(page.figures)};
}

}  // namespace floodgate::tune
