#include "base/slot_pool.h"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/prng.h"
#include "gtest/gtest.h"

namespace floodgate {
namespace {

TEST(SlotHandleTest, PacksWithinFiftyFourBits) {
  const SlotHandle largest{.index = UINT32_MAX, .generation = SlotHandle::kGenerations - 1};
  EXPECT_LT(largest.Pack(), uint64_t{1} << 54);
  EXPECT_EQ(SlotHandle::Unpack(largest.Pack()), largest);
  EXPECT_EQ(SlotHandle::Unpack(SlotHandle{}.Pack()), SlotHandle{});
}

TEST(SlotPoolTest, AHandleNamesOneLife) {
  SlotPool<std::string> pool;
  const SlotHandle first = pool.Insert();
  *pool.Get(first) = "first";
  pool.Erase(first);
  EXPECT_EQ(pool.Get(first), nullptr);
  const SlotHandle second = pool.Insert();
  EXPECT_EQ(second.index, first.index) << "slots are used again";
  EXPECT_EQ(pool.Get(first), nullptr) << "the handle of the former life is stale";
  ASSERT_NE(pool.Get(second), nullptr);
  EXPECT_EQ(*pool.Get(second), "") << "what was there is gone";
  EXPECT_EQ(pool.HandleAt(second.index), second);
}

TEST(SlotPoolTest, HandlesThatNeverWereNameNothing) {
  SlotPool<int> pool;
  EXPECT_EQ(pool.Get({}), nullptr);
  pool.Insert();
  EXPECT_EQ(pool.Get({}), nullptr);
  EXPECT_EQ(pool.Get({.index = 7, .generation = 1}), nullptr);
}

TEST(SlotPoolTest, AddressesStayWhileItGrows) {
  SlotPool<int> pool;
  const SlotHandle handle = pool.Insert();
  int* const address = pool.Get(handle);
  for (int i = 0; i < 10'000; ++i) pool.Insert();
  EXPECT_EQ(pool.Get(handle), address);
}

TEST(SlotPoolTest, EraseReleasesWhatTheValueOwned) {
  SlotPool<std::shared_ptr<int>> pool;
  const auto owned = std::make_shared<int>(1);
  const SlotHandle handle = pool.Insert();
  *pool.Get(handle) = owned;
  EXPECT_EQ(owned.use_count(), 2);
  pool.Erase(handle);
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(SlotPoolTest, GenerationsGoRoundWithoutUsingZero) {
  SlotPool<char> pool;
  const SlotHandle first = pool.Insert();
  pool.Erase(first);
  uint32_t lives = 1;
  for (; lives < SlotHandle::kGenerations; ++lives) {
    const SlotHandle handle = pool.Insert();
    ASSERT_NE(handle.generation, 0u);
    ASSERT_LT(handle.generation, SlotHandle::kGenerations);
    if (handle == first) break;
    pool.Erase(handle);
  }
  EXPECT_EQ(lives, SlotHandle::kGenerations - 1);
}

TEST(SlotPoolTest, ForEachMayEraseWhatItVisits) {
  SlotPool<int> pool;
  for (int i = 0; i < 10; ++i) *pool.Get(pool.Insert()) = i;
  int sum = 0;
  pool.ForEach([&](SlotHandle handle, int& value) {
    sum += value;
    if (value % 2 == 0) pool.Erase(handle);
  });
  EXPECT_EQ(sum, 45);
  EXPECT_EQ(pool.size(), 5u);
}

TEST(SlotPoolTest, AgreesWithAMap) {
  Prng prng(1);
  SlotPool<uint64_t> pool;
  std::map<uint64_t, uint64_t> plain;  // by packed handle
  std::vector<SlotHandle> ended;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t action = prng.Below(3);
    if (action != 0 || plain.empty()) {
      const SlotHandle handle = pool.Insert();
      const uint64_t value = prng.Next();
      *pool.Get(handle) = value;
      ASSERT_TRUE(plain.emplace(handle.Pack(), value).second);
    } else {
      const auto it = plain.lower_bound(prng.Below(plain.rbegin()->first + 1));
      ended.push_back(SlotHandle::Unpack(it->first));
      ASSERT_EQ(*pool.Get(ended.back()), it->second);
      pool.Erase(ended.back());
      plain.erase(it);
    }
    ASSERT_EQ(pool.size(), plain.size());
  }
  for (const SlotHandle handle : ended) ASSERT_EQ(pool.Get(handle), nullptr);
}

TEST(SlotPoolDeathTest, EndingALifeTwiceIsOurFault) {
  SlotPool<int> pool;
  const SlotHandle handle = pool.Insert();
  pool.Erase(handle);
  EXPECT_DEATH(pool.Erase(handle), "Get");
  EXPECT_DEATH(pool.HandleAt(handle.index), "used");
}

}  // namespace
}  // namespace floodgate
