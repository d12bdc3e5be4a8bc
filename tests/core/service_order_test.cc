#include "core/service_order.h"

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>

#include "base/prng.h"
#include "gtest/gtest.h"

namespace floodgate {
namespace {

constexpr std::optional<Duration> kNoHorizon = std::nullopt;

TEST(ServiceOrderTest, WithoutHorizonOldestFirstThenAsAdded) {
  ServiceOrder order;
  EXPECT_EQ(order.Next(kNoHorizon, {100}), std::nullopt);
  order.Add(0, {50}, false);
  order.Add(1, {20}, false);
  order.Add(2, {50}, false);
  order.Add(3, {20}, false);
  EXPECT_EQ(order.size(), 4u);
  for (const uint32_t expected : {1u, 3u, 0u, 2u}) {
    EXPECT_EQ(order.Next(kNoHorizon, {100}), expected);
  }
  EXPECT_EQ(order.Next(kNoHorizon, {100}), std::nullopt);
  EXPECT_EQ(order.size(), 0u);
}

TEST(ServiceOrderTest, HorizonAtItsEdge) {
  ServiceOrder order;
  order.Add(0, {10}, false);
  order.Add(1, {50}, false);
  order.Add(2, {90}, false);
  EXPECT_EQ(order.Next(Duration{50}, {100}), 1u) << "just as old as the horizon is within it";
  order.Add(1, {50}, false);
  EXPECT_EQ(order.Next(Duration{49}, {100}), 2u);
  EXPECT_EQ(order.Next(Duration{49}, {100}), 1u) << "all are too old: the newest of them";
  EXPECT_EQ(order.Next(Duration{49}, {100}), 0u);
}

TEST(ServiceOrderTest, ThoseWhoWereParkedComeFirstInTheirOrderHoweverOld) {
  ServiceOrder order;
  order.Add(0, {99}, false);
  order.Add(1, {20}, true);
  order.Add(2, {10}, true);
  order.Add(3, {15}, false);
  EXPECT_EQ(order.size(), 4u);
  for (const uint32_t expected : {2u, 1u, 0u, 3u}) {
    EXPECT_EQ(order.Next(Duration{5}, {100}), expected);
  }
}

TEST(ServiceOrderTest, RemoveTakesOutWhereverItStands) {
  ServiceOrder order;
  order.Add(0, {10}, false);
  order.Add(1, {20}, true);
  order.Add(2, {30}, false);
  order.Remove(0);
  order.Remove(1);
  EXPECT_EQ(order.size(), 1u);
  order.Add(0, {40}, true);  // The number is free again.
  EXPECT_EQ(order.Next(kNoHorizon, {1000}), 0u);
  EXPECT_EQ(order.Next(kNoHorizon, {1000}), 2u);
  EXPECT_EQ(order.Next(kNoHorizon, {1000}), std::nullopt);
}

TEST(ServiceOrderDeathTest, RemovingAStrangerIsOurFault) {
  ServiceOrder order;
  order.Add(0, {10}, false);
  EXPECT_EQ(order.Next(kNoHorizon, {10}), 0u);
  EXPECT_DEATH(order.Remove(0), "sequence");
  order.Add(0, {10}, false);
  EXPECT_DEATH(order.Add(0, {10}, false), "sequence");
}

// What the header says, found by searching from end to end.
struct Plain {
  int64_t arrived = 0;
  int sequence = 0;
  bool parked = false;
};

std::optional<uint32_t> Search(const std::map<uint32_t, Plain>& plain,
                               std::optional<Duration> horizon, int64_t now) {
  std::optional<uint32_t> best;
  std::tuple<int, int64_t, int64_t> best_rank;  // less is earlier
  for (const auto& [id, entry] : plain) {
    std::tuple<int, int64_t, int64_t> rank;
    if (entry.parked) {
      rank = {0, entry.arrived, entry.sequence};
    } else if (!horizon.has_value() || now - entry.arrived <= horizon->ns) {
      rank = {1, entry.arrived, entry.sequence};
    } else {
      rank = {2, -entry.arrived, -entry.sequence};
    }
    if (!best.has_value() || rank < best_rank) {
      best = id;
      best_rank = rank;
    }
  }
  return best;
}

TEST(ServiceOrderTest, AgreesWithAPlainSearch) {
  Prng prng(11);
  ServiceOrder order;
  std::map<uint32_t, Plain> plain;
  int sequence = 0;
  int64_t now = 1;
  for (int i = 0; i < 20'000; ++i) {
    now += static_cast<int64_t>(prng.Below(4));
    const auto id = static_cast<uint32_t>(prng.Below(40));
    const uint64_t action = prng.Below(3);
    if (action == 0 && !plain.contains(id)) {
      const auto age = static_cast<int64_t>(prng.Below(100));
      const bool parked = prng.Chance(10);
      order.Add(id, {now - age}, parked);
      plain[id] = {.arrived = now - age, .sequence = ++sequence, .parked = parked};
    } else if (action == 1 && plain.contains(id)) {
      order.Remove(id);
      plain.erase(id);
    } else if (action == 2) {
      std::optional<Duration> horizon;
      if (prng.Chance(70)) horizon = Duration{static_cast<int64_t>(prng.Below(120))};
      const std::optional<uint32_t> expected = Search(plain, horizon, now);
      ASSERT_EQ(order.Next(horizon, {now}), expected) << i;
      if (expected.has_value()) plain.erase(*expected);
    }
    ASSERT_EQ(order.size(), plain.size());
  }
}

}  // namespace
}  // namespace floodgate
