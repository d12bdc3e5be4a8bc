// floodgate-tune report as a process, in the directory of a recommendation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/child_process.h"
#include "tests/tools/report_samples.h"
#include "tools/tune/recommend.h"
#include "tools/tune/recommend_report.h"
#include "tools/tune/recommendation_file.h"
#include "tools/tune/records.h"

namespace floodgate::tune {
namespace {

using e2e::Finished;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// As `recommend --out` leaves it.
void KeepRecommendation(const e2e::TemporaryDirectory& directory, Duration recovery) {
  Wanted wanted;
  wanted.fleet.agents = 100;
  wanted.fleet.patience.time = Duration::Seconds(60);
  wanted.cost.handshake = PartsOf(Duration::Milliseconds(4));
  wanted.recovery = recovery;
  wanted.parked = Duration::Seconds(1);
  e2e::WriteFile(directory.File(kRecommendationFile),
                 RecommendationJson(wanted, Recommend(wanted), nullptr));
}

void KeepSweep(const e2e::TemporaryDirectory& directory) {
  const Records records = SampleSweep(SamplePlan(100, {16}, {0}, {0}));
  ASSERT_TRUE(AppendPlan(directory.path(), *records.plan).ok());
  for (const Trial& trial : records.trials) {
    ASSERT_TRUE(AppendTrial(directory.path(), trial).ok());
  }
}

Finished ReportOn(const e2e::TemporaryDirectory& directory) {
  return e2e::RunToEnd({TUNE_PATH, "report", directory.path()});
}

std::string PageIn(const e2e::TemporaryDirectory& directory) {
  return e2e::ReadFile(directory.File("report.html"));
}

TEST(TuneReportRecommendationProcess, AFileOfRecommendIsEnough) {
  for (const Duration recovery : {Duration::Seconds(2), Duration::Milliseconds(100)}) {
    const e2e::TemporaryDirectory directory;
    KeepRecommendation(directory, recovery);
    const Finished run = ReportOn(directory);
    EXPECT_EQ(run.exit_code, 0) << run.errors;
    EXPECT_EQ(run.errors, "");
    EXPECT_THAT(PageIn(directory),
                AllOf(HasSubstr("id=\"recommendation\""), HasSubstr("id=\"recommended-queue\"")));
  }
}

TEST(TuneReportRecommendationProcess, AFileThatCannotBeReadIsAnErrorIfThereIsNothingElse) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "it is no JSON"},
      {"\x7f garbage", "it is no JSON"},
      {"[]", "it must be an object"},
      {"{\"met\": true}", "\"agents\" must be there"}};
  for (const auto& [text, message] : cases) {
    const e2e::TemporaryDirectory directory;
    e2e::WriteFile(directory.File(kRecommendationFile), text);
    const Finished run = ReportOn(directory);
    EXPECT_EQ(run.exit_code, 1) << text;
    EXPECT_THAT(run.errors,
                AllOf(HasSubstr(absl::StrCat(directory.File(kRecommendationFile), ": ", message)),
                      HasSubstr("remove it, or let floodgate-tune recommend")));
    EXPECT_EQ(PageIn(directory), "");
  }
}

TEST(TuneReportRecommendationProcess, WhereThereIsMoreItIsAWarning) {
  const e2e::TemporaryDirectory directory;
  KeepSweep(directory);
  const Finished whole = ReportOn(directory);
  ASSERT_EQ(whole.exit_code, 0) << whole.errors;
  const std::string before = PageIn(directory);
  e2e::WriteFile(directory.File(kRecommendationFile), "{\"met\": 5}");
  e2e::WriteFile(directory.File("floodgate.toml"), "[agent]\nbacklog = 77\n");
  std::filesystem::create_directory(directory.File("90-floodgate.conf"));
  const Finished run = ReportOn(directory);
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.errors, AllOf(HasSubstr("floodgate-tune: warning: "),
                                HasSubstr("recommendation.json: \"agents\" must be there"),
                                HasSubstr("90-floodgate.conf is no file")));
  EXPECT_THAT(
      PageIn(directory),
      AllOf(HasSubstr("could not be read: recommendation.json: &quot;agents&quot; must be "
                      "there"),
            HasSubstr("could not be read: 90-floodgate.conf is no file"), HasSubstr("backlog = 77"),
            HasSubstr("id=\"settings\""), Not(HasSubstr("id=\"recommendation\""))));
  // Nothing that was there before is missing.
  for (const char* part : {"id=\"time\"", "id=\"queue\"", "id=\"about\"", "class=\"tiles\""}) {
    ASSERT_THAT(before, HasSubstr(part));
    EXPECT_THAT(PageIn(directory), HasSubstr(part));
  }
}

TEST(TuneReportRecommendationProcess, ASweepThatHasJustBegunIsTold) {
  const e2e::TemporaryDirectory directory;
  KeepRecommendation(directory, Duration::Seconds(2));
  ASSERT_TRUE(AppendPlan(directory.path(), SamplePlan(100, {16}, {0}, {0})).ok());
  const Finished run = ReportOn(directory);
  EXPECT_EQ(run.exit_code, 0) << run.errors;
  EXPECT_THAT(PageIn(directory), HasSubstr("The sweep has no finished trial yet."));
}

}  // namespace
}  // namespace floodgate::tune
