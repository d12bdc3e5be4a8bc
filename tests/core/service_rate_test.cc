#include "core/service_rate.h"

#include <cstdint>
#include <optional>

#include "core/overload_policy.h"
#include "gtest/gtest.h"

namespace floodgate {
namespace {

constexpr Instant At(int64_t us) {
  return Instant{} + Duration::Microseconds(us);
}

// One handshake ends every `each_us`, with always somebody waiting.
Instant Serve(ServiceRate& rate, Instant now, int64_t each_us, int count) {
  for (int i = 0; i < count; ++i) {
    rate.Update(true, now);
    now = now + Duration::Microseconds(each_us);
    rate.Finished();
  }
  rate.Update(true, now);
  return now;
}

TEST(ServiceRateTest, UnknownUntilSaturatedForAStretch) {
  ServiceRate rate;
  Instant now = At(0);
  for (int i = 0; i < 1000; ++i) {  // Nobody ever waits: it says nothing about what could be done.
    now = now + Duration::Milliseconds(1);
    rate.Finished();
    rate.Update(false, now);
  }
  EXPECT_EQ(rate.per_second(), std::nullopt);
  EXPECT_EQ(rate.BeginMax(2, 128), 16);
  EXPECT_EQ(rate.BeginMax(2, 5), 5);
  EXPECT_EQ(rate.QueueMax(Duration::Seconds(1)), std::nullopt);
  rate.Update(true, now);
  Serve(rate, now, 5'000, 9);
  EXPECT_EQ(rate.per_second(), std::nullopt) << "45 ms are no stretch";
  Serve(rate, now + Duration::Milliseconds(45), 5'000, 1);
  EXPECT_EQ(rate.per_second(), 200);
}

TEST(ServiceRateTest, FollowsAChange) {
  ServiceRate rate;
  const Instant now = Serve(rate, At(0), 5'000, 40);
  EXPECT_EQ(rate.per_second(), 200);
  Serve(rate, now, 250, 8'000);
  EXPECT_NEAR(static_cast<double>(*rate.per_second()), 4'000, 40);
}

TEST(ServiceRateTest, AnIdleTimeEndsTheStretch) {
  ServiceRate rate;
  Instant now = Serve(rate, At(0), 5'000, 8);
  rate.Update(false, now);
  now = now + Duration::Seconds(10);
  rate.Update(true, now);
  Serve(rate, now, 5'000, 10);
  EXPECT_EQ(rate.per_second(), 200);
}

TEST(ServiceRateTest, TenMillisecondsOfWorkMayBeAtTheWorkers) {
  ServiceRate slow;
  Serve(slow, At(0), 5'000, 40);
  EXPECT_EQ(slow.BeginMax(1, 64), 2);
  EXPECT_EQ(slow.BeginMax(4, 64), 8) << "two for each worker";
  EXPECT_EQ(slow.BeginMax(4, 1), 1) << "never more than there are slots";
  ServiceRate fast;
  Serve(fast, At(0), 250, 4'000);
  EXPECT_EQ(fast.BeginMax(1, 64), 40);
  EXPECT_EQ(fast.BeginMax(1, 32), 32);
}

TEST(ServiceRateTest, TheQueueHoldsAQuarterOfTheHorizonOrASecond) {
  ServiceRate rate;
  Serve(rate, At(0), 250, 4'000);
  EXPECT_EQ(rate.QueueMax(Duration::Milliseconds(500)), 500);
  EXPECT_EQ(rate.QueueMax(Duration::Seconds(15)), 4'000);
  EXPECT_EQ(rate.QueueMax(Duration::Milliseconds(1)), 64) << "a burst must find room";
}

TEST(OverloadPolicyTest, EachRuleHasItsHorizon) {
  Patience patience(Duration::Seconds(1), At(0));
  const auto horizon = [&](ServiceRule rule, Instant busy_since, Instant now) {
    return OverloadPolicy{.rule = rule}.Horizon(patience, busy_since, now);
  };
  EXPECT_EQ(horizon(ServiceRule::kHalfPatience, At(0), At(0)), patience.Horizon(At(0)));
  EXPECT_EQ(horizon(ServiceRule::kFirstInFirstOut, At(0), At(0)), std::nullopt);
  EXPECT_EQ(horizon(ServiceRule::kNewestFirst, At(0), At(0)), Duration{});
  EXPECT_EQ(horizon(ServiceRule::kOldestThatFits, At(0), At(0)), Duration::Milliseconds(950));
  EXPECT_EQ(horizon(ServiceRule::kNewestAfterCongestion, At(0), At(99'999)), std::nullopt);
  EXPECT_EQ(horizon(ServiceRule::kNewestAfterCongestion, At(0), At(100'000)), Duration{});
}

}  // namespace
}  // namespace floodgate
