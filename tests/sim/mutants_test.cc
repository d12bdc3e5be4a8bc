// The canary of the bug search: each planted bug is found within the smoke seeds.
#include "sim/mutants.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>

#include "sim/check.h"

namespace floodgate::sim {
namespace {

constexpr uint64_t kSmokeSeeds = 200;

class MutantsTest : public ::testing::TestWithParam<Mutant> {};

TEST_P(MutantsTest, IsFound) {
  for (uint64_t seed = 1; seed <= kSmokeSeeds; ++seed) {
    const CheckResult result = RunCheck(seed, &GetParam());
    if (!result.failed()) continue;
    RecordProperty("seed", std::to_string(seed));
    RecordProperty("rule", result.rule);
    return;
  }
  FAIL() << GetParam().name << ": " << GetParam().what << ", and nobody noticed";
}

std::string NameOf(const ::testing::TestParamInfo<Mutant>& info) {
  std::string name;
  bool capital = true;
  for (const char letter : info.param.name) {
    if (letter != '-') name += capital ? static_cast<char>(letter - 'a' + 'A') : letter;
    capital = letter == '-';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, MutantsTest, ::testing::ValuesIn(Mutants().begin(), Mutants().end()),
                         NameOf);

TEST(MutantNamesTest, AreDifferent) {
  std::set<absl::string_view> names;
  for (const Mutant& mutant : Mutants()) {
    EXPECT_TRUE(names.insert(mutant.name).second) << mutant.name;
    EXPECT_EQ(FindMutant(mutant.name), &mutant);
  }
  EXPECT_EQ(FindMutant("none"), nullptr);
}

}  // namespace
}  // namespace floodgate::sim
