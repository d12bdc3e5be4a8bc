// The gate's rules, one by one. Their combinations are in gate_exhaustive_test.cc.
#include "core/gate.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace floodgate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Duration kNs = Duration::Nanoseconds(1);
constexpr Instant kStart{1'000'000'000};

Instant At(int64_t ms) {
  return kStart + Duration::Milliseconds(ms);
}

const std::vector<std::string> kServers = {"0", "1", "2"};

// open_on peergrouper, open_delay 2 s, as by default.
class GateTest : public testing::Test {
 protected:
  Gate Make() const { return Gate(options_, /*two_phase=*/true, kStart); }
  Gate MakeOpen() const {
    Gate gate = Make();
    gate.Open(kStart);
    gate.DrainFinished(kStart);
    return gate;
  }
  GateOptions options_;
};

TEST_F(GateTest, OpensDelayAfterSignalNotBefore) {
  Gate gate = Make();
  EXPECT_EQ(gate.state(), GateState::kHolding);
  EXPECT_EQ(gate.NextDeadline(), Instant::Never());
  EXPECT_THAT(gate.WaitingFor(), ElementsAre(Condition::kPeergrouper));
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(100)).ok());
  EXPECT_EQ(gate.state(), GateState::kSettling);
  EXPECT_EQ(gate.since(), At(100));
  EXPECT_THAT(gate.WaitingFor(), IsEmpty());
  EXPECT_EQ(gate.OpensIn(At(600)), Duration::Milliseconds(1500));
  EXPECT_EQ(gate.NextDeadline(), At(2100));
  gate.Advance(At(2100) - kNs);
  EXPECT_EQ(gate.state(), GateState::kSettling);
  EXPECT_FALSE(gate.admits());
  gate.Advance(At(2100));
  EXPECT_EQ(gate.state(), GateState::kDraining);
  EXPECT_TRUE(gate.admits());
  EXPECT_EQ(gate.OpensIn(At(2100)), std::nullopt);
  EXPECT_EQ(gate.NextDeadline(), Instant::Never());
  gate.DrainFinished(At(3000));
  EXPECT_EQ(gate.state(), GateState::kOpen);
  EXPECT_EQ(gate.since(), At(3000));
  EXPECT_EQ(gate.OpenTotal(At(4100)), Duration::Seconds(2));
}

TEST_F(GateTest, SignalWithoutSelfChangesNothingAndNamesBoth) {
  options_.self_id = "7";
  Gate gate = Make();
  const absl::Status status = gate.SignalPeergrouper(kServers, At(0));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"7\""));
  EXPECT_THAT(std::string(status.message()), HasSubstr("0, 1, 2"));
  EXPECT_EQ(gate.state(), GateState::kHolding);
  gate.Advance(At(10'000));
  EXPECT_EQ(gate.state(), GateState::kHolding);
}

TEST_F(GateTest, DelayOfZeroPassesSettlingAtOnce) {
  options_.open_delay = {};
  Gate gate = Make();
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(0)).ok());
  EXPECT_EQ(gate.state(), GateState::kDraining);
}

TEST_F(GateTest, FurtherSignalsNeitherRestartTheDelayNorShutTheGate) {
  Gate gate = Make();
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(0)).ok());
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(1999)).ok());
  gate.Advance(At(2000));
  EXPECT_EQ(gate.state(), GateState::kDraining);
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(2001)).ok());
  EXPECT_FALSE(gate.SignalPeergrouper({}, At(2002)).ok());
  EXPECT_EQ(gate.state(), GateState::kDraining);
}

TEST_F(GateTest, EveryConditionMustHold) {
  options_.open_on = {Condition::kPeergrouper, Condition::kSelfConnection, Condition::kQuorum};
  Gate gate = Make();
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(0)).ok());
  EXPECT_THAT(gate.WaitingFor(), ElementsAre(Condition::kSelfConnection, Condition::kQuorum));
  gate.SetSelfConnection(true, At(1));
  EXPECT_THAT(gate.WaitingFor(), ElementsAre(Condition::kQuorum));
  gate.SetControllers(2, At(2));
  EXPECT_EQ(gate.state(), GateState::kSettling);
}

TEST_F(GateTest, QuorumCountsAtItsEdge) {
  options_.open_on = {Condition::kQuorum};
  options_.quorum = 3;
  for (const int count : {1, 2, 3, 4}) {
    Gate gate = Make();
    gate.SetControllers(count, At(0));
    EXPECT_EQ(gate.state(), count >= 3 ? GateState::kSettling : GateState::kHolding) << count;
  }
  options_.quorum = 1;  // This one alone is enough, without anybody telling.
  EXPECT_EQ(Make().state(), GateState::kSettling);
}

TEST_F(GateTest, LosingALiveConditionWhileSettlingHoldsAgain) {
  options_.open_on = {Condition::kPeergrouper, Condition::kSelfConnection};
  Gate gate = Make();
  gate.SetSelfConnection(true, At(0));
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(0)).ok());
  gate.SetSelfConnection(false, At(1999));
  EXPECT_EQ(gate.state(), GateState::kHolding);
  gate.SetSelfConnection(true, At(2500));
  EXPECT_EQ(gate.NextDeadline(), At(4500)) << "the whole delay runs again";
}

TEST_F(GateTest, WithoutReholdNothingShutsIt) {
  options_.open_on = {Condition::kSelfConnection};
  Gate gate = Make();
  gate.SetSelfConnection(true, At(0));
  gate.Advance(At(2000));
  gate.SetSelfConnection(false, At(2000));
  EXPECT_EQ(gate.NextDeadline(), Instant::Never());
  gate.Advance(At(1'000'000));
  EXPECT_TRUE(gate.admits());
}

class ReholdTest : public GateTest {
 protected:
  ReholdTest() {
    options_.open_on = {Condition::kSelfConnection, Condition::kQuorum};
    options_.rehold = true;
    options_.rehold_after = Duration::Milliseconds(300);
  }
  // Opened by its conditions at At(2000).
  Gate MakeOpened() const {
    Gate gate = Make();
    gate.SetControllers(2, kStart);
    gate.SetSelfConnection(true, kStart);
    gate.Advance(At(2000));
    return gate;
  }
};

TEST_F(ReholdTest, LossForLongerThanReholdAfterHoldsAgain) {
  Gate gate = MakeOpened();
  gate.DrainFinished(At(2000));
  gate.SetSelfConnection(false, At(3000));
  EXPECT_EQ(gate.NextDeadline(), At(3300) + kNs);
  gate.Advance(At(3300));
  EXPECT_EQ(gate.state(), GateState::kOpen) << "as long as that, not longer";
  gate.Advance(At(3300) + kNs);
  EXPECT_EQ(gate.state(), GateState::kHolding);
  EXPECT_THAT(gate.WaitingFor(), ElementsAre(Condition::kSelfConnection));
  gate.SetSelfConnection(true, At(5000));
  EXPECT_EQ(gate.state(), GateState::kSettling);
  gate.Advance(At(7000));
  EXPECT_EQ(gate.state(), GateState::kDraining);
}

TEST_F(ReholdTest, AConditionThatComesBackInTimeWasNotLost) {
  Gate gate = MakeOpened();
  gate.SetSelfConnection(false, At(3000));
  gate.SetSelfConnection(true, At(3300));
  EXPECT_EQ(gate.NextDeadline(), Instant::Never());
  gate.SetSelfConnection(false, At(3400));
  gate.Advance(At(3700));
  EXPECT_TRUE(gate.admits());
}

TEST_F(ReholdTest, EachConditionHasItsOwnTime) {
  Gate gate = MakeOpened();
  gate.SetSelfConnection(false, At(3000));
  gate.SetControllers(1, At(3200));
  gate.SetSelfConnection(true, At(3250));
  EXPECT_EQ(gate.NextDeadline(), At(3500) + kNs) << "neither has been lost for 300 ms";
}

TEST_F(ReholdTest, TheEndOfTheDrainDoesNotForgetALoss) {
  Gate gate = MakeOpened();
  gate.SetSelfConnection(false, At(2100));
  gate.DrainFinished(At(2350));
  EXPECT_EQ(gate.NextDeadline(), At(2400) + kNs);
}

TEST_F(ReholdTest, WhatDidNotHoldAtTheOpeningCannotBeLost) {
  Gate gate = Make();
  gate.Open(At(0));
  EXPECT_EQ(gate.NextDeadline(), Instant::Never());
  gate.SetSelfConnection(true, At(10));
  gate.SetSelfConnection(false, At(20));
  EXPECT_EQ(gate.NextDeadline(), At(320) + kNs) << "but what has come since can";
}

TEST_F(ReholdTest, ALateCallGivesWhatPunctualOnesWould) {
  Gate gate = MakeOpened();
  gate.SetSelfConnection(false, At(3000));
  gate.SetSelfConnection(true, At(9000));  // Nobody advanced it in between.
  EXPECT_EQ(gate.state(), GateState::kSettling);
  EXPECT_EQ(gate.OpenTotal(At(9000)), Duration::Milliseconds(1300) + kNs);
}

TEST_F(GateTest, OpensAnywayAfterThatLong) {
  options_.open_anyway_after = Duration::Seconds(10);
  Gate gate = Make();
  EXPECT_EQ(gate.NextDeadline(), At(10'000));
  gate.Advance(At(10'000) - kNs);
  EXPECT_EQ(gate.state(), GateState::kHolding);
  gate.Advance(At(10'000));
  EXPECT_EQ(gate.state(), GateState::kDraining);
}

TEST_F(GateTest, FlappingConditionsDoNotPutOffOpeningAnyway) {
  options_.open_on = {Condition::kSelfConnection};
  options_.open_anyway_after = Duration::Seconds(10);
  Gate gate = Make();
  for (int ms = 0; ms < 10'000; ms += 1000) {
    gate.SetSelfConnection(true, At(ms));
    EXPECT_FALSE(gate.admits());
    gate.SetSelfConnection(false, At(ms + 500));
  }
  gate.Advance(At(10'000));
  EXPECT_TRUE(gate.admits());
}

TEST_F(GateTest, OpenAnywayDoesNotApplyAfterAnOperatorsHold) {
  options_.open_on = {Condition::kPeergrouper, Condition::kSelfConnection};
  options_.open_anyway_after = Duration::Seconds(10);
  Gate gate = Make();
  gate.Hold(At(1));
  EXPECT_EQ(gate.NextDeadline(), Instant::Never());
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(20'000)).ok());
  EXPECT_EQ(gate.NextDeadline(), Instant::Never()) << "a signal asks for the conditions, no less";
  gate.SetSelfConnection(true, At(20'001));
  EXPECT_EQ(gate.state(), GateState::kSettling);
}

TEST_F(GateTest, OperatorOpensAtOnceWhateverTheConditions) {
  Gate gate = Make();
  gate.Open(At(5));
  EXPECT_EQ(gate.state(), GateState::kDraining);
  gate.DrainFinished(At(6));
  gate.Open(At(7));
  EXPECT_EQ(gate.state(), GateState::kOpen) << "an open gate has nothing to open";
}

TEST_F(GateTest, ManualWaitsForOpen) {
  options_.open_on = {Condition::kManual};
  Gate gate = Make();
  EXPECT_THAT(gate.WaitingFor(), ElementsAre(Condition::kManual));
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(0)).ok());
  EXPECT_EQ(gate.state(), GateState::kHolding);
  gate.Open(At(1));
  EXPECT_TRUE(gate.admits());
}

TEST_F(GateTest, HoldForgetsTheSignalAndWaitsForANewOne) {
  Gate gate = Make();
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(0)).ok());
  gate.Advance(At(2000));
  gate.Hold(At(3000));
  EXPECT_EQ(gate.state(), GateState::kHolding);
  EXPECT_THAT(gate.WaitingFor(), ElementsAre(Condition::kPeergrouper));
  EXPECT_EQ(gate.OpenTotal(At(9000)), Duration::Seconds(1));
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(5000)).ok());
  EXPECT_EQ(gate.state(), GateState::kSettling);
  EXPECT_EQ(gate.NextDeadline(), At(7000)) << "with open_delay, as ever";
}

TEST_F(GateTest, LiveConditionsDoNotUndoAnOperatorsHold) {
  options_.open_on = {Condition::kSelfConnection};
  Gate gate = Make();
  gate.Hold(At(0));
  gate.SetSelfConnection(true, At(1));
  EXPECT_EQ(gate.state(), GateState::kHolding);
  EXPECT_THAT(gate.WaitingFor(), ElementsAre(Condition::kManual));
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(2)).ok());
  EXPECT_EQ(gate.state(), GateState::kHolding) << "open_on does not name that signal";
  gate.Open(At(3));
  EXPECT_TRUE(gate.admits());
}

TEST_F(GateTest, HoldingAgainKeepsTheTimeButForgetsEvents) {
  options_.open_on = {Condition::kPeergrouper, Condition::kSelfConnection};
  Gate gate = Make();
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(1)).ok());
  gate.Hold(At(5));
  EXPECT_EQ(gate.since(), kStart);
  gate.SetSelfConnection(true, At(6));
  EXPECT_EQ(gate.state(), GateState::kHolding);
  EXPECT_THAT(gate.WaitingFor(), ElementsAre(Condition::kPeergrouper));
}

TEST_F(GateTest, OnePhaseOpensByItselfAndOnlyAnOperatorShutsIt) {
  options_.open_anyway_after = Duration::Seconds(1);
  options_.rehold = true;
  Gate gate(options_, /*two_phase=*/false, kStart);
  EXPECT_EQ(gate.state(), GateState::kDraining);
  gate.DrainFinished(At(0));
  gate.SetSelfConnection(true, At(1));
  gate.SetSelfConnection(false, At(2));
  EXPECT_EQ(gate.NextDeadline(), Instant::Never());
  gate.Hold(At(3));
  EXPECT_EQ(gate.state(), GateState::kHolding);
  EXPECT_EQ(gate.NextDeadline(), Instant::Never());
  EXPECT_THAT(gate.WaitingFor(), ElementsAre(Condition::kManual));
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(4)).ok());
  EXPECT_EQ(gate.state(), GateState::kHolding);
  gate.Open(At(5));
  EXPECT_TRUE(gate.admits());
}

TEST_F(GateTest, StopIsFinal) {
  for (Gate gate : {Make(), MakeOpen()}) {
    gate.Stop(At(1000));
    EXPECT_EQ(gate.state(), GateState::kStopping);
    gate.Open(At(1001));
    gate.Hold(At(1002));
    ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(1003)).ok());
    gate.Reconfigure(GateOptions(), At(1004));
    gate.Advance(At(100'000));
    gate.DrainFinished(At(100'000));
    EXPECT_EQ(gate.state(), GateState::kStopping);
    EXPECT_EQ(gate.since(), At(1000));
    EXPECT_EQ(gate.NextDeadline(), Instant::Never());
  }
}

TEST_F(GateTest, ReloadAppliesToADelayThatRuns) {
  Gate gate = Make();
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(0)).ok());
  options_.open_delay = Duration::Milliseconds(500);
  gate.Reconfigure(options_, At(400));
  EXPECT_EQ(gate.NextDeadline(), At(500));
  options_.open_delay = Duration::Milliseconds(100);
  gate.Reconfigure(options_, At(450));
  EXPECT_EQ(gate.state(), GateState::kDraining);
}

TEST_F(GateTest, ReloadWithAnotherConditionHoldsWhileSettlingButNotWhenOpen) {
  Gate settling = Make();
  ASSERT_TRUE(settling.SignalPeergrouper(kServers, At(0)).ok());
  Gate open = settling;
  open.Advance(At(2000));
  options_.open_on.push_back(Condition::kSelfConnection);
  options_.rehold = true;
  settling.Reconfigure(options_, At(2000) - kNs);
  EXPECT_EQ(settling.state(), GateState::kHolding);
  open.Reconfigure(options_, At(2001));
  EXPECT_TRUE(open.admits());
  EXPECT_EQ(open.NextDeadline(), Instant::Never());
}

TEST_F(GateTest, AnotherSelfIdForgetsTheSignal) {
  options_.open_on = {Condition::kPeergrouper, Condition::kQuorum};
  Gate gate = Make();
  ASSERT_TRUE(gate.SignalPeergrouper(kServers, At(0)).ok());
  options_.self_id = "9";
  gate.Reconfigure(options_, At(1));
  gate.SetControllers(2, At(2));
  EXPECT_THAT(gate.WaitingFor(), ElementsAre(Condition::kPeergrouper));
}

TEST(ConditionNameTest, IsWhatTheConfigurationWrites) {
  EXPECT_EQ(Name(Condition::kPeergrouper), "peergrouper");
  EXPECT_EQ(Name(Condition::kSelfConnection), "self-connection");
  EXPECT_EQ(Name(Condition::kQuorum), "quorum");
  EXPECT_EQ(Name(Condition::kManual), "manual");
}

}  // namespace
}  // namespace floodgate
