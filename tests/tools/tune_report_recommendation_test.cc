// The report of what `floodgate-tune recommend` has found, alone or beside other results.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/report_samples.h"
#include "tools/tune/report/absent.h"
#include "tools/tune/report/page.h"
#include "tools/tune/report/recommendation.h"

namespace floodgate::tune {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::string PageOf(const ReportInput& input) {
  const absl::StatusOr<Report> report = MakeReport(input, "DIR");
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? report->html : "";
}

TEST(RecommendationReportTest, IsAReportByItself) {
  ReportInput input;
  input.recommendation = SampleRecommendation(true);
  const std::string html = PageOf(input);
  EXPECT_THAT(html, HasSubstr("class=\"headline\">Set agent.backlog = 512: in the simulation all "
                              "1,000 agents are in after "));
  EXPECT_THAT(html, HasSubstr("[agent] backlog = 512"));
  EXPECT_THAT(html, HasSubstr("Two descriptors an agent, and the reserve."));
  EXPECT_THAT(html, HasSubstr("id=\"recommended-queue\""));
  EXPECT_THAT(html, HasSubstr("id=\"recommended-admitted\""));
  EXPECT_THAT(html, HasSubstr("Tried with a real storm"));
  // What it has not, and whence that comes.
  EXPECT_THAT(html, HasSubstr("No setting was swept here"));
  EXPECT_THAT(html, HasSubstr("Not in this report"));
  EXPECT_THAT(html, HasSubstr("floodgate-tune sweep --agents 1000 --cores 1 --patience 10s"));
  EXPECT_THAT(html, HasSubstr("floodgate-tune predict --validate --agents 1000"));
  EXPECT_THAT(html, Not(HasSubstr("floodgate-tune recommend --agents")));
  EXPECT_THAT(html, Not(HasSubstr("id=\"sweep\"")));
  EXPECT_THAT(html, Not(HasSubstr("By this sweep")));
}

TEST(RecommendationReportTest, SaysThatNothingDoesItAndWhatWould) {
  ReportInput input;
  input.recommendation = SampleRecommendation(false);
  const std::string html = PageOf(input);
  EXPECT_THAT(html, HasSubstr("class=\"headline bad\">No setting that was simulated has all 1,000 "
                              "agents in within 900\u00A0ms."));
  EXPECT_THAT(html, HasSubstr("The CPU is the bound."));
  EXPECT_THAT(html, HasSubstr("A recovery time of 1.44\u00A0s"));
}

// It is not the time that decides then.
TEST(RecommendationReportTest, SaysThatAQueueIsTooFullWhereAllAreInInTime) {
  KeptRecommendation recommendation = SampleRecommendation(false);
  KeptRecommendation::Simulated& simulated = recommendation.simulated.front();
  simulated.together.all = recommendation.recovery;
  simulated.parked.all = recommendation.recovery + Duration::Nanoseconds(1);
  EXPECT_EQ(RecommendationHeadline(recommendation),
            "No setting that was simulated has all 1,000 agents in within 900 ms.");
  simulated.parked.all = recommendation.recovery;
  EXPECT_EQ(RecommendationHeadline(recommendation),
            "No setting is recommended: where the simulation has all 1,000 agents in within 900 "
            "ms, the queue is full too often.");
}

TEST(RecommendationReportTest, HasNoPictureWithoutATimeline) {
  ReportInput input;
  input.recommendation = SampleRecommendation(true);
  for (KeptRecommendation::Simulated& simulated : input.recommendation->simulated) {
    simulated.together.timeline.clear();
    simulated.parked.timeline.clear();
  }
  input.recommendation->tried.reset();
  const absl::StatusOr<Report> report = MakeReport(input, "DIR");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->figures, IsEmpty());
}

TEST(RecommendationReportTest, OneAgentIsOneAgent) {
  KeptRecommendation recommendation = SampleRecommendation(true);
  recommendation.fleet.agents = 1;
  EXPECT_THAT(RecommendationHeadline(recommendation),
              AllOf(HasSubstr("the agent is in after "), HasSubstr("if it has waited for 10.0 s")));
}

TEST(AbsentPartsTest, NamesTheCommandOfEachPart) {
  ReportInput input;
  input.records.comparisons = SampleComparisons(1);
  std::vector<std::string> parts = AbsentParts(input);
  ASSERT_THAT(parts, SizeIs(2));
  EXPECT_THAT(parts[0], HasSubstr("`floodgate-tune sweep --agents 400 --cores 1 --patience 10s "
                                  "--retry immediate --key ecdsa --backlog "));
  EXPECT_THAT(parts[1], HasSubstr("`floodgate-tune recommend --agents 400 "));
  // Trials without their plan tell of no fleet.
  input.records.comparisons.clear();
  input.records.trials.emplace_back();
  EXPECT_THAT(AbsentParts(input)[0], HasSubstr("--agents N --cores N --patience D"));
}

}  // namespace
}  // namespace floodgate::tune
