#include "core/patience.h"

#include <cstdint>
#include <optional>

#include "base/prng.h"
#include "gtest/gtest.h"

namespace floodgate {
namespace {

constexpr Instant At(int64_t ms) {
  return Instant{} + Duration::Milliseconds(ms);
}
constexpr Duration Ms(int64_t ms) {
  return Duration::Milliseconds(ms);
}

TEST(PatienceTest, NothingIsKnownUntilEnoughHaveLeft) {
  Patience patience(std::nullopt, At(0));
  for (uint64_t i = 1; i < Patience::kLeaversMin; ++i) {
    patience.Left(Ms(1000), At(0));
    EXPECT_FALSE(patience.Leaving(At(0)));
    EXPECT_EQ(patience.Known(), std::nullopt);
    EXPECT_EQ(patience.Horizon(At(0)), std::nullopt);
  }
  patience.Left(Ms(1000), At(0));
  EXPECT_TRUE(patience.Leaving(At(0)));
  ASSERT_TRUE(patience.Known().has_value());
  ASSERT_TRUE(patience.Horizon(At(0)).has_value());
  EXPECT_LE(*patience.Horizon(At(0)), *patience.Known() / 2);
  EXPECT_GT(*patience.Horizon(At(0)), *patience.Known() / 2 - Ms(1));
}

// For every age: never above it, and at most an eighth below.
TEST(PatienceTest, TheEstimateIsAtMostAnEighthTooLow) {
  Prng prng(3);
  for (int64_t age_ms = 20; age_ms < 1'000'000; age_ms += 1 + age_ms / 7) {
    Patience patience(std::nullopt, At(0));
    for (uint64_t i = 0; i < Patience::kLeaversMin; ++i) patience.Left(Ms(age_ms), At(0));
    ASSERT_TRUE(patience.Known().has_value()) << age_ms;
    EXPECT_LE(*patience.Known(), Ms(age_ms));
    EXPECT_GE(*patience.Known(), Ms(age_ms) * 7 / 8) << age_ms;
  }
}

TEST(PatienceTest, NearlyHalfMayHaveWaitedBeforeTheyWereSeen) {
  Patience patience(std::nullopt, At(0));
  for (int i = 0; i < 100; ++i) patience.Left(i < 49 ? Ms(30) : Ms(8192), At(0));
  EXPECT_GT(*patience.Known(), Ms(7000));
  for (int i = 0; i < 5; ++i) patience.Left(Ms(30), At(0));
  EXPECT_LT(*patience.Known(), Ms(31)) << "more than half have";
}

TEST(PatienceTest, TheHorizonShrinksWithEachWhoLeavesLateAndGrowsWithEachServed) {
  Patience patience(Ms(1024), At(0));
  const Duration most = *patience.Horizon(At(0));
  EXPECT_EQ(most, Ms(512));
  patience.LeftLate(Ms(900), At(0));
  EXPECT_NEAR(static_cast<double>(patience.Horizon(At(0))->ns),
              static_cast<double>(most.ns) * 7 / 8, 1e6);
  for (int i = 0; i < 68; ++i) {
    EXPECT_LT(*patience.Horizon(At(0)), most);
    patience.Served(At(0));
  }
  patience.Served(At(0));
  EXPECT_EQ(*patience.Horizon(At(0)), most) << "69 served pay for the one, and no more is gained";
}

// However patient they are: a longer line serves nobody more.
TEST(PatienceTest, WhileAgentsLeaveTheHorizonIsASecondAtTheMost) {
  Patience learned(std::nullopt, At(0));
  for (int i = 0; i < 20; ++i) learned.Left(Ms(10'000), At(0));
  EXPECT_GT(*learned.Known(), Ms(8000));
  EXPECT_EQ(learned.Horizon(At(0)), Patience::kHorizonMax);
  learned.LeftLate(Ms(4000), At(0));
  EXPECT_LT(*learned.Horizon(At(0)), Patience::kHorizonMax) << "one who left late counts at once";
  for (int i = 0; i < 2000; ++i) learned.Served(At(0));
  for (int i = 0; i < 100; ++i) learned.Left(Ms(10'000), At(0));
  EXPECT_EQ(learned.Horizon(At(0)), Patience::kHorizonMax);
}

TEST(PatienceTest, WhileNobodyLeavesAConfiguredPatienceHasAllOfItsHalf) {
  Patience configured(Ms(20'000), At(0));
  EXPECT_EQ(configured.Horizon(At(0)), Ms(10'000));
  for (int i = 0; i < 20; ++i) configured.Left(Ms(20'000), At(0));
  EXPECT_EQ(configured.Horizon(At(0)), Patience::kHorizonMax);
}

TEST(PatienceTest, TheHorizonIsNotLessThanAnEighthOfWhatTheLateHadWaited) {
  Patience patience(Ms(1024), At(0));
  for (int i = 0; i < 200; ++i) patience.LeftLate(Ms(800), At(0));
  EXPECT_EQ(*patience.Horizon(At(0)), Ms(100));
  for (int i = 0; i < 837; ++i) patience.Served(At(0));
  EXPECT_EQ(*patience.Horizon(At(0)), Ms(512)) << "and it has come back after 837 were served";
}

// Some leave after half a second, and those of whom the patience was learned after as long as you
// like: the horizon has to find the half second all the same, and must not pay more for it.
TEST(PatienceTest, OneInSixtyIsThePriceOfTheEdgeHoweverFarAboveItThePatienceIs) {
  for (const int64_t patience_ms : {1'000, 2'000, 20'000, 600'000}) {
    Patience patience(Ms(patience_ms), At(0));
    const auto serve_at_the_horizon = [&] {
      const bool late = *patience.Horizon(At(0)) > Ms(450);
      late ? patience.LeftLate(Ms(500), At(0)) : patience.Served(At(0));
      return late ? 1 : 0;
    };
    for (int i = 0; i < 1'000; ++i) serve_at_the_horizon();
    int late = 0;
    for (int i = 0; i < 10'000; ++i) late += serve_at_the_horizon();
    EXPECT_LE(late, 10'000 / 60) << patience_ms;
    EXPECT_GE(*patience.Horizon(At(0)), Ms(350)) << patience_ms;
  }
}

TEST(PatienceTest, TheHorizonDoesNotJumpWithTheLearnedPatience) {
  Patience patience(std::nullopt, At(0));
  for (int i = 0; i < 100; ++i) patience.Left(Ms(500), At(0));
  patience.LeftLate(Ms(500), At(0));
  for (int i = 0; i < 100; ++i) patience.Served(At(0));
  const Duration found = *patience.Horizon(At(0));
  for (int i = 0; i < 300; ++i) patience.Left(Ms(20'000), At(0));
  ASSERT_GT(*patience.Known(), Ms(15'000));
  EXPECT_LE(*patience.Horizon(At(0)), found + found / 100);
}

TEST(PatienceTest, WhoHasNotWaitedSaysNothing) {
  Patience patience(std::nullopt, At(0));
  for (int i = 0; i < 1000; ++i) patience.Left(Patience::kAgeMin - Duration{1}, At(0));
  EXPECT_FALSE(patience.Leaving(At(0)));
  EXPECT_EQ(patience.Known(), std::nullopt);
}

TEST(PatienceTest, AFewAmongManyServedAreNotReckonedWith) {
  Patience patience(std::nullopt, At(0));
  for (uint64_t i = 0; i < Patience::kLeaversMin; ++i) patience.Left(Ms(500), At(0));
  const uint64_t served = Patience::kLeaversMin * (Patience::kShareMin - 1);
  for (uint64_t i = 0; i < served; ++i) patience.Served(At(0));
  EXPECT_TRUE(patience.Leaving(At(0))) << "exactly the share";
  patience.Served(At(0));
  EXPECT_FALSE(patience.Leaving(At(0)));
  EXPECT_EQ(patience.Horizon(At(0)), std::nullopt);
  EXPECT_TRUE(patience.Known().has_value()) << "what was learned stays known";
}

TEST(PatienceTest, WhatIsOldFades) {
  Patience patience(std::nullopt, At(0));
  for (uint64_t i = 0; i < 2 * Patience::kLeaversMin; ++i) patience.Left(Ms(500), At(0));
  const Instant half = At(0) + Patience::kHalfLife;
  EXPECT_TRUE(patience.Leaving(half - Duration{1}));
  EXPECT_TRUE(patience.Leaving(half)) << "just enough is left";
  EXPECT_FALSE(patience.Leaving(half + Patience::kHalfLife));
  // A year later nothing is the matter.
  EXPECT_FALSE(patience.Leaving(At(int64_t{365} * 86'400'000)));
}

TEST(PatienceTest, ItFollowsWhenClientsBecomeLessPatient) {
  Patience patience(std::nullopt, At(0));
  for (int i = 0; i < 2000; ++i) patience.Left(Ms(10'000), At(i));
  EXPECT_GT(*patience.Known(), Ms(8'000));
  // 200 a second leave after 300 ms now.
  for (int i = 0; i < 2000; ++i) patience.Left(Ms(300), At(2000 + 5 * i));
  EXPECT_LE(*patience.Known(), Ms(300));
  for (int i = 0; i < 4000; ++i) patience.Left(Ms(10'000), At(12'000 + 5 * i));
  EXPECT_GT(*patience.Known(), Ms(8'000));
}

TEST(PatienceTest, ConfiguredItIsNotLearned) {
  Patience patience(Ms(2000), At(0));
  EXPECT_EQ(patience.Known(), Ms(2000));
  EXPECT_EQ(*patience.Horizon(At(0)), Ms(1000)) << "also while nobody leaves";
  for (int i = 0; i < 100; ++i) patience.Left(Ms(100), At(0));
  EXPECT_EQ(patience.Known(), Ms(2000));
  EXPECT_TRUE(patience.Leaving(At(0)));
  patience.Configure(std::nullopt);
  EXPECT_LE(*patience.Known(), Ms(100));
}

}  // namespace
}  // namespace floodgate
