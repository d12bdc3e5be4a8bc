#include "front/syn_refusals.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <utility>

namespace floodgate {
namespace {

constexpr Instant kStart{1'000'000'000'000};
constexpr Duration kMillisecond = Duration::Milliseconds(1);

struct FakeState {
  std::map<IpAddress, Instant> refused;
  std::map<IpAddress, uint64_t> counts;
  bool full = false;
  int prefixes_set = 0;
};

class FakeRefuser final : public SynRefuser {
 public:
  explicit FakeRefuser(FakeState& state) : state_(state) {}
  void SetPrefixes(int /*v4_bits*/, int /*v6_bits*/) override { ++state_.prefixes_set; }
  bool Refuse(const IpAddress& source, Instant until) override {
    if (state_.full) return false;
    state_.refused[source] = until;
    return true;
  }
  uint64_t Release(const IpAddress& source) override {
    state_.refused.erase(source);
    return std::exchange(state_.counts[source], 0);
  }

 private:
  FakeState& state_;
};

class SynRefusalsTest : public ::testing::Test {
 protected:
  void Reset(const IpAddress& source, uint32_t times, Instant now, Duration due_in) {
    for (uint32_t i = 0; i < times; ++i) refusals_.OnReset(source, now + due_in, now);
  }

  static constexpr uint32_t kEnough = SynRefusals::kResetsBefore;
  const IpAddress hot_ = IpAddress::V4(0x0a000001);
  const IpAddress other_ = IpAddress::V4(0x0a000002);
  FakeState state_;
  std::map<IpAddress, uint64_t> told_;
  bool may_refuse_ = true;
  SynRefusals refusals_{
      std::make_unique<FakeRefuser>(state_), [this](const IpAddress&) { return may_refuse_; },
      [this](const IpAddress& source, uint64_t count) { told_[source] += count; }};
};

TEST_F(SynRefusalsTest, RefusesWhoWasResetOftenEnoughUntilItsTokenIsDue) {
  Reset(hot_, kEnough - 1, kStart, kMillisecond * 100);
  Reset(other_, kEnough - 1, kStart, kMillisecond * 100);
  EXPECT_TRUE(state_.refused.empty());
  EXPECT_EQ(refusals_.NextDeadline(), Instant::Never());
  Reset(hot_, 1, kStart, kMillisecond * 100);
  ASSERT_EQ(state_.refused.size(), 1U);
  EXPECT_EQ(state_.refused[hot_], kStart + kMillisecond * 100);
  EXPECT_EQ(refusals_.NextDeadline(), kStart + kMillisecond * 100);
}

TEST_F(SynRefusalsTest, NeverLongerThanTheMaximum) {
  Reset(hot_, kEnough, kStart, Duration::Seconds(900));
  EXPECT_EQ(state_.refused[hot_], kStart + SynRefusals::kRefusedMax);
}

TEST_F(SynRefusalsTest, NotWhenTheNextTokenIsNear) {
  Reset(hot_, 3 * kEnough, kStart, SynRefusals::kRefusedMin - Duration::Nanoseconds(1));
  EXPECT_TRUE(state_.refused.empty());
}

TEST_F(SynRefusalsTest, ResetsOfAnEarlierWindowDoNotCount) {
  Reset(hot_, kEnough - 1, kStart, kMillisecond * 100);
  Reset(hot_, kEnough - 1, kStart + SynRefusals::kWindow, kMillisecond * 100);
  EXPECT_TRUE(state_.refused.empty());
}

TEST_F(SynRefusalsTest, TellsTheCountAtTheEndAndGoesOnWithTheFirstResetOfWhoGoesOn) {
  Reset(hot_, kEnough, kStart, kMillisecond * 100);
  state_.counts[hot_] = 5000;
  refusals_.Advance(kStart + kMillisecond * 99);
  EXPECT_TRUE(told_.empty());
  const Instant end = kStart + kMillisecond * 100;
  refusals_.Advance(end);
  EXPECT_EQ(told_[hot_], 5000U);
  EXPECT_TRUE(state_.refused.empty());
  Reset(hot_, 1, end, kMillisecond * 100);
  EXPECT_TRUE(state_.refused.contains(hot_));
}

TEST_F(SynRefusalsTest, WhoHasGivenUpIsOneAmongOthersAgain) {
  Reset(hot_, kEnough, kStart, kMillisecond * 100);
  const Instant end = kStart + kMillisecond * 100;
  refusals_.Advance(end);
  EXPECT_TRUE(told_.empty());
  Reset(hot_, 1, end, kMillisecond * 100);
  EXPECT_TRUE(state_.refused.empty());
}

TEST_F(SynRefusalsTest, ResetsOfThoseStillQueuedDoNotBeginItAnew) {
  Reset(hot_, kEnough, kStart, kMillisecond * 100);
  state_.counts[hot_] = 7;
  Reset(hot_, 3 * kEnough, kStart + kMillisecond, kMillisecond * 400);
  EXPECT_EQ(state_.refused[hot_], kStart + kMillisecond * 100);
  refusals_.Advance(kStart + kMillisecond * 100);
  EXPECT_EQ(told_[hot_], 7U);
  EXPECT_EQ(refusals_.NextDeadline(), Instant::Never());
}

TEST_F(SynRefusalsTest, AFullTableIsNoRefusal) {
  state_.full = true;
  Reset(hot_, kEnough, kStart, kMillisecond * 100);
  EXPECT_EQ(refusals_.NextDeadline(), Instant::Never());
}

TEST_F(SynRefusalsTest, WhoMustNotBeRefusedIsNot) {
  may_refuse_ = false;
  Reset(hot_, kEnough, kStart, kMillisecond * 100);
  EXPECT_TRUE(state_.refused.empty());
}

TEST_F(SynRefusalsTest, EndAllEndsAllAndForgetsResets) {
  Reset(hot_, kEnough, kStart, kMillisecond * 100);
  Reset(other_, kEnough - 1, kStart, kMillisecond * 100);
  state_.counts[hot_] = 9;
  refusals_.EndAll();
  EXPECT_EQ(told_[hot_], 9U);
  EXPECT_TRUE(state_.refused.empty());
  Reset(other_, 1, kStart, kMillisecond * 100);
  Reset(hot_, 1, kStart, kMillisecond * 100);
  EXPECT_TRUE(state_.refused.empty());
}

TEST(SynRefusalsWithoutARefuserTest, DoesNothing) {
  SynRefusals refusals(
      nullptr, [](const IpAddress&) { return true; }, [](const IpAddress&, uint64_t) {});
  refusals.SetPrefixes(24, 48);
  for (uint32_t i = 0; i < 2 * SynRefusals::kResetsBefore; ++i) {
    refusals.OnReset(IpAddress::V4(1), kStart + Duration::Seconds(1), kStart);
  }
  EXPECT_EQ(refusals.NextDeadline(), Instant::Never());
}

}  // namespace
}  // namespace floodgate
