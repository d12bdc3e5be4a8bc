#include "core/service_order.h"

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "base/prng.h"
#include "gtest/gtest.h"

namespace floodgate {
namespace {

TEST(ServiceOrderTest, OldestFirstThenAsAdded) {
  ServiceOrder order;
  EXPECT_EQ(order.Next({100}), std::nullopt);
  EXPECT_EQ(order.NextDue(), Instant::Never());
  order.Add(0, {50}, {100});
  order.Add(1, {20}, {100});
  order.Add(2, {50}, {100});
  order.Add(3, {20}, {100});
  EXPECT_EQ(order.size(), 4u);
  for (const uint32_t expected : {1u, 3u, 0u, 2u}) EXPECT_EQ(order.Next({100}), expected);
  EXPECT_EQ(order.Next({100}), std::nullopt);
  EXPECT_EQ(order.size(), 0u);
}

TEST(ServiceOrderTest, NotBeforeAtItsEdge) {
  ServiceOrder order;
  order.Add(0, {10}, {200});
  order.Add(1, {90}, {100});
  EXPECT_EQ(order.NextDue(), Instant{100});
  EXPECT_EQ(order.Next({99}), std::nullopt);
  EXPECT_EQ(order.Next({100}), 1u);
  EXPECT_EQ(order.NextDue(), Instant{200});
  order.Add(1, {150}, {150});
  EXPECT_EQ(order.Next({199}), 1u);
  order.Add(1, {150}, {150});
  EXPECT_EQ(order.Next({200}), 0u) << "it is the older one, and its time has come";
}

TEST(ServiceOrderTest, RemoveTakesOutWhereverItStands) {
  ServiceOrder order;
  order.Add(0, {10}, {0});
  order.Add(1, {20}, {500});
  order.Add(2, {30}, {0});
  order.Remove(0);
  order.Remove(1);
  EXPECT_EQ(order.size(), 1u);
  order.Add(0, {40}, {0});  // The number is free again.
  EXPECT_EQ(order.Next({1000}), 2u);
  EXPECT_EQ(order.Next({1000}), 0u);
  EXPECT_EQ(order.Next({1000}), std::nullopt);
}

TEST(ServiceOrderDeathTest, RemovingAStrangerIsOurFault) {
  ServiceOrder order;
  order.Add(0, {10}, {0});
  EXPECT_EQ(order.Next({10}), 0u);
  EXPECT_DEATH(order.Remove(0), "sequence");
  order.Add(0, {10}, {0});
  EXPECT_DEATH(order.Add(0, {10}, {0}), "sequence");
}

// Against a list that is searched from end to end.
TEST(ServiceOrderTest, AgreesWithAPlainSearch) {
  Prng prng(11);
  ServiceOrder order;
  std::map<uint32_t, std::tuple<int64_t, int64_t, int>> plain;  // id: arrived, not before, sequence
  int sequence = 0;
  int64_t now = 1;
  for (int i = 0; i < 20'000; ++i) {
    now += static_cast<int64_t>(prng.Below(4));
    const auto id = static_cast<uint32_t>(prng.Below(40));
    const uint64_t action = prng.Below(3);
    if (action == 0 && !plain.contains(id)) {
      const auto arrived = static_cast<int64_t>(prng.Below(static_cast<uint64_t>(now)));
      const int64_t not_before = prng.Chance(50) ? now : now + static_cast<int64_t>(prng.Below(60));
      order.Add(id, {arrived}, {not_before});
      plain[id] = {arrived, not_before, ++sequence};
    } else if (action == 1 && plain.contains(id)) {
      order.Remove(id);
      plain.erase(id);
    } else if (action == 2) {
      std::optional<uint32_t> best;
      for (const auto& [candidate, entry] : plain) {
        const auto& [arrived, not_before, added] = entry;
        if (not_before > now) continue;
        if (!best.has_value() ||
            std::tuple(arrived, added) <
                std::tuple(std::get<0>(plain[*best]), std::get<2>(plain[*best]))) {
          best = candidate;
        }
      }
      ASSERT_EQ(order.Next({now}), best) << i;
      if (best.has_value()) plain.erase(*best);
    }
    ASSERT_EQ(order.size(), plain.size());
  }
}

}  // namespace
}  // namespace floodgate
