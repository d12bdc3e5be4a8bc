// The contract of the seam to the kernel (io/kernel.h): accepting and connecting.
#include "base/prng.h"
#include "tests/io/kernel_contract.h"

namespace floodgate {
namespace {

using ::testing::IsEmpty;

// --- Accept ---
TEST_P(KernelContract, AcceptFindsNothing) {
  const int listener = harness().OpenListener(8);
  EXPECT_EQ(Accept(listener).result, -EAGAIN);
  EXPECT_EQ(Accept(listener).result, -EAGAIN);
}

TEST_P(KernelContract, AcceptTakesExactlyWhatIsAskedInOrder) {
  const int listener = harness().OpenListener(64);
  std::vector<uint16_t> ports;
  for (int i = 0; i < 10; ++i) ports.push_back(harness().PeerPort(harness().PeerConnect(listener)));
  size_t next = 0;
  for (const size_t budget : {size_t{1}, size_t{2}, size_t{4}}) {
    for (size_t i = 0; i < budget; ++i) {
      Submit({.kind = OpKind::kAccept, .fd = listener, .token = 1 + next + i});
    }
    const auto accepted = AwaitByToken(budget);
    for (const auto& [token, completion] : accepted) {
      ASSERT_GE(completion.result, 0);
      EXPECT_FALSE(completion.more);
      EXPECT_EQ(completion.peer.family, PeerAddress::Family::kIp);
      EXPECT_EQ(completion.peer.port, ports[token - 1]) << "first in, first out";
      EXPECT_EQ(completion.peer.ip, IpAddress::V4(0x7f000001));
      kernel().Close(completion.result);
    }
    next += budget;
    EXPECT_EQ(kernel().ReadQueue(listener).depth, 10 - next);
  }
  EXPECT_THAT(Drain(), IsEmpty());
  EXPECT_EQ(kernel().ReadQueue(listener).depth, 3u) << "nothing was taken unasked";
}

TEST_P(KernelContract, AcceptTellsThePeerOfAResetConnection) {
  const int listener = harness().OpenListener(8);
  const int peer = harness().PeerConnect(listener);
  const uint16_t port = harness().PeerPort(peer);
  harness().PeerReset(peer);
  const Completion accepted = Accept(listener);
  ASSERT_GE(accepted.result, 0);
  EXPECT_EQ(accepted.peer.port, port);
  EXPECT_EQ(accepted.peer.ip, IpAddress::V4(0x7f000001));
  kernel().Close(accepted.result);
}

TEST_P(KernelContract, MultishotTakesAllThatComes) {
  const int listener = harness().OpenListener(64);
  for (int i = 0; i < 5; ++i) harness().PeerConnect(listener);
  Submit({.kind = OpKind::kAcceptMultishot, .fd = listener, .token = 7});
  for (const Completion& completion : Await(5)) {
    EXPECT_EQ(completion.token, 7u);
    EXPECT_GE(completion.result, 0);
    EXPECT_TRUE(completion.more);
    kernel().Close(completion.result);
  }
  EXPECT_THAT(Drain(), IsEmpty());
  for (int i = 0; i < 3; ++i) {
    harness().PeerConnect(listener);
    const Completion completion = AwaitOne();
    EXPECT_GE(completion.result, 0);
    EXPECT_TRUE(completion.more);
    kernel().Close(completion.result);
  }
}

TEST_P(KernelContract, MultishotTakesNothingWhileItsOwnerIsElsewhere) {
  const int listener = harness().OpenListener(64);
  Submit({.kind = OpKind::kAcceptMultishot, .fd = listener, .token = 7});
  EXPECT_THAT(Drain(), IsEmpty());
  for (uint32_t i = 1; i <= 5; ++i) {
    harness().PeerConnect(listener);
    EXPECT_EQ(kernel().ReadQueue(listener).depth, i);
  }
  for (const Completion& completion : Await(5)) kernel().Close(completion.result);
  EXPECT_EQ(kernel().ReadQueue(listener).depth, 0u);
}

TEST_P(KernelContract, MultishotDeliversAllThroughASmallBatch) {
  const int listener = harness().OpenListener(64);
  for (int i = 0; i < 20; ++i) harness().PeerConnect(listener);
  Submit({.kind = OpKind::kAcceptMultishot, .fd = listener, .token = 7});
  for (int i = 0; i < 20; ++i) {
    const Completion completion = AwaitOne();
    EXPECT_GE(completion.result, 0);
    kernel().Close(completion.result);
  }
  EXPECT_THAT(Drain(), IsEmpty());
}

// Room for completions is short, so a multishot may end before its time; whoever submits it again
// as the contract says gets every connection all the same.
TEST_P(KernelContract, MultishotSurvivesAFullCompletionQueue) {
  Make({.sq_entries = 8, .cq_entries = 16});
  const int listener = harness().OpenListener(256);
  const size_t total = 200;
  for (size_t i = 0; i < total; ++i) harness().PeerConnect(listener);
  Submit({.kind = OpKind::kAcceptMultishot, .fd = listener, .token = 7});
  size_t taken = 0;
  while (taken < total && !HasFailure()) {
    const Completion completion = AwaitOne();
    ASSERT_EQ(completion.token, 7u);
    if (completion.result >= 0) {
      ++taken;
      kernel().Close(completion.result);
    }
    if (!completion.more) {
      Submit({.kind = OpKind::kAcceptMultishot, .fd = listener, .token = 7});
    }
  }
  EXPECT_EQ(kernel().ReadQueue(listener).depth, 0u);
}

// Cancelling races with connections coming in: each must be either accepted or still in the queue.
TEST_P(KernelContract, CancelledMultishotLosesNoConnection) {
  const int listener = harness().OpenListener(64);
  Prng prng(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<int> peers;
    const uint64_t before = prng.Below(3);
    for (uint64_t i = 0; i < before; ++i) peers.push_back(harness().PeerConnect(listener));
    Submit({.kind = OpKind::kAcceptMultishot, .fd = listener, .token = 7});
    Completion ignored;
    size_t taken = 0;
    const auto count = [&](const Completion& completion) {
      if (completion.token != 7 || completion.result < 0) return;
      ++taken;
      kernel().Close(completion.result);
    };
    if (prng.Chance(50) && kernel().Wait(kernel().Now(), absl::MakeSpan(&ignored, 1)) == 1) {
      count(ignored);
    }
    const uint64_t during = prng.Below(3);
    for (uint64_t i = 0; i < during; ++i) peers.push_back(harness().PeerConnect(listener));
    Submit({.kind = OpKind::kCancel, .fd = listener, .token = 8, .target = 7});
    // Both ends: the cancel's, and the multishot's own last completion.
    bool ended = false;
    bool cancelled = false;
    while (!ended || !cancelled) {
      const Completion completion = AwaitOne();
      count(completion);
      if (completion.token == 7 && !completion.more) ended = true;
      if (completion.token == 8) {
        EXPECT_EQ(completion.result, 0);
        cancelled = true;
      }
      if (HasFailure()) return;
    }
    EXPECT_EQ(taken + kernel().ReadQueue(listener).depth, peers.size()) << "round " << round;
    while (kernel().ReadQueue(listener).depth > 0) kernel().Close(Accept(listener).result);
    for (int peer : peers) harness().PeerClose(peer);
  }
}

// --- Connect ---
TEST_P(KernelContract, ConnectSucceeds) {
  const int listener = harness().OpenListener(8);
  const SocketAddress address = harness().AddressOf(listener);
  const int fd = kernel().OpenSocket(address, /*speaks_at_once=*/false);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(Perform({.kind = OpKind::kConnect, .fd = fd, .token = 3, .address = &address}).result,
            0);
  const Completion accepted = Accept(listener);
  ASSERT_GE(accepted.result, 0);
  EXPECT_EQ(Send(fd, "to the server").result, 13);
  int last = 0;
  EXPECT_EQ(ReceiveAll(accepted.result, 13, &last), "to the server");
  kernel().Close(fd);
  kernel().Close(accepted.result);
}

TEST_P(KernelContract, ConnectIsRefused) {
  const SocketAddress address = harness().DeadAddress();
  const int fd = kernel().OpenSocket(address, /*speaks_at_once=*/false);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(Perform({.kind = OpKind::kConnect, .fd = fd, .token = 3, .address = &address}).result,
            -ECONNREFUSED);
  kernel().Close(fd);
}

}  // namespace
}  // namespace floodgate
