#include "sim/overload.h"

#include <gtest/gtest.h>

#include "sim/recovery.h"

namespace floodgate::sim {
namespace {

// Of the capacity's own measurement, for the costs by default; measured once, it takes a while.
const ServerCapacity& Capacity() {
  static const ServerCapacity capacity = MeasureCapacity({});
  return capacity;
}

OverloadResult Overload(uint32_t load_pct, uint64_t seed) {
  OverloadSetup setup;
  setup.scenario.seed = seed;
  setup.load_pct = load_pct;
  setup.window = Duration::Seconds(10);
  return RunOverload(setup, Capacity());
}

TEST(OverloadTest, TheCapacityIsWhatTheHandshakeLeavesBesideTheControllers) {
  // A second has room for 1 s / 4.36 ms = 229 handshakes alone; 20 are the controllers'.
  EXPECT_GT(Capacity().per_second(), 195);
  EXPECT_LT(Capacity().per_second(), 210);
}

TEST(OverloadTest, AtTheCapacityNineInTenAreServed) {
  const OverloadResult result = Overload(100, 1);
  EXPECT_GE(result.goodput(), 0.9);
  EXPECT_EQ(result.controllers_unserved, 0u);
}

TEST(OverloadTest, BelowTheCapacityAllAreServedAtOnce) {
  const OverloadResult result = Overload(50, 1);
  EXPECT_GE(result.goodput(), 0.98);
  EXPECT_EQ(result.gave_up, 0u);
  EXPECT_LT(result.age_p99, Duration::Milliseconds(100));
}

TEST(OverloadTest, ControllersAreServedWhateverTheAgentsDo) {
  const OverloadResult result = Overload(1000, 1);
  EXPECT_EQ(result.controllers_unserved, 0u);
  EXPECT_LT(result.controller_p99, Duration::Milliseconds(100));
  EXPECT_GT(result.gave_up, 10'000u);
}

TEST(OverloadTest, ASeedIsARun) {
  const OverloadResult one = Overload(130, 5);
  const OverloadResult again = Overload(130, 5);
  const OverloadResult other = Overload(130, 6);
  EXPECT_EQ(one.digest, again.digest);
  EXPECT_EQ(one.served, again.served);
  EXPECT_NE(one.digest, other.digest);
}

TEST(RecoveryTest, AfterAnOverloadTheServerIsItselfAgain) {
  RecoverySetup setup;
  setup.storm = Duration::Seconds(5);
  setup.watched = Duration::Seconds(20);
  const RecoveryResult result = RunRecovery(setup, Capacity());
  EXPECT_EQ(result.buckets.size(), 10u);
  ASSERT_TRUE(result.recovered_after.has_value());
  EXPECT_LE(*result.recovered_after, Duration::Seconds(10));
  EXPECT_GT(result.idle_p99, Duration::Milliseconds(5));
  EXPECT_LT(result.idle_p99, Duration::Milliseconds(100));
}

}  // namespace
}  // namespace floodgate::sim
