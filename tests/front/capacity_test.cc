// How many agents a limit of descriptors allows, and the other way round.
#include <gtest/gtest.h>

#include "front/gatekeeper.h"

namespace floodgate {
namespace {

TEST(CapacityTest, TheDescriptorsThatItNamesAreEnoughAndHardlyMore) {
  for (int64_t agents = 1; agents < 20'000; agents += agents < 300 ? 1 : 97) {
    const int64_t descriptors = Capacity::DescriptorsFor(agents);
    const auto most = [](int64_t limit) {
      return Capacity::Of({}, static_cast<uint64_t>(limit), 1).connections_max;
    };
    EXPECT_GE(most(descriptors), agents) << descriptors;
    EXPECT_LE(most(descriptors), agents + 2) << descriptors;
  }
}

}  // namespace
}  // namespace floodgate
