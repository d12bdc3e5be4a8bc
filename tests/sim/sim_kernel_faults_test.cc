// Faults: each shows, each leaves the two ends in a state that a real kernel could leave them in,
// and all of them together lose no byte, no connection and no completion.
#include <algorithm>
#include <map>

#include "tests/sim/sim_kernel_fixture.h"

namespace floodgate::sim {
namespace {

using ::testing::SizeIs;

class SimKernelFaultsTest : public SimKernelFixture {
 protected:
  void Always(uint32_t Faults::*fault) {
    Faults faults;
    faults.*fault = 100;
    kernel_.set_faults(faults);
  }
};

TEST_F(SimKernelFaultsTest, AcceptFailsAndTheQueueKeepsWhatItHas) {
  Always(&Faults::accept_error_pct);
  std::map<int32_t, uint32_t> seen;
  for (int i = 0; i < 200; ++i) {
    const uint32_t before = kernel_.ReadQueue(listener_).depth;
    if (before == 0) Dial();
    const uint32_t depth = kernel_.ReadQueue(listener_).depth;
    const int32_t result = Perform({.kind = OpKind::kAccept, .fd = listener_, .token = 1}).result;
    ++seen[result];
    EXPECT_EQ(kernel_.ReadQueue(listener_).depth, depth - (result == -ECONNABORTED ? 1 : 0));
  }
  EXPECT_THAT(seen, SizeIs(5));
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED}) {
    EXPECT_GT(seen[-error], 0u) << error;
  }
}

TEST_F(SimKernelFaultsTest, AMultishotEndsWithAConnection) {
  Always(&Faults::multishot_end_pct);
  Dial();
  Dial();
  for (int i = 0; i < 2; ++i) {
    Submit({.kind = OpKind::kAcceptMultishot, .fd = listener_, .token = 1});
    const std::vector<Completion> got = WaitOnce();
    ASSERT_THAT(got, SizeIs(1));
    EXPECT_GE(got[0].result, 0);
    EXPECT_FALSE(got[0].more);
    kernel_.Close(got[0].result);
  }
  EXPECT_EQ(kernel_.operations_in_flight(), 0u);
}

TEST_F(SimKernelFaultsTest, AReceiveIsShort) {
  const auto [peer, fd] = Connected();
  Always(&Faults::receive_short_pct);
  const std::string text = "a text that comes in pieces";
  network_.Send(peer, text);
  std::string got;
  int pieces = 0;
  while (got.size() < text.size()) {
    const Completion completion = Perform(ReceiveOp(fd));
    ASSERT_GT(completion.result, 0);
    got += std::string(AsText(kernel_.Buffer(completion)));
    kernel_.ReleaseBuffer(completion.buffer);
    ++pieces;
  }
  EXPECT_EQ(got, text);
  EXPECT_GT(pieces, 1);
}

TEST_F(SimKernelFaultsTest, AReceiveIsReset) {
  const auto [peer, fd] = Connected();
  Always(&Faults::receive_reset_pct);
  network_.Finish(peer);
  PassMoment();
  Perform(ReceiveOp(fd));
  PassMoment();
  EXPECT_TRUE(network_.Look(peer).reset);
  EXPECT_EQ(kernel_.ReadConnection(fd).state, ConnectionReading::State::kGone);
  kernel_.set_faults({});
  EXPECT_EQ(Perform(SendOp(fd, "x")).result, -EPIPE);
}

TEST_F(SimKernelFaultsTest, ThePoolLooksEmpty) {
  const auto [peer, fd] = Connected();
  Always(&Faults::receive_no_buffers_pct);
  network_.Send(peer, "text");
  EXPECT_EQ(Perform(ReceiveOp(fd)).result, -ENOBUFS);
  kernel_.set_faults({});
  EXPECT_EQ(Perform(ReceiveOp(fd)).result, 4);
}

TEST_F(SimKernelFaultsTest, ASendIsShort) {
  const auto [peer, fd] = Connected();
  Always(&Faults::send_short_pct);
  const std::string text = "a text that goes in pieces";
  const int32_t sent = Perform(SendOp(fd, text)).result;
  ASSERT_GT(sent, 0);
  ASSERT_LT(sent, static_cast<int32_t>(text.size()));
  PassMoment();
  EXPECT_EQ(network_.Receive(peer, 100), text.substr(0, static_cast<size_t>(sent)));
}

TEST_F(SimKernelFaultsTest, ASendThatBreaksEndsTheReceiveBesideIt) {
  const auto [peer, fd] = Connected();
  Always(&Faults::send_pipe_pct);
  Submit(ReceiveOp(fd));
  Submit(SendOp(fd, "text"));
  std::map<uint64_t, int32_t> results;
  for (int i = 0; i < 4 && results.size() < 2; ++i) {
    for (const Completion& completion : WaitOnce()) results[completion.token] = completion.result;
  }
  EXPECT_EQ(results[SendOp(fd, "text").token], -EPIPE);
  EXPECT_EQ(results[ReceiveOp(fd).token], -ECONNRESET);
}

TEST_F(SimKernelFaultsTest, ASendBreaks) {
  const auto [peer, fd] = Connected();
  Always(&Faults::send_pipe_pct);
  EXPECT_EQ(Perform(SendOp(fd, "x")).result, -EPIPE);
  PassMoment();
  EXPECT_TRUE(network_.Look(peer).reset);
}

TEST_F(SimKernelFaultsTest, AConnectFails) {
  const SocketAddress address = AddressOfPort(kPort);
  Always(&Faults::connect_error_pct);
  const int fd = kernel_.OpenSocket(address, false);
  EXPECT_LT(Perform({.kind = OpKind::kConnect, .fd = fd, .token = 1, .address = &address}).result,
            0);
  kernel_.Close(fd);
  PassMoment();
  EXPECT_EQ(kernel_.ReadQueue(listener_).depth, 0u);
}

TEST_F(SimKernelFaultsTest, TheQueueIsFullButNeverRightAfterAWait) {
  const auto [peer, fd] = Connected();
  Always(&Faults::queue_full_pct);
  for (int i = 0; i < 3; ++i) {
    const Op poll = {.kind = OpKind::kPoll, .poll_events = POLLOUT, .fd = fd, .token = 4};
    EXPECT_TRUE(kernel_.Submit(poll));
    EXPECT_FALSE(kernel_.Submit(ReceiveOp(fd)));
    EXPECT_THAT(WaitOnce(), SizeIs(1));
  }
}

TEST_F(SimKernelFaultsTest, ACancelledOperationWinsTheRaceIfItCan) {
  const auto [peer, fd] = Connected();
  Faults faults;
  faults.cancel_race_pct = 100;
  faults.completion_delay_max = Duration::Seconds(1000);
  kernel_.set_faults(faults);
  const Op cancel = {.kind = OpKind::kCancel, .fd = fd, .token = 9, .target = 2};
  Submit(ReceiveOp(fd));
  Submit(cancel);
  std::vector<Completion> ends = WaitOnce();
  ASSERT_THAT(ends, SizeIs(2));
  EXPECT_EQ(ends[0].result, -ECANCELED) << "nothing was there";
  EXPECT_EQ(ends[1].result, 0);
  network_.Send(peer, "text");
  PassMoment();
  Submit(ReceiveOp(fd));
  Submit(cancel);
  ends = WaitOnce();
  ASSERT_THAT(ends, SizeIs(2));
  EXPECT_EQ(ends[0].result, 4);
  EXPECT_EQ(ends[1].result, -ENOENT);
}

TEST_F(SimKernelFaultsTest, CompletionsComeLateAndInAnyOrder) {
  std::vector<Pair> pairs;
  for (int i = 0; i < 20; ++i) pairs.push_back(Connected());
  Faults faults;
  faults.completion_delay_max = Duration::Milliseconds(10);
  kernel_.set_faults(faults);
  for (size_t i = 0; i < pairs.size(); ++i) {
    network_.Send(pairs[i].peer, "x");
    Submit({.kind = OpKind::kReceive, .fd = pairs[i].fd, .token = 100 + i});
  }
  const Instant start = world_.now();
  std::vector<uint64_t> tokens;
  while (tokens.size() < pairs.size() && world_.now() < start + Duration::Seconds(1)) {
    for (const Completion& completion : WaitOnce()) {
      EXPECT_EQ(completion.result, 1);
      kernel_.ReleaseBuffer(completion.buffer);
      tokens.push_back(completion.token);
    }
  }
  EXPECT_THAT(tokens, SizeIs(20));
  EXPECT_FALSE(std::is_sorted(tokens.begin(), tokens.end()));
  EXPECT_LE(world_.now(), start + Duration::Milliseconds(11));
  EXPECT_GT(world_.now(), start + Duration::Milliseconds(1));
}

}  // namespace
}  // namespace floodgate::sim
