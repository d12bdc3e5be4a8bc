// The contract of the seam to the kernel (io/kernel.h): receiving and sending.
#include "tests/io/kernel_contract.h"

namespace floodgate {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// --- Receive, send ---
TEST_P(KernelContract, BytesGoBothWays) {
  const auto [peer, fd] = Connected();
  harness().PeerSend(peer, "hello");
  int last = 0;
  EXPECT_EQ(ReceiveAll(fd, 5, &last), "hello");
  // Now one that waits first, with and without the hint.
  for (const bool expect_wait : {false, true}) {
    Submit({.kind = OpKind::kReceive, .expect_wait = expect_wait, .fd = fd, .token = 5});
    EXPECT_THAT(Drain(), IsEmpty());
    harness().PeerSend(peer, "later");
    const Completion completion = AwaitOne();
    ASSERT_EQ(completion.result, 5);
    EXPECT_EQ(completion.token, 5u);
    EXPECT_EQ(AsText(kernel().Buffer(completion)), "later");
    kernel().ReleaseBuffer(completion.buffer);
  }
  EXPECT_EQ(Send(fd, "answer").result, 6);
  EXPECT_EQ(harness().PeerReceive(peer, 6), "answer");
  kernel().Close(fd);
}

// A hint that is wrong costs time, never data.
TEST_P(KernelContract, ExpectWaitMayBeWrong) {
  const auto [peer, fd] = Connected();
  for (int i = 0; i < 3; ++i) {
    harness().PeerSend(peer, "early");
    EXPECT_THAT(Drain(), IsEmpty());
    const Completion completion =
        Perform({.kind = OpKind::kReceive, .expect_wait = true, .fd = fd, .token = 5});
    ASSERT_EQ(completion.result, 5);
    kernel().ReleaseBuffer(completion.buffer);
    Perform({.kind = OpKind::kSend,
             .expect_wait = true,
             .fd = fd,
             .token = 6,
             .data = AsBytes("x").data(),
             .size = 1});
  }
  kernel().Close(fd);
}

TEST_P(KernelContract, InputHasEndedWhenAllIsReceivedAndThePeerHasFinished) {
  const auto [peer, fd] = Connected();
  EXPECT_FALSE(kernel().InputEnded(fd));
  harness().PeerSend(peer, "last");
  harness().PeerHalfClose(peer);
  EXPECT_FALSE(kernel().InputEnded(fd));
  const Completion completion = Perform({.kind = OpKind::kReceive, .fd = fd, .token = 5});
  ASSERT_EQ(completion.result, 4);
  kernel().ReleaseBuffer(completion.buffer);
  EXPECT_TRUE(kernel().InputEnded(fd));
  EXPECT_EQ(Perform({.kind = OpKind::kReceive, .fd = fd, .token = 5}).result, 0);
  kernel().Close(fd);
}

TEST_P(KernelContract, WhatAwaitsAShutdownGoesWithIt) {
  const auto [peer, fd] = Connected();
  const Completion sent = Perform({.kind = OpKind::kSend,
                                   .more_follows = true,
                                   .fd = fd,
                                   .token = 6,
                                   .data = AsBytes("last").data(),
                                   .size = 4});
  EXPECT_EQ(sent.result, 4);
  kernel().Shutdown(fd, /*both=*/false);
  EXPECT_EQ(harness().PeerReceive(peer, 5), "last");  // And then the end.
  kernel().Close(fd);
}

TEST_P(KernelContract, MoreThanOneBufferIsReceivedWhole) {
  Make({.buffers = 4, .buffer_size = 4096});
  const auto [peer, fd] = Connected();
  std::string text(20'000, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i % 251);
  harness().PeerSend(peer, text);
  harness().PeerHalfClose(peer);
  int last = 0;
  EXPECT_EQ(ReceiveAll(fd, text.size() + 1, &last), text);
  EXPECT_EQ(last, 0);
  kernel().Close(fd);
}

TEST_P(KernelContract, HalfCloseOfThePeerIsAnEndAndSendingGoesOn) {
  const auto [peer, fd] = Connected();
  harness().PeerSend(peer, "last words");
  harness().PeerHalfClose(peer);
  int last = 0;
  EXPECT_EQ(ReceiveAll(fd, 100, &last), "last words");
  EXPECT_EQ(last, 0);
  EXPECT_EQ(Send(fd, "still here").result, 10);
  EXPECT_EQ(harness().PeerReceive(peer, 10), "still here");
  kernel().Close(fd);
  EXPECT_EQ(harness().PeerReceive(peer, 1), "");
}

TEST_P(KernelContract, HalfCloseOfOursIsAnEndThereAndReceivingGoesOn) {
  const auto [peer, fd] = Connected();
  EXPECT_EQ(Send(fd, "bye").result, 3);
  kernel().Shutdown(fd, false);
  EXPECT_EQ(harness().PeerReceive(peer, 10), "bye");
  harness().PeerSend(peer, "reply");
  int last = 0;
  EXPECT_EQ(ReceiveAll(fd, 5, &last), "reply");
  kernel().Close(fd);
}

TEST_P(KernelContract, EndOfInputCompletesAWaitingReceive) {
  const auto [peer, fd] = Connected();
  Submit({.kind = OpKind::kReceive, .fd = fd, .token = 5});
  EXPECT_THAT(Drain(), IsEmpty());
  harness().PeerClose(peer);
  EXPECT_EQ(AwaitOne().result, 0);
  kernel().Close(fd);
}

// Data, then the end of input, while nobody was looking: both must come out, in this order.
TEST_P(KernelContract, DataAndEndBetweenTwoReceives) {
  const auto [peer, fd] = Connected();
  Submit({.kind = OpKind::kReceive, .fd = fd, .token = 5});
  EXPECT_THAT(Drain(), IsEmpty());
  harness().PeerSend(peer, "one");
  const Completion first = AwaitOne();
  ASSERT_EQ(first.result, 3);
  kernel().ReleaseBuffer(first.buffer);
  harness().PeerSend(peer, "two");
  harness().PeerClose(peer);
  int last = 0;
  EXPECT_EQ(ReceiveAll(fd, 100, &last), "two");
  EXPECT_EQ(last, 0);
  kernel().Close(fd);
}

TEST_P(KernelContract, ResetOfThePeerIsAnError) {
  const auto [peer, fd] = Connected();
  Submit({.kind = OpKind::kReceive, .fd = fd, .token = 5});
  EXPECT_THAT(Drain(), IsEmpty());
  harness().PeerReset(peer);
  EXPECT_EQ(AwaitOne().result, -ECONNRESET);
  // No SIGPIPE, which would end the process.
  EXPECT_EQ(Send(fd, "into the void").result, -EPIPE);
  kernel().Close(fd);
}

TEST_P(KernelContract, ResetOfOursReachesThePeer) {
  const auto [peer, fd] = Connected();
  kernel().Reset(fd);
  EXPECT_TRUE(harness().PeerSeesReset(peer));
}

TEST_P(KernelContract, ShutdownOfBothCompletesAWaitingReceive) {
  const auto [peer, fd] = Connected();
  Submit({.kind = OpKind::kReceive, .fd = fd, .token = 5});
  EXPECT_THAT(Drain(), IsEmpty());
  kernel().Shutdown(fd, true);
  EXPECT_EQ(AwaitOne().result, 0);
  EXPECT_EQ(harness().PeerReceive(peer, 1), "");
  kernel().Close(fd);
}

TEST_P(KernelContract, AFullSocketDelaysTheSend) {
  const auto [peer, fd] = Connected();
  std::string text(16 << 20, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i % 253);
  size_t sent = 0;
  std::string received;
  bool waited = false;
  while (sent < text.size()) {
    Submit({.kind = OpKind::kSend,
            .fd = fd,
            .token = 6,
            .data = AsBytes(text).data() + sent,
            .size = static_cast<uint32_t>(text.size() - sent)});
    std::vector<Completion> done = Drain();
    // The socket is full and the send is short or waits; reading makes room.
    while (done.empty()) {
      waited = true;
      received += harness().PeerReceive(peer, 1 << 20);
      done = Drain();
    }
    ASSERT_GT(done[0].result, 0);
    sent += static_cast<size_t>(done[0].result);
  }
  EXPECT_TRUE(waited) << "16 MiB fit into the sockets: the test has not seen a full one";
  received += harness().PeerReceive(peer, text.size() - received.size());
  EXPECT_TRUE(received == text);
  kernel().Close(fd);
}

TEST_P(KernelContract, AnEmptyPoolIsToldAndRecovers) {
  Make({.buffers = 2, .buffer_size = 4096});
  std::vector<Pair> pairs;
  for (int i = 0; i < 3; ++i) pairs.push_back(Connected());
  for (const Pair& pair : pairs) harness().PeerSend(pair.peer, "data");
  std::vector<Completion> held;
  for (size_t i = 0; i < 2; ++i) {
    held.push_back(Perform({.kind = OpKind::kReceive, .fd = pairs[i].fd, .token = 10 + i}));
    ASSERT_EQ(held.back().result, 4);
  }
  EXPECT_NE(held[0].buffer, held[1].buffer);
  EXPECT_EQ(Perform({.kind = OpKind::kReceive, .fd = pairs[2].fd, .token = 12}).result, -ENOBUFS);
  kernel().ReleaseBuffer(held[0].buffer);
  const Completion now = Perform({.kind = OpKind::kReceive, .fd = pairs[2].fd, .token = 12});
  ASSERT_EQ(now.result, 4);
  EXPECT_EQ(AsText(kernel().Buffer(now)), "data");
  EXPECT_EQ(AsText(kernel().Buffer(held[1])), "data") << "still ours";
}

// More operations complete at once than the queue of completions has room for: none gets lost.
TEST_P(KernelContract, CompletionsPastTheQueuesRoomComeLater) {
  Make({.sq_entries = 8, .cq_entries = 16, .buffers = 128, .buffer_size = 64});
  std::vector<Pair> pairs;
  for (size_t i = 0; i < 60; ++i) {
    pairs.push_back(Connected());
    Submit({.kind = OpKind::kReceive, .fd = pairs[i].fd, .token = 10 + i});
    Completion none;
    ASSERT_EQ(kernel().Wait(kernel().Now(), absl::MakeSpan(&none, 1)), 0u);
  }
  for (const Pair& pair : pairs) harness().PeerSend(pair.peer, "x");
  const auto received = AwaitByToken(60);
  EXPECT_THAT(received, SizeIs(60));
  for (const auto& [token, completion] : received) {
    EXPECT_EQ(completion.result, 1);
    kernel().ReleaseBuffer(completion.buffer);
    kernel().Close(pairs[token - 10].fd);
  }
}

TEST_P(KernelContract, WaitingReceivesHoldNoBuffer) {
  Make({.buffers = 1, .buffer_size = 4096});
  std::vector<Pair> pairs;
  for (size_t i = 0; i < 8; ++i) {
    pairs.push_back(Connected());
    Submit({.kind = OpKind::kReceive, .fd = pairs[i].fd, .token = 10 + i});
    EXPECT_THAT(Drain(), IsEmpty());
  }
  for (size_t i = 0; i < 8; ++i) {
    harness().PeerSend(pairs[i].peer, "x");
    const Completion completion = AwaitOne();
    EXPECT_EQ(completion.token, 10 + i);
    ASSERT_EQ(completion.result, 1);
    kernel().ReleaseBuffer(completion.buffer);
  }
  // The end of input takes none either, or leaves it where it was.
  for (size_t i = 0; i < 8; ++i) {
    harness().PeerClose(pairs[i].peer);
    EXPECT_EQ(Perform({.kind = OpKind::kReceive, .fd = pairs[i].fd, .token = 10 + i}).result, 0);
    kernel().Close(pairs[i].fd);
  }
  const Pair last = Connected();
  harness().PeerSend(last.peer, "y");
  EXPECT_EQ(Perform({.kind = OpKind::kReceive, .fd = last.fd, .token = 1}).result, 1);
}

}  // namespace
}  // namespace floodgate
