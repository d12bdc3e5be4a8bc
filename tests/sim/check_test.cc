// The bug search finds nothing in the daemon as it is, and is the same each time.
#include "sim/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace floodgate::sim {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kSmokeSeeds = 200;
constexpr uint64_t kComparedSeeds = 20;

TEST(CheckTest, FindsNothing) {
  uint64_t admitted = 0;
  for (uint64_t seed = 1; seed <= kSmokeSeeds; ++seed) {
    const CheckResult result = RunCheck(seed);
    ASSERT_FALSE(result.failed()) << result.text << "\nfloodgate-sim check --seed " << seed;
    admitted += result.admitted;
  }
  // It is about runs in which something happens.
  EXPECT_GT(admitted, 20 * kSmokeSeeds);
}

TEST(CheckTest, ASeedIsOneRun) {
  std::set<uint64_t> digests;
  for (uint64_t seed = 1; seed <= kComparedSeeds; ++seed) {
    const CheckResult once = RunCheck(seed);
    const CheckResult again = RunCheck(seed);
    ASSERT_EQ(once.digest, again.digest) << "seed " << seed;
    ASSERT_EQ(once.events, again.events) << "seed " << seed;
    digests.insert(once.digest);
  }
  EXPECT_EQ(digests.size(), kComparedSeeds);
}

TEST(CheckTest, TellsWhatHappensWithoutChangingIt) {
  std::vector<std::string> lines;
  const CheckResult told =
      RunCheck(1, nullptr, [&](const std::string& line) { lines.push_back(line); });
  EXPECT_EQ(told.digest, RunCheck(1).digest);
  EXPECT_THAT(lines, ::testing::Contains(HasSubstr("gatekeeper takes")));
  EXPECT_THAT(lines, ::testing::Contains(HasSubstr("operator open")));
  EXPECT_THAT(lines, ::testing::Contains(HasSubstr("is served")));
}

}  // namespace
}  // namespace floodgate::sim
