#include "tools/tune/report/tables.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "tools/sim/choices.h"
#include "tools/tune/report/scatter.h"
#include "tools/tune/report/text.h"

namespace floodgate::tune {
namespace {

// Before the heading of a column of text, which is aligned to the left.
constexpr absl::string_view kTextColumn = "<";

// A table in a region of its own that can be scrolled, by keys too, where it is wider than the
// page.
class Table {
 public:
  Table(const std::string& label, const std::string& caption,
        const std::vector<std::string>& headings) {
    html_ = absl::StrFormat(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"%s\">\n<table>"
        "<caption>%s</caption>\n<thead><tr>",
        Escape(label), Escape(caption));
    for (const std::string& heading : headings) {
      const bool is_text = absl::StartsWith(heading, kTextColumn);
      absl::StrAppend(
          &html_, is_text ? "<th scope=\"col\" class=\"left\">" : "<th scope=\"col\">",
          absl::StrReplaceAll(Escape(absl::StripPrefix(heading, kTextColumn)), {{"\n", "<br/>"}}),
          "</th>");
    }
    html_ += "</tr></thead>\n<tbody>\n";
  }

  void BeginRow(bool is_best = false) { html_ += is_best ? "<tr class=\"best-row\">" : "<tr>"; }
  void Heading(const std::string& text) {
    absl::StrAppend(&html_, "<th scope=\"row\" class=\"left\">", Escape(text), "</th>");
  }
  // `note`: in small type below.
  void Cell(const std::string& text, const std::string& style = "", const std::string& note = "") {
    absl::StrAppend(&html_, style.empty() ? "<td>" : absl::StrCat("<td class=\"", style, "\">"),
                    Escape(text));
    if (!note.empty()) absl::StrAppend(&html_, "<span class=\"note\">", Escape(note), "</span>");
    html_ += "</td>";
  }
  void EndRow() { html_ += "</tr>\n"; }
  std::string Finish() && { return std::move(html_) + "</tbody></table></div>\n"; }

 private:
  std::string html_;
};

std::string Count(uint64_t count) {
  return CountText(static_cast<int64_t>(count));
}

std::string DrainCell(int rate) {
  return rate == 0 ? "none" : CountText(int64_t{rate});
}
std::string HandshakesCell(int count) {
  return count == 0 ? "auto" : CountText(int64_t{count});
}

void SettingCells(const Setting& setting, Table& table) {
  table.Cell(CountText(int64_t{setting.backlog}));
  table.Cell(DrainCell(setting.drain_rate));
  table.Cell(HandshakesCell(setting.handshakes));
}

// "" where the runs do not differ in what is shown.
std::string Range(const TimeSpread& spread) {
  if (!spread.least.has_value() || !spread.most.has_value()) return "";
  return TimeText(*spread.least) == TimeText(*spread.most) ? "" : RangeText(spread);
}

void LostCell(const SettingOutcome& summary, Table& table) {
  const std::string note =
      summary.lost > 0 && summary.runs > 1
          ? absl::StrCat("in ", summary.runs_with_losses, " of ", summary.runs, " runs")
          : std::string();
  table.Cell(Count(summary.lost), summary.lost > 0 ? "bad-cell" : "", note);
}

// When `share` of the agents that came were in, by the timeline. nullopt: not in it.
std::optional<Duration> WhenIn(const TrialResult& result, double share) {
  const double wanted = share * static_cast<double>(result.agents);
  for (const TrialMoment& moment : result.timeline) {
    if (moment.served > 0 && static_cast<double>(moment.served) >= wanted) return moment.at;
  }
  return std::nullopt;
}

std::string ErrorText(const Comparison& comparison) {
  const std::optional<double> error = ErrorOf(comparison);
  if (!error.has_value()) return "none";
  return absl::StrFormat("%s%.0f %%", *error < 0 ? "−" : "+", std::fabs(*error) * 100);
}

// The time to 99 per cent, and who was not in.
void MostCell(const TrialResult& result, Table& table) {
  const uint64_t lost = result.agents - std::min(result.served, result.agents);
  table.Cell(TimeText(result.most, "never"), "",
             lost > 0 ? absl::StrCat(Count(lost), " not in") : std::string());
}

}  // namespace

std::string SettingsTable(const std::vector<SettingOutcome>& summaries, int runs) {
  Table table("All settings", "Medians over the runs, and from the least to the most. Best first.",
              {"", "backlog", "drain\nrate, /s", "handshakes", "runs", "not in,\nworst run",
               "50 %\nin", "99 %\nin", "all in", "controller\np99", "queue\noverflows",
               "SYNs\nagain", "gave\nup", "stale", "handshakes\nwasted", "deepest\nqueue"});
  for (size_t i = 0; i < summaries.size(); ++i) {
    const SettingOutcome& summary = summaries[i];
    table.BeginRow(i == 0 && summary.served_total > 0);
    table.Heading(absl::StrCat(i + 1, "."));
    SettingCells(summary.setting, table);
    table.Cell(summary.runs < runs ? absl::StrCat(summary.runs, " of ", runs)
                                   : absl::StrCat(summary.runs));
    LostCell(summary, table);
    table.Cell(TimeText(summary.half.median, "never"));
    table.Cell(TimeText(summary.most.median, "never"), summary.most.median ? "" : "bad-cell",
               Range(summary.most));
    table.Cell(TimeText(summary.all.median, "never"));
    table.Cell(TimeText(summary.controller_p99.median, "–"), "", Range(summary.controller_p99));
    for (const double count : {summary.accept_overflows, summary.syn_retransmits, summary.gave_up,
                               summary.stale, summary.wasted_handshakes, summary.queue_depth_max}) {
      table.Cell(CountText(count));
    }
    table.EndRow();
  }
  return std::move(table).Finish();
}

std::string VariationsTable(const SettingOutcome& best, const std::vector<Variation>& variations) {
  if (variations.empty()) return "";
  Table table("The best setting with one thing changed", "Medians over the runs",
              {"<changed", "99 % in", "not in, worst run", "<what comes of it"});
  table.BeginRow(true);
  table.Heading("nothing");
  table.Cell(TimeText(best.most.median, "never"));
  LostCell(best, table);
  table.Cell(SettingText(best.setting, false), "wide");
  table.EndRow();
  for (const Variation& variation : variations) {
    table.BeginRow();
    table.Heading(variation.what);
    table.Cell(TimeText(variation.summary->most.median, "never"));
    LostCell(*variation.summary, table);
    table.Cell(variation.effect, "wide");
    table.EndRow();
  }
  return std::move(table).Finish();
}

std::string MilestonesTable(const std::vector<Shown>& shown) {
  constexpr std::array<double, 4> kShares = {0.25, 0.5, 0.75, 0.9};
  Table table(
      "When the agents were in", "What the lines show, of one run each",
      {"", "25 % in", "50 % in", "75 % in", "90 % in", "99 % in", "all in", "deepest queue"});
  for (const Shown& one : shown) {
    const TrialResult& result = one.trial->result;
    table.BeginRow();
    table.Heading(absl::StrCat(one.role, ": ", SettingText(one.summary->setting, true)));
    for (const double share : kShares) table.Cell(TimeText(WhenIn(result, share), "never"));
    table.Cell(TimeText(result.most, "never"));
    table.Cell(TimeText(result.all, "never"));
    table.Cell(Count(result.queue_depth_max));
    table.EndRow();
  }
  return std::move(table).Finish();
}

std::string SimulatedTable(const KeptRecommendation& recommendation) {
  Table table("What was simulated",
              "The fleet comes when the gate opens, or has come before and waits for it",
              {"backlog", "all in,\ncome then", "queue\nfull", "gave\nup", "all in,\nhave waited",
               "queue\nfull", "gave\nup", "<does it"});
  for (const KeptRecommendation::Simulated& simulated : recommendation.simulated) {
    table.BeginRow(recommendation.met && simulated.backlog == recommendation.setting.backlog);
    table.Heading(CountText(int64_t{simulated.backlog}));
    for (const TrialResult* result : {&simulated.together, &simulated.parked}) {
      table.Cell(TimeOrNever(result->all), result->all.has_value() ? "" : "bad-cell");
      table.Cell(Count(result->accept_overflows));
      table.Cell(Count(result->gave_up));
    }
    table.Cell(simulated.does_it ? "yes" : "no", "left");
    table.EndRow();
  }
  return std::move(table).Finish();
}

std::string ComparisonsTable(const std::vector<Comparison>& comparisons) {
  Table table("Predictions and measurements",
              "Measured and predicted; the error is of the time until 99 % are in",
              {"", "backlog", "drain\nrate, /s", "handshakes", "agents", "patience", "cores", "key",
               "handshake\ncost", "99 % in,\nmeasured", "99 % in,\npredicted", "error", "50 % in",
               "queue\noverflows"});
  for (size_t i = 0; i < comparisons.size(); ++i) {
    const Comparison& comparison = comparisons[i];
    table.BeginRow();
    table.Heading(absl::StrCat(i + 1, "."));
    SettingCells(comparison.setting, table);
    table.Cell(CountText(comparison.fleet.agents));
    table.Cell(sim::PatienceText(comparison.fleet.patience));
    table.Cell(absl::StrCat(comparison.cores));
    table.Cell(std::string(KeyText(comparison.key)));
    table.Cell(TimeText(comparison.handshake_cost));
    MostCell(comparison.measured, table);
    MostCell(comparison.predicted, table);
    table.Cell(ErrorText(comparison), InBand(comparison) ? "" : "bad-cell");
    table.Cell(TimeOrNever(comparison.measured.half), "",
               absl::StrCat(TimeOrNever(comparison.predicted.half), " predicted"));
    table.Cell(Count(comparison.measured.accept_overflows), "",
               absl::StrCat(Count(comparison.predicted.accept_overflows), " predicted"));
    table.EndRow();
  }
  return std::move(table).Finish();
}

}  // namespace floodgate::tune
