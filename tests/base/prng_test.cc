#include "base/prng.h"

#include <array>
#include <cstdint>

#include "gtest/gtest.h"

namespace floodgate {
namespace {

TEST(PrngTest, GivesTheNumbersOfThePaper) {
  // The reference implementation of splitmix64 (Vigna, public domain) from the state 1234567.
  Prng prng(1234567);
  EXPECT_EQ(prng.Next(), 6457827717110365317u);
  EXPECT_EQ(prng.Next(), 3203168211198807973u);
  EXPECT_EQ(prng.Next(), 9817491932198370423u);
  EXPECT_EQ(prng.Next(), 4593380528125082431u);
  EXPECT_EQ(prng.Next(), 16408922859458223821u);
}

TEST(PrngTest, OneSeedIsOneRun) {
  Prng first(42);
  Prng second(42);
  Prng other(43);
  int same_as_other = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t number = first.Next();
    EXPECT_EQ(number, second.Next());
    if (number == other.Next()) ++same_as_other;
  }
  EXPECT_EQ(same_as_other, 0);
}

TEST(PrngTest, BelowKeepsItsBound) {
  Prng prng(7);
  for (const uint64_t bound :
       {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{1000}, uint64_t{1} << 63, UINT64_MAX}) {
    for (int i = 0; i < 1000; ++i) EXPECT_LT(prng.Below(bound), bound);
  }
  EXPECT_EQ(prng.Below(1), 0u);
}

TEST(PrngTest, BelowIsEven) {
  // 60,000 throws of a die: the standard deviation of each count is 91, so that 500 is more than
  // five of them; the seed is fixed, so that this holds always or never.
  Prng prng(1);
  std::array<int, 6> counts{};
  for (int i = 0; i < 60'000; ++i) ++counts[prng.Below(6)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
}

TEST(PrngTest, ChanceIsInPercent) {
  Prng prng(1);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_FALSE(prng.Chance(0));
    EXPECT_TRUE(prng.Chance(100));
    if (prng.Chance(30)) ++hits;
  }
  EXPECT_NEAR(hits, 3000, 250);
}

TEST(PrngTest, MixTurnsAboutHalfOfTheBitsForEachOne) {
  for (int bit = 0; bit < 64; ++bit) {
    const uint64_t difference = Prng::Mix(12345) ^ Prng::Mix(12345 ^ (uint64_t{1} << bit));
    EXPECT_GT(__builtin_popcountll(difference), 12) << bit;
    EXPECT_LT(__builtin_popcountll(difference), 52) << bit;
  }
}

}  // namespace
}  // namespace floodgate
