// The report as a whole: what is in it when parts are missing, and the command that writes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/e2e/child_process.h"
#include "tests/tools/report_samples.h"
#include "tools/tune/records.h"
#include "tools/tune/report/heat_map.h"
#include "tools/tune/report/page.h"
#include "tools/tune/report_command.h"

namespace floodgate::tune {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Report ReportOf(const std::string& name) {
  for (const Sample& sample : Samples()) {
    if (sample.name != name) continue;
    absl::StatusOr<Report> report = MakeReport(sample.input, "DIR");
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *std::move(report) : Report{};
  }
  ADD_FAILURE() << "there is no sample " << name;
  return {};
}

std::vector<std::string> Names(const Report& report) {
  std::vector<std::string> names;
  for (const Figure& figure : report.figures) names.push_back(figure.name);
  return names;
}

TEST(ReportTest, HasEverySectionInTheOrderOfUse) {
  const Report report = ReportOf("whole");
  EXPECT_THAT(Names(report),
              ElementsAre("heat-map-0", "heat-map-16", "queue", "admitted", "prediction",
                          "recommended-queue", "recommended-admitted"));
  size_t before = 0;
  for (const char* mark :
       {"class=\"headline\"", "id=\"set\"", "id=\"sweep\"", "id=\"time\"", "id=\"settings\"",
        "id=\"comparison\"", "id=\"recommendation\"", "id=\"about\""}) {
    const size_t at = report.html.find(mark, before);
    ASSERT_NE(at, std::string::npos) << mark << " is not there, or not in its place";
    before = at;
  }
  EXPECT_THAT(report.html, HasSubstr("backlog = 1000  # made up"));
  EXPECT_THAT(report.html, Not(HasSubstr("Not in this report")));
}

TEST(ReportTest, TheSameRecordsGiveTheSamePage) {
  EXPECT_EQ(ReportOf("whole").html, ReportOf("whole").html);
}

TEST(ReportTest, LeavesOutWhatIsMissing) {
  EXPECT_THAT(Names(ReportOf("comparisons-only")), ElementsAre("prediction"));
  EXPECT_THAT(Names(ReportOf("one-setting")), ElementsAre("queue", "admitted"));
  const Report trials_only = ReportOf("trials-only");
  EXPECT_THAT(Names(trials_only), ElementsAre("heat-map-0", "heat-map-16", "queue", "admitted"));
  EXPECT_THAT(trials_only.html, HasSubstr("the plan of the sweep is missing"));
}

TEST(ReportTest, MarksWhatIsNotDoneAndWhoIsNotIn) {
  EXPECT_THAT(ReportOf("unfinished").html, AllOf(HasSubstr("Not finished"), HasSubstr("not tried"),
                                                 HasSubstr("class=\"absent\"")));
  EXPECT_THAT(
      ReportOf("every-setting-loses").html,
      AllOf(HasSubstr("headline bad"), HasSubstr("url(#heat-map-0-hatch)"), HasSubstr(" not in<")));
  // Nothing is the best there.
  EXPECT_THAT(ReportOf("nobody-served").html,
              AllOf(HasSubstr(">never<"), HasSubstr("What to look at"), Not(HasSubstr(">best")),
                    Not(HasSubstr("class=\"ring")), Not(HasSubstr("class=\"best-row"))));
}

// "The other cells were not tried" of a map that has no other cells is false.
TEST(ReportTest, SaysThatCellsWereNotTriedOnlyWhereSomeWereNot) {
  for (const char* whole : {"whole", "large", "every-setting-loses", "nobody-served"}) {
    EXPECT_THAT(ReportOf(whole).html, Not(HasSubstr("not tried.</desc>"))) << whole;
  }
  EXPECT_THAT(ReportOf("unfinished").html, HasSubstr(" cells were not tried.</desc>"));
  ReportInput input;
  input.records = SampleSweep(SamplePlan(100, {16, 64}, {0, 50}, {0}));
  std::erase_if(input.records.trials, [](const Trial& trial) {
    return trial.setting == Setting{.backlog = 64, .drain_rate = 50, .handshakes = 0};
  });
  const absl::StatusOr<Report> report = MakeReport(input, "DIR");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->html, HasSubstr("; 1 cell was not tried.</desc>"));
}

TEST(ReportTest, ComparisonsShowThePredictedOverflowsToo) {
  ReportInput input;
  input.records.comparisons = SampleComparisons(1);
  input.records.comparisons[0].measured.accept_overflows = 8'765;
  input.records.comparisons[0].predicted.accept_overflows = 4'321;
  const absl::StatusOr<Report> report = MakeReport(input, "DIR");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->html, HasSubstr("<td>8,765<span class=\"note\">4,321 predicted</span></td>"));
}

TEST(ReportTest, WritesForeignTextAsText) {
  EXPECT_THAT(ReportOf("hostile").html,
              AllOf(HasSubstr("&lt;script&gt;alert(&#39;x&#39;)"), Not(HasSubstr("<script"))));
}

TEST(ReportTest, NothingToReportOnIsAnErrorWithItsRemedy) {
  const absl::StatusOr<Report> nothing = MakeReport({}, "DIR");
  EXPECT_EQ(nothing.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(nothing.status().message()),
              AllOf(HasSubstr("DIR"), HasSubstr("floodgate-tune sweep")));
  EXPECT_THAT(std::string(nothing.status().message()), HasSubstr("recommendation.json"));
  ReportInput begun;
  begun.records.plan.emplace();
  EXPECT_THAT(std::string(MakeReport(begun, "DIR").status().message()),
              HasSubstr("no finished trial yet"));
}

TEST(SweepAxesTest, AreOfThePlanAndOfTheTrials) {
  Records records;
  records.plan = SamplePlan(10, {64, 16}, {500, 0}, {0});
  records.trials.push_back({.setting = {.backlog = 32, .drain_rate = 0}, .run = 1, .result = {}});
  const SweepAxes axes = AxesOf(records);
  EXPECT_THAT(axes.backlogs, ElementsAre(16, 32, 64));
  EXPECT_THAT(axes.drain_rates, ElementsAre(0, 500));
  EXPECT_THAT(axes.handshakes, ElementsAre(0));
  EXPECT_FALSE(axes.is_one_setting());
}

// --- The command

void Keep(const std::string& directory, const Records& records) {
  ASSERT_TRUE(AppendPlan(directory, *records.plan).ok());
  for (const Trial& trial : records.trials) ASSERT_TRUE(AppendTrial(directory, trial).ok());
  for (const Comparison& comparison : records.comparisons) {
    ASSERT_TRUE(AppendComparison(directory, comparison).ok());
  }
}

TEST(ReportCommandTest, WritesThePageOfADirectory) {
  const e2e::TemporaryDirectory directory;
  Records records = SampleSweep(SamplePlan(100, {16, 64}, {0}, {0}));
  records.comparisons = SampleComparisons(2);
  Keep(directory.path(), records);
  e2e::WriteFile(directory.File("90-floodgate.conf"), "net.core.somaxconn = 77\n");
  EXPECT_EQ(RunReport({.directory = directory.path(), .figures = true}), 0);
  const std::string html = e2e::ReadFile(directory.File("report.html"));
  EXPECT_TRUE(absl::StartsWith(html, "<!DOCTYPE html>"));
  EXPECT_TRUE(absl::EndsWith(html, "</html>\n"));
  EXPECT_THAT(html, AllOf(HasSubstr("net.core.somaxconn = 77"), HasSubstr("id=\"comparison\"")));
  for (const char* name : {"heat-map-0", "queue", "admitted", "prediction"}) {
    const std::string svg = e2e::ReadFile(directory.File(absl::StrCat("report-", name, ".svg")));
    EXPECT_TRUE(absl::StartsWith(svg, "<svg xmlns=")) << name;
    EXPECT_THAT(svg, HasSubstr("<style>")) << name;
  }
}

TEST(ReportCommandTest, WritesNoPictureUnlessAsked) {
  const e2e::TemporaryDirectory directory;
  Keep(directory.path(), SampleSweep(SamplePlan(100, {16}, {0}, {0})));
  EXPECT_EQ(RunReport({.directory = directory.path(), .figures = false}), 0);
  EXPECT_NE(e2e::ReadFile(directory.File("report.html")), "");
  EXPECT_EQ(e2e::ReadFile(directory.File("report-queue.svg")), "");
}

TEST(ReportCommandTest, FailsWithoutRecordsAndWritesNothing) {
  const e2e::TemporaryDirectory directory;
  EXPECT_EQ(RunReport({.directory = directory.path(), .figures = false}), 1);
  EXPECT_EQ(RunReport({.directory = directory.File("absent"), .figures = false}), 1);
  e2e::WriteFile(directory.File("trials.jsonl"), "{\"trial\": 5}\n");
  EXPECT_EQ(RunReport({.directory = directory.path(), .figures = false}), 1);
  EXPECT_EQ(e2e::ReadFile(directory.File("report.html")), "");
}

}  // namespace
}  // namespace floodgate::tune
