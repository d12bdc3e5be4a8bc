#include "tools/tune/report/about.h"

#include <cstddef>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/tune/report/absent.h"
#include "tools/tune/report/text.h"
#include "tools/tune/report/unfinished.h"

namespace floodgate::tune {
namespace {

constexpr size_t kMissingShown = 12;

void Fact(const std::string& name, const std::string& value, std::string& html) {
  absl::StrAppend(&html, "<dt>", Escape(name), "</dt><dd>",
                  value.empty() ? "not known" : Escape(value), "</dd>\n");
}

std::string Values(const std::vector<int>& values, const char* of_zero) {
  return absl::StrJoin(values, "; ", [of_zero](std::string* out, int value) {
    absl::StrAppend(out, value == 0 ? of_zero : CountText(int64_t{value}));
  });
}

std::string NotFinished(const Records& records) {
  const std::vector<Unfinished> missing = UnfinishedOf(records);
  if (missing.empty()) return "";
  std::string html = "<h3>Not finished</h3>\n<ul>\n";
  for (size_t i = 0; i < missing.size() && i < kMissingShown; ++i) {
    absl::StrAppend(&html, "<li>", Escape(SettingText(missing[i].setting, false)), ": ",
                    Counted(missing[i].runs, "run"), " of ", records.plan->runs, "</li>\n");
  }
  if (missing.size() > kMissingShown) {
    absl::StrAppend(&html, "<li>and ", Counted(missing.size() - kMissingShown, "setting"),
                    " more</li>\n");
  }
  return html + "</ul>\n";
}

std::string NotThere(const ReportInput& input) {
  const std::vector<std::string> parts = AbsentParts(input);
  if (parts.empty()) return "";
  std::string html = "<h3>Not in this report</h3>\n";
  for (const std::string& part : parts) absl::StrAppend(&html, "<p>", Prose(part), "</p>\n");
  absl::StrAppend(&html, "<p class=\"note\">",
                  Prose("DIR is the directory of this report; `floodgate-tune report DIR` then "
                        "makes it anew."),
                  "</p>\n");
  return html;
}

void PlanFacts(const Records& records, std::string& html) {
  const Plan& plan = *records.plan;
  Fact("fleet", FleetText(plan.fleet), html);
  Fact("certificate", std::string(KeyText(plan.key)), html);
  Fact("cores of floodgated", absl::StrCat(plan.cores, " of ", plan.host_cores), html);
  Fact("processor", plan.processor, html);
  Fact("kernel", plan.kernel, html);
  Fact("net.core.somaxconn", CountText(plan.somaxconn), html);
  Fact("floodgate", plan.version, html);
  Fact("begun", MinuteText(plan.started), html);
  Fact("a trial ends after", TimeText(plan.limit), html);
  Fact("backlogs", Values(plan.backlogs, "0"), html);
  Fact("drain rates, agents a second", Values(plan.drain_rates, "none"), html);
  Fact("handshakes at a time", Values(plan.handshakes, "as floodgated chooses"), html);
  const int missing = TrialsMissing(records);
  Fact("trials",
       absl::StrCat(
           records.trials.size(), " done, ",
           missing == 0 ? std::string("all that were planned") : absl::StrCat(missing, " missing"),
           "; ", Counted(plan.runs, "run"), " of each setting"),
       html);
}

void RecommendationFacts(const KeptRecommendation& recommendation, std::string& html) {
  Fact("recommended for", FleetText(recommendation.fleet), html);
  Fact("on", Counted(recommendation.cores, "core"), html);
  Fact("by floodgate", recommendation.version, html);
}

}  // namespace

std::string AboutSection(const ReportInput& input) {
  const Records& records = input.records;
  std::string html = "<h2 id=\"about\">About this run</h2>\n<dl class=\"facts\">\n";
  if (records.plan.has_value()) {
    PlanFacts(records, html);
  } else if (!records.trials.empty()) {
    Fact("trials", CountText(static_cast<int64_t>(records.trials.size())), html);
    Fact("host and fleet", "", html);
  }
  if (!records.comparisons.empty()) {
    Fact("comparisons", CountText(static_cast<int64_t>(records.comparisons.size())), html);
  }
  if (input.recommendation.has_value()) RecommendationFacts(*input.recommendation, html);
  html += "</dl>\n";
  html += NotFinished(records);
  html += NotThere(input);
  if (records.trials.empty() && records.comparisons.empty()) return html;
  html +=
      "<p class=\"note\">A trial starts a floodgated of its own, lets all agents come in the "
      "moment "
      "in which its gate opens, and asks its controller port meanwhile. Times count from the "
      "opening. A setting is better that loses fewer agents in its worst run; then that has 99 % "
      "in "
      "sooner (alike within 5 %); then that disturbs the controller port less (alike within 25 %); "
      "then that has the smaller backlog.</p>\n";
  return html;
}

}  // namespace floodgate::tune
