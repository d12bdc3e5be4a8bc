#include "sim/chance.h"

#include <gtest/gtest.h>

#include <cmath>

namespace floodgate::sim {
namespace {

TEST(ExponentialTest, TheSharesBeyondAFewMeansAreThoseOfTheDistribution) {
  Prng prng(7);
  const Duration mean = Duration::Milliseconds(250);
  constexpr int kDraws = 200'000;
  double sum_s = 0;
  int beyond[4] = {};
  for (int i = 0; i < kDraws; ++i) {
    const Duration drawn = Exponential(prng, mean);
    ASSERT_GE(drawn, Duration{});
    sum_s += drawn.seconds();
    for (int k = 0; k < 4; ++k) beyond[k] += drawn > mean * (k + 1) ? 1 : 0;
  }
  EXPECT_NEAR(sum_s / kDraws, mean.seconds(), mean.seconds() * 0.01);
  for (int k = 0; k < 4; ++k) {
    EXPECT_NEAR(double{1.0} * beyond[k] / kDraws, std::exp(-(k + 1)), 0.004) << k + 1 << " means";
  }
}

TEST(ExponentialTest, ASeedIsTheSameOnEveryCompiler) {
  // As first drawn with gcc 12 and with clang 14.
  Prng prng(1);
  const Duration first = Exponential(prng, Duration::Seconds(1));
  const Duration second = Exponential(prng, Duration::Seconds(1));
  EXPECT_EQ(first.ns, 566'561'575);
  EXPECT_EQ(second.ns, 971'002'753);
}

TEST(ExponentialTest, AMeanOfZeroIsAlwaysZero) {
  Prng prng(3);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Exponential(prng, {}), Duration{});
}

}  // namespace
}  // namespace floodgate::sim
