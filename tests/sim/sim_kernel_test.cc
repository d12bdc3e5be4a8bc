// What the fake kernel has beyond the contract: the rules it holds its callers to, the scheduler's
// drive, costs.
#include "tests/sim/sim_kernel_fixture.h"

namespace floodgate::sim {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

using SimKernelTest = SimKernelFixture;

TEST_F(SimKernelTest, CountsWhatIsOpenAndInFlight) {
  const auto [peer, fd] = Connected();
  EXPECT_EQ(kernel_.handles(), 2u);
  EXPECT_EQ(kernel_.operations_in_flight(), 0u);
  Submit(ReceiveOp(fd));
  Submit({.kind = OpKind::kPoll, .poll_events = POLLIN, .fd = listener_, .token = 5});
  EXPECT_EQ(kernel_.operations_in_flight(), 2u);
  EXPECT_THAT(WaitOnce(), IsEmpty());
  network_.Send(peer, "x");
  PassMoment();
  EXPECT_EQ(kernel_.operations_in_flight(), 2u) << "until it is handed over";
  const std::vector<Completion> got = WaitOnce();
  ASSERT_THAT(got, SizeIs(1));
  kernel_.ReleaseBuffer(got[0].buffer);
  EXPECT_EQ(kernel_.operations_in_flight(), 1u);
  kernel_.Forget(fd);
  EXPECT_EQ(kernel_.handles(), 1u);
  kernel_.Close(fd);
  EXPECT_EQ(kernel_.handles(), 1u);
}

TEST_F(SimKernelTest, AForgottenHandleIsAnotherKernels) {
  const auto [peer, fd] = Connected();
  Submit(ReceiveOp(fd));
  network_.Send(peer, "one");
  const std::vector<Completion> got = WaitOnce();
  ASSERT_THAT(got, SizeIs(1));
  kernel_.ReleaseBuffer(got[0].buffer);

  SimKernel other(network_, {}, SimKernel::Drive::kByWait);
  kernel_.Forget(fd);
  ASSERT_TRUE(other.Submit(ReceiveOp(fd)));
  network_.Send(peer, "two");
  Completion completion;
  ASSERT_EQ(other.Wait(Instant::Never(), absl::MakeSpan(&completion, 1)), 1u);
  EXPECT_EQ(AsText(other.Buffer(completion)), "two");
  other.ReleaseBuffer(completion.buffer);
  EXPECT_EQ(other.handles(), 1u);
  other.Close(fd);
}

// A poll that finds the window full has sent nothing, and must be told all the same.
TEST_F(SimKernelTest, APollForRoomIsToldWhenThePeerReads) {
  const auto [peer, fd] = Connected();
  const std::string text(NetworkOptions().window, 'x');
  EXPECT_EQ(Perform(SendOp(fd, text)).result, static_cast<int32_t>(text.size()));
  Submit({.kind = OpKind::kPoll, .poll_events = POLLOUT, .fd = fd, .token = 4});
  EXPECT_THAT(WaitOnce(), IsEmpty());
  network_.Receive(peer, text.size());
  const std::vector<Completion> got = WaitOnce();
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].result, POLLOUT);
}

// --- Rules

using SimKernelDeathTest = SimKernelFixture;

TEST_F(SimKernelDeathTest, AHandleIsClosedOnceAndNotUsedAfterwards) {
  const auto [peer, fd] = Connected();
  kernel_.Close(fd);
  EXPECT_DEATH(kernel_.Close(fd), "Exists");
  EXPECT_DEATH(kernel_.Reset(fd), "Exists");
  EXPECT_DEATH((void)kernel_.Submit(ReceiveOp(fd)), "Exists");
  EXPECT_DEATH(kernel_.ReadConnection(fd), "kFree");
}

TEST_F(SimKernelDeathTest, NoneIsClosedWithAnOperationInFlight) {
  const auto [peer, fd] = Connected();
  Submit(ReceiveOp(fd));
  EXPECT_DEATH(kernel_.Close(fd), "readers == 0");
  EXPECT_THAT(WaitOnce(), IsEmpty());
  EXPECT_DEATH(kernel_.Forget(fd), "readers == 0");
  network_.Send(peer, "x");
  PassMoment();
  EXPECT_DEATH(kernel_.Reset(fd), "readers == 0") << "it has completed, but nobody knows";
}

TEST_F(SimKernelDeathTest, OneReadsAndOneWritesAtATime) {
  const auto [peer, fd] = Connected();
  Submit(ReceiveOp(fd));
  EXPECT_DEATH((void)kernel_.Submit(ReceiveOp(fd)), "count == 0");
  Submit(SendOp(fd, "x"));
  EXPECT_DEATH((void)kernel_.Submit(SendOp(fd, "y")), "count == 0");
}

TEST_F(SimKernelDeathTest, BytesOfASendStayAsTheyAre) {
  const auto [peer, fd] = Connected();
  std::string text(NetworkOptions().window + 10, 'x');
  Submit(SendOp(fd, text));
  EXPECT_THAT(WaitOnce(), IsEmpty());
  text[20] = 'y';
  network_.Receive(peer, text.size());
  EXPECT_DEATH(PassMoment(), "content");
}

TEST_F(SimKernelDeathTest, ABufferIsReleasedOnceAndNotReadAfterwards) {
  const auto [peer, fd] = Connected();
  network_.Send(peer, "text");
  const Completion received = Perform(ReceiveOp(fd));
  ASSERT_EQ(received.result, 4);
  const absl::Span<std::byte> bytes = kernel_.Buffer(received);
  EXPECT_EQ(AsText(bytes), "text");
  kernel_.ReleaseBuffer(received.buffer);
  EXPECT_NE(AsText(bytes), "text");
  EXPECT_DEATH(kernel_.ReleaseBuffer(received.buffer), "held");
  EXPECT_DEATH(kernel_.Buffer(received), "held");
}

// Else the first owner's events would go on and the second would wait for ever.
TEST_F(SimKernelDeathTest, AHandleIsForgottenBeforeAnotherKernelUsesIt) {
  const auto [peer, fd] = Connected();
  Submit({.kind = OpKind::kPoll, .poll_events = POLLOUT, .fd = fd, .token = 4});
  EXPECT_THAT(WaitOnce(), SizeIs(1));
  SimKernel other(network_, {}, SimKernel::Drive::kByWait);
  ASSERT_TRUE(other.Submit(ReceiveOp(fd)));
  Completion completion;
  EXPECT_DEATH(other.Wait(world_.now(), absl::MakeSpan(&completion, 1)), "IsObserved");
}

// --- The scheduler's drive

class ScheduledKernelTest : public SimKernelFixture {
 protected:
  ScheduledKernelTest() : SimKernelFixture(SimKernel::Drive::kByScheduler) {
    kernel_.set_on_ready([this] { ++called_; });
  }
  int called_ = 0;
};

TEST_F(ScheduledKernelTest, WaitReturnsAtOnceAndTheCallbackTellsWhenToCome) {
  const int peer = Dial();
  Submit({.kind = OpKind::kAccept, .fd = listener_, .token = 1});
  EXPECT_TRUE(kernel_.ready()) << "there is something to start";
  const std::vector<Completion> accepted = WaitOnce();
  ASSERT_THAT(accepted, SizeIs(1));
  const int fd = accepted[0].result;
  Submit(ReceiveOp(fd));
  const Instant before = world_.now();
  EXPECT_THAT(WaitOnce(), IsEmpty());
  EXPECT_EQ(world_.now(), before);
  EXPECT_FALSE(kernel_.ready());
  EXPECT_EQ(called_, 0);

  network_.Send(peer, "x");
  PassMoment();
  EXPECT_TRUE(kernel_.ready());
  EXPECT_EQ(called_, 1);
  kernel_.waker().Wake();
  EXPECT_EQ(called_, 1) << "something was there already";
  EXPECT_EQ(kernel_.Now(), before) << "until the next Wait";
  const std::vector<Completion> first = WaitOnce(1);
  EXPECT_EQ(kernel_.Now(), world_.now());
  EXPECT_TRUE(kernel_.ready()) << "there was room for one";
  const std::vector<Completion> second = WaitOnce(1);
  EXPECT_FALSE(kernel_.ready());
  ASSERT_THAT(first, SizeIs(1));
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(first[0].token, 2u);
  EXPECT_EQ(second[0].token, kWakeToken);
  kernel_.ReleaseBuffer(first[0].buffer);
  kernel_.waker().Wake();
  kernel_.waker().Wake();
  EXPECT_EQ(called_, 2);
  EXPECT_THAT(WaitOnce(), SizeIs(1));
}

TEST_F(ScheduledKernelTest, AMultishotTellsAndTakesOnlyInWait) {
  Submit({.kind = OpKind::kAcceptMultishot, .fd = listener_, .token = 1});
  EXPECT_THAT(WaitOnce(), IsEmpty());
  Dial();
  Dial();
  EXPECT_EQ(called_, 1);
  EXPECT_EQ(kernel_.ReadQueue(listener_).depth, 2u);
  EXPECT_THAT(WaitOnce(), SizeIs(2));
  EXPECT_FALSE(kernel_.ready());
  Dial();
  EXPECT_EQ(called_, 2);
}

TEST_F(ScheduledKernelTest, CallsAreChargedAndTimeStandsStill) {
  KernelCosts costs;
  costs.accept = Duration::Microseconds(1);
  costs.read_connection = Duration::Microseconds(10);
  costs.receive = Duration::Microseconds(100);
  costs.send = Duration::Microseconds(1000);
  costs.close = Duration::Microseconds(10'000);
  costs.wait = Duration::Microseconds(100'000);
  kernel_.set_costs(costs);
  const int peer = Dial();
  const Instant before = world_.now();
  Submit({.kind = OpKind::kAccept, .fd = listener_, .token = 1});
  const std::vector<Completion> accepted = WaitOnce();
  ASSERT_THAT(accepted, SizeIs(1));
  EXPECT_EQ(kernel_.TakeCharge(), Duration::Microseconds(100'001));
  EXPECT_EQ(kernel_.TakeCharge(), Duration{});
  const int fd = accepted[0].result;
  kernel_.ReadConnection(fd);
  Submit(ReceiveOp(fd));
  Submit(SendOp(fd, "answer"));
  EXPECT_THAT(WaitOnce(), SizeIs(1));
  EXPECT_EQ(kernel_.TakeCharge(), Duration::Microseconds(101'010));
  EXPECT_THAT(WaitOnce(), IsEmpty());
  EXPECT_EQ(kernel_.TakeCharge(), Duration{}) << "it goes on sleeping";
  EXPECT_EQ(world_.now(), before);
  network_.Send(peer, "x");
  PassMoment();
  const std::vector<Completion> got = WaitOnce();
  ASSERT_THAT(got, SizeIs(1));
  kernel_.ReleaseBuffer(got[0].buffer);
  kernel_.Close(fd);
  kernel_.Charge(Duration::Nanoseconds(1));
  EXPECT_EQ(kernel_.TakeCharge(), Duration::Nanoseconds(110'100'001));
}

}  // namespace
}  // namespace floodgate::sim
