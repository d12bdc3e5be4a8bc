// Who waits, who is found gone, who is turned away: each connection is counted once and closed
// once.
#include "front/waiting_room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "tests/front/recording_kernel.h"

namespace floodgate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using State = ConnectionReading::State;

constexpr Instant At(int64_t ms) {
  return Instant{} + Duration::Milliseconds(1000 + ms);
}

class WaitingRoomTest : public ::testing::Test {
 protected:
  static Visitor Make(int fd, Instant arrived = At(0)) { return {.fd = fd, .arrived = arrived}; }

  void Advance(Instant now) {
    timers_.Advance(now, [&](uint64_t token) {
      ASSERT_TRUE(WaitingRoom::Owns(token));
      room_.OnTimer(token);
    });
  }

  // The operation submitted last completes.
  void Complete(size_t operation, int32_t result, Instant now) {
    room_.OnCompletion({.token = kernel_.submitted.at(operation).token, .result = result}, now);
  }

  uint64_t Refused(RefusalReason reason) const {
    return counters_.refused[static_cast<size_t>(reason)];
  }

  RecordingKernel kernel_;
  TimerWheel timers_{At(0)};
  PortCounters counters_;
  int ended_ = 0;
  Patience patience_{std::nullopt, At(0)};
  WaitingRoom room_{kernel_, timers_, counters_, patience_,
                    [this](const PeerAddress&) { ++ended_; }};
};

TEST_F(WaitingRoomTest, TheOldestIsAdmittedFirst) {
  room_.AddReady(Make(11, At(2)));
  room_.AddReady(Make(10, At(1)));
  EXPECT_EQ(room_.ready(), 2U);
  EXPECT_EQ(counters_.waiting, 2U);
  EXPECT_EQ(room_.Next(std::nullopt, At(5))->fd, 10);
  EXPECT_EQ(room_.Next(std::nullopt, At(5))->fd, 11);
  EXPECT_FALSE(room_.Next(std::nullopt, At(5)).has_value());
  EXPECT_EQ(counters_.waiting, 0U);
  EXPECT_EQ(room_.size(), 0U);
  EXPECT_EQ(ended_, 0);
  EXPECT_THAT(kernel_.closed, IsEmpty());
}

TEST_F(WaitingRoomTest, ThoseWhoHaveLeftArePassedOver) {
  for (const int fd : {10, 11, 12}) room_.AddReady(Make(fd));
  kernel_.states = {{10, State::kGone}, {11, State::kGone}, {12, State::kTalking}};
  EXPECT_EQ(room_.Next(std::nullopt, At(1))->fd, 12);
  EXPECT_EQ(counters_.stale, 2U);
  EXPECT_EQ(ended_, 2);
  EXPECT_THAT(kernel_.closed, ElementsAre(10, 11));
}

TEST_F(WaitingRoomTest, ASilentOneIsReadyWhenItSpeaks) {
  room_.AddSilent(Make(10), At(0), At(100));
  EXPECT_EQ(room_.silent(), 1U);
  EXPECT_FALSE(room_.Next(std::nullopt, At(1)).has_value());
  ASSERT_EQ(kernel_.submitted.size(), 1U);
  EXPECT_EQ(kernel_.submitted[0].kind, OpKind::kPoll);
  Complete(0, POLLIN, At(50));
  EXPECT_EQ(room_.silent(), 0U);
  EXPECT_EQ(counters_.waiting, 1U);
  Advance(At(200));  // Its time to say hello no longer runs.
  EXPECT_EQ(room_.Next(std::nullopt, At(200))->fd, 10);
  EXPECT_EQ(counters_.handshakes_failed, 0U);
}

TEST_F(WaitingRoomTest, ASilentOneThatLeavesIsStale) {
  room_.AddSilent(Make(10), At(0), At(100));
  Complete(0, POLLIN | POLLRDHUP, At(50));
  EXPECT_EQ(counters_.stale, 1U);
  EXPECT_EQ(counters_.waiting, 0U);
  EXPECT_EQ(ended_, 1);
  EXPECT_THAT(kernel_.closed, ElementsAre(10));
  EXPECT_EQ(room_.size(), 0U);
}

TEST_F(WaitingRoomTest, SilenceUntilTheDeadlineIsAFailedHandshake) {
  room_.AddSilent(Make(10), At(0), At(100));
  Advance(At(99));
  EXPECT_EQ(counters_.handshakes_failed, 0U);
  Advance(At(101));
  EXPECT_EQ(counters_.handshakes_failed, 1U);
  EXPECT_EQ(Refused(RefusalReason::kHandshake), 1U);
  EXPECT_EQ(counters_.admitted, 1U);
  EXPECT_EQ(counters_.waiting, 0U);
  // Closed only when the watch has ended: the kernel may not be left an operation on a closed fd.
  EXPECT_THAT(kernel_.closed, IsEmpty());
  ASSERT_EQ(kernel_.submitted.size(), 2U);
  EXPECT_EQ(kernel_.submitted[1].kind, OpKind::kCancel);
  EXPECT_EQ(kernel_.submitted[1].target, kernel_.submitted[0].token);
  Complete(0, -ECANCELED, At(101));
  Complete(1, 0, At(101));
  EXPECT_THAT(kernel_.closed, ElementsAre(10));
  EXPECT_EQ(room_.size(), 0U);
}

TEST_F(WaitingRoomTest, TheSilentHaveTimeToSpeak) {
  EXPECT_EQ(room_.EvictableAt(), Instant::Never());
  room_.AddSilent(Make(10), At(0), At(10'000));
  EXPECT_EQ(room_.EvictableAt(), At(500));
  EXPECT_FALSE(room_.EvictSilent(At(499)));
  EXPECT_TRUE(room_.EvictSilent(At(500)));
  EXPECT_EQ(room_.EvictableAt(), Instant::Never());
}

TEST_F(WaitingRoomTest, ASweepLetsGoWhoHasLeftAndNobodyElse) {
  for (const int fd : {10, 11, 12, 13}) room_.AddReady(Make(fd, At(0)));
  room_.AddSilent(Make(14), At(0), At(10'000));
  kernel_.states = {{11, State::kGone}, {13, State::kGone}, {14, State::kGone}};
  EXPECT_EQ(room_.Sweep(100, At(700)), 2U);
  EXPECT_EQ(counters_.stale, 2U);
  EXPECT_EQ(room_.ready(), 2U);
  EXPECT_EQ(ended_, 2);
  EXPECT_THAT(kernel_.closed, ::testing::UnorderedElementsAre(11, 13));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(room_.Sweep(1, At(700)), 0U);
  EXPECT_EQ(counters_.stale, 2U);
}

TEST_F(WaitingRoomTest, PatienceIsLearnedFromWhoeverIsFoundGone) {
  for (int fd = 10; fd < 20; ++fd) {
    room_.AddReady(Make(fd, At(0)));
    kernel_.states[fd] = State::kGone;
  }
  EXPECT_FALSE(room_.Next(std::nullopt, At(1024)).has_value());
  ASSERT_TRUE(patience_.Known().has_value());
  EXPECT_LE(*patience_.Known(), Duration::Milliseconds(1024));
  EXPECT_GT(*patience_.Known(), Duration::Milliseconds(890));
}

TEST_F(WaitingRoomTest, TheOneSilentLongestGivesWay) {
  for (const int fd : {10, 11, 12}) room_.AddSilent(Make(fd), At(0), At(100));
  Complete(0, POLLIN, At(1));  // 10 has spoken.
  EXPECT_TRUE(room_.EvictSilent(At(500)));
  EXPECT_EQ(Refused(RefusalReason::kOverload), 1U);
  Complete(1, -ECANCELED, At(2));
  EXPECT_THAT(kernel_.resets, ElementsAre(11));
  EXPECT_TRUE(room_.EvictSilent(At(500)));
  EXPECT_FALSE(room_.EvictSilent(At(500)));
  EXPECT_EQ(room_.ready(), 1U);
}

TEST_F(WaitingRoomTest, AQueuedOneIsReadyWhenItsTokenIsDue) {
  room_.AddQueued(Make(10), At(50));
  Advance(At(49));
  EXPECT_FALSE(room_.Next(std::nullopt, At(49)).has_value());
  EXPECT_EQ(counters_.waiting, 1U);
  Advance(At(51));
  EXPECT_EQ(room_.Next(std::nullopt, At(51))->fd, 10);
}

TEST_F(WaitingRoomTest, ADelayedOneIsResetAtItsTime) {
  room_.AddDelayed(Make(10), RefusalReason::kSourceRate, At(50));
  EXPECT_EQ(counters_.delayed, 1U);
  EXPECT_EQ(counters_.waiting, 0U);
  EXPECT_EQ(Refused(RefusalReason::kSourceRate), 0U);
  Advance(At(51));
  EXPECT_EQ(counters_.delayed, 0U);
  EXPECT_EQ(Refused(RefusalReason::kSourceRate), 1U);
  EXPECT_THAT(kernel_.resets, ElementsAre(10));
  EXPECT_EQ(ended_, 0);  // It never counted for its source.
}

TEST_F(WaitingRoomTest, EndingTheDelayedLeavesTheOthers) {
  room_.AddDelayed(Make(10), RefusalReason::kSourceRate, At(50));
  room_.AddReady(Make(11));
  room_.EndDelayed();
  EXPECT_THAT(kernel_.resets, ElementsAre(10));
  EXPECT_EQ(room_.size(), 1U);
  EXPECT_EQ(room_.Next(std::nullopt, At(1))->fd, 11);
}

TEST_F(WaitingRoomTest, EndingAllCountsEachOnce) {
  room_.AddSilent(Make(10), At(0), At(100));
  room_.AddReady(Make(11));
  room_.AddQueued(Make(12), At(50));
  room_.AddDelayed(Make(13), RefusalReason::kSourceRate, At(50));
  room_.EndAll();
  room_.EndAll();  // The silent one still waits for its watch to end.
  Complete(0, -ECANCELED, At(1));
  EXPECT_EQ(Refused(RefusalReason::kOverload), 3U);
  EXPECT_EQ(Refused(RefusalReason::kSourceRate), 1U);
  EXPECT_EQ(counters_.waiting, 0U);
  EXPECT_EQ(counters_.delayed, 0U);
  EXPECT_EQ(room_.size(), 0U);
  EXPECT_EQ(room_.ready(), 0U);
  EXPECT_EQ(kernel_.resets.size(), 4U);
  EXPECT_EQ(ended_, 3);
  Advance(At(200));  // No timer is left.
  EXPECT_EQ(counters_.handshakes_failed, 0U);
}

TEST_F(WaitingRoomTest, WhatFindsTheKernelFullIsSubmittedLaterInOrder) {
  kernel_.full = true;
  room_.AddSilent(Make(10), At(0), At(100));
  room_.AddSilent(Make(11), At(0), At(100));
  EXPECT_FALSE(room_.FlushDeferred());
  kernel_.full = false;
  EXPECT_TRUE(room_.FlushDeferred());
  ASSERT_EQ(kernel_.submitted.size(), 2U);
  EXPECT_EQ(kernel_.submitted[0].fd, 10);
  EXPECT_EQ(kernel_.submitted[1].fd, 11);
}

}  // namespace
}  // namespace floodgate
