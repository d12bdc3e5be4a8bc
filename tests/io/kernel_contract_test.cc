// The contract of the seam to the kernel (io/kernel.h): polls, cancels, time, waking, readings.
#include "tests/io/kernel_contract.h"

namespace floodgate {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// --- Poll ---
TEST_P(KernelContract, PollTellsWhatHoldsAndWhatComes) {
  const int listener = harness().OpenListener(8);
  Submit({.kind = OpKind::kPoll, .poll_events = POLLIN, .fd = listener, .token = 1});
  EXPECT_THAT(Drain(), IsEmpty());
  harness().PeerConnect(listener);
  EXPECT_EQ(AwaitOne().result & POLLIN, POLLIN);
  // It says so as long as it holds, not only when it begins to.
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(
        Perform({.kind = OpKind::kPoll, .poll_events = POLLIN, .fd = listener, .token = 1}).result &
            POLLIN,
        POLLIN);
  }
  kernel().Close(Accept(listener).result);
  Submit({.kind = OpKind::kPoll, .poll_events = POLLIN, .fd = listener, .token = 1});
  EXPECT_THAT(Drain(), IsEmpty());
  harness().PeerConnect(listener);
  EXPECT_EQ(AwaitOne().result & POLLIN, POLLIN);
}

TEST_P(KernelContract, PollOfAConnection) {
  const auto [peer, fd] = Connected();
  EXPECT_EQ(Perform({.kind = OpKind::kPoll, .poll_events = POLLOUT, .fd = fd, .token = 1}).result,
            POLLOUT);
  Submit({.kind = OpKind::kPoll, .poll_events = POLLRDHUP, .fd = fd, .token = 1});
  harness().PeerSend(peer, "this is not what it waits for");
  EXPECT_THAT(Drain(), IsEmpty());
  harness().PeerHalfClose(peer);
  EXPECT_EQ(AwaitOne().result & POLLRDHUP, POLLRDHUP);
  harness().PeerReset(peer);
  EXPECT_EQ(Perform({.kind = OpKind::kPoll, .poll_events = 0, .fd = fd, .token = 1}).result &
                (POLLHUP | POLLERR),
            POLLHUP | POLLERR);
  kernel().Close(fd);
}

// --- Cancel ---
TEST_P(KernelContract, CancelEndsEveryKindThatWaits) {
  const auto [peer, fd] = Connected();
  const int idle = harness().OpenListener(8);
  std::string text(32 << 20, 'x');  // More than the sockets take.
  const Op kinds[] = {
      {.kind = OpKind::kReceive, .fd = fd, .token = 20},
      {.kind = OpKind::kPoll, .poll_events = POLLIN, .fd = fd, .token = 20},
      {.kind = OpKind::kAcceptMultishot, .fd = idle, .token = 20},
      {.kind = OpKind::kPoll, .poll_events = POLLIN, .fd = idle, .token = 20},
      {.kind = OpKind::kSend,
       .fd = fd,
       .token = 20,
       .data = AsBytes(text).data(),
       .size = static_cast<uint32_t>(text.size())},
  };
  for (const Op& op : kinds) {
    for (const bool name_handle : {true, false}) {
      Submit(op);
      if (op.kind == OpKind::kSend && !name_handle) continue;
      EXPECT_THAT(Drain(), IsEmpty());
      Submit({.kind = OpKind::kCancel, .fd = name_handle ? op.fd : -1, .token = 21, .target = 20});
      auto ends = AwaitByToken(2);
      EXPECT_EQ(ends[21].result, 0);
      EXPECT_FALSE(ends[20].more);
      if (op.kind == OpKind::kSend) {
        EXPECT_GT(ends[20].result, 0) << "what was sent is told";
        EXPECT_LT(ends[20].result, static_cast<int>(text.size()));
      } else {
        EXPECT_EQ(ends[20].result, -ECANCELED);
      }
    }
  }
  Submit({.kind = OpKind::kCancel, .fd = fd, .token = 21, .target = 20});
  AwaitByToken(2);
  kernel().Reset(fd);
  EXPECT_TRUE(harness().PeerSeesReset(peer));
}

TEST_P(KernelContract, CancelOfTheCompletedFindsNothing) {
  const auto [peer, fd] = Connected();
  harness().PeerSend(peer, "x");
  const Completion received = Perform({.kind = OpKind::kReceive, .fd = fd, .token = 20});
  ASSERT_EQ(received.result, 1);
  kernel().ReleaseBuffer(received.buffer);
  for (const int named : {fd, -1}) {
    EXPECT_EQ(Perform({.kind = OpKind::kCancel, .fd = named, .token = 21, .target = 20}).result,
              -ENOENT);
    EXPECT_EQ(Perform({.kind = OpKind::kCancel, .fd = named, .token = 21, .target = 77}).result,
              -ENOENT);
  }
  const int listener = harness().OpenListener(8);
  Submit({.kind = OpKind::kAccept, .fd = listener, .token = 30});
  Submit({.kind = OpKind::kCancel, .fd = listener, .token = 31, .target = 30});
  auto ends = AwaitByToken(2);
  EXPECT_EQ(ends[30].result, -EAGAIN) << "it never waits, so there is nothing to cancel";
  EXPECT_EQ(ends[31].result, -ENOENT);
  kernel().Close(fd);
}

// Operations that are ready when they are submitted, cancelled in the same batch: each ends exactly
// once, by its own result or by the cancel.
TEST_P(KernelContract, CancelInTheSameBatchEndsEachOnce) {
  std::vector<Pair> pairs;
  for (int i = 0; i < 60; ++i) pairs.push_back(Connected());
  for (const Pair& pair : pairs) harness().PeerSend(pair.peer, "x");
  for (size_t i = 0; i < pairs.size(); ++i) {
    Submit({.kind = OpKind::kReceive, .expect_wait = true, .fd = pairs[i].fd, .token = 100 + i});
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    Submit({.kind = OpKind::kCancel, .fd = pairs[i].fd, .token = 200 + i, .target = 100 + i});
  }
  auto ends = AwaitByToken(2 * pairs.size());
  EXPECT_THAT(Drain(), IsEmpty());
  for (size_t i = 0; i < pairs.size(); ++i) {
    ASSERT_EQ(ends.count(100 + i), 1u);
    ASSERT_EQ(ends.count(200 + i), 1u);
    const Completion& received = ends[100 + i];
    EXPECT_TRUE(received.result == 1 || received.result == -ECANCELED) << received.result;
    if (received.result == 1) kernel().ReleaseBuffer(received.buffer);
    EXPECT_TRUE(ends[200 + i].result == 0 || ends[200 + i].result == -ENOENT);
    kernel().Close(pairs[i].fd);
  }
}

// Cancel both ways, reap, close: nothing comes afterwards, and the number may be used again.
TEST_P(KernelContract, CancelReapCloseLeavesNothing) {
  for (int round = 0; round < 20; ++round) {
    const auto [peer, fd] = Connected();
    std::string text(8 << 20, 'x');
    Submit({.kind = OpKind::kReceive, .fd = fd, .token = 40});
    Submit({.kind = OpKind::kSend,
            .fd = fd,
            .token = 41,
            .data = AsBytes(text).data(),
            .size = static_cast<uint32_t>(text.size())});
    Submit({.kind = OpKind::kCancel, .fd = fd, .token = 42, .target = 40});
    Submit({.kind = OpKind::kCancel, .fd = fd, .token = 43, .target = 41});
    auto ends = AwaitByToken(4);
    EXPECT_EQ(ends[40].result, -ECANCELED);
    EXPECT_EQ(ends[42].result, 0);
    kernel().Reset(fd);
    EXPECT_TRUE(harness().PeerSeesReset(peer));
    harness().PeerClose(peer);
  }
  EXPECT_THAT(Drain(), IsEmpty());
}

// --- Time, queues, waking ---
TEST_P(KernelContract, WaitLastsUntilItsTimeAndTheClockStandsStillBetween) {
  Completion completion;
  const auto out = absl::MakeSpan(&completion, 1);
  const Instant before = kernel().Now();
  for (const Duration wait : {Duration::Microseconds(1), Duration::Microseconds(300),
                              Duration::Milliseconds(3), Duration::Milliseconds(30)}) {
    const Instant until = kernel().Now() + wait;
    EXPECT_EQ(kernel().Wait(until, out), 0u);
    EXPECT_GE(kernel().Now(), until);
  }
  // In the past, and now: comes back at once.
  EXPECT_EQ(kernel().Wait(before, out), 0u);
  EXPECT_EQ(kernel().Wait(kernel().Now(), out), 0u);
  const Instant now = kernel().Now();
  const auto [peer, fd] = Connected();
  const Instant later = kernel().Now();
  EXPECT_GT(later, now);
  harness().PeerSend(peer, "time passes outside");
  EXPECT_EQ(harness().kernel().Now(), later);
  kernel().Close(fd);
}

TEST_P(KernelContract, AFullQueueSaysNoAndTakesMoreAfterAWait) {
  std::vector<Pair> pairs;
  for (const bool accepts : {true, false}) {
    Make({.sq_entries = 8, .cq_entries = 64});
    listener_ = -1;
    pairs.clear();
    for (int i = 0; i < 40; ++i) pairs.push_back(Connected());
    uint64_t queued = 0;
    const auto op = [&](uint64_t i) -> Op {
      if (accepts) return {.kind = OpKind::kAccept, .fd = listener_, .token = i + 1};
      return {.kind = OpKind::kPoll, .poll_events = POLLOUT, .fd = pairs[i].fd, .token = i + 1};
    };
    while (queued < pairs.size() && kernel().Submit(op(queued))) ++queued;
    EXPECT_GE(queued, 8u);
    EXPECT_LT(queued, pairs.size());
    EXPECT_THAT(AwaitByToken(queued), SizeIs(queued)) << "what was refused was not queued";
    EXPECT_EQ(Accept(listener_).result, -EAGAIN);
  }
}

// There is room for one completion at a time and more to tell, a wake among it.
TEST_P(KernelContract, AWakeFindsItsPlaceAmongOthers) {
  const int listener = harness().OpenListener(8);
  for (int round = 0; round < 5; ++round) {
    for (uint64_t token = 1; token <= 4; ++token) {
      Submit({.kind = OpKind::kAccept, .fd = listener, .token = token});
    }
    kernel().waker().Wake();
    std::map<uint64_t, int> seen;
    for (int i = 0; i < 5; ++i) ++seen[AwaitOne().token];
    EXPECT_THAT(seen, SizeIs(5));
    EXPECT_EQ(seen.count(kWakeToken), 1u);
  }
}

TEST_P(KernelContract, AWakeBeforeTheWaitShows) {
  kernel().waker().Wake();
  EXPECT_EQ(AwaitOne().token, kWakeToken);
  EXPECT_THAT(Drain(), IsEmpty());
}

TEST_P(KernelContract, WakesMayShowAsOneAndNeverAsNone) {
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i <= round % 3; ++i) kernel().waker().Wake();
    const Completion completion = AwaitOne();
    EXPECT_EQ(completion.token, kWakeToken);
    EXPECT_EQ(completion.result, 0);
  }
  EXPECT_THAT(Drain(), IsEmpty());
}

// --- Readings ---
TEST_P(KernelContract, QueueDepthAndLimit) {
  const int listener = harness().OpenListener(5);
  EXPECT_EQ(kernel().ReadQueue(listener).depth, 0u);
  EXPECT_EQ(kernel().ReadQueue(listener).limit, 5u);
  for (uint32_t i = 1; i <= 3; ++i) {
    harness().PeerConnect(listener);
    EXPECT_EQ(kernel().ReadQueue(listener).depth, i);
  }
  EXPECT_EQ(kernel().Listen(listener, 9), 0);
  EXPECT_EQ(kernel().ReadQueue(listener).depth, 3u) << "listening again keeps the queue";
  EXPECT_EQ(kernel().ReadQueue(listener).limit, 9u);
  EXPECT_EQ(kernel().Listen(listener, 1), 0);
  EXPECT_EQ(kernel().ReadQueue(listener).depth, 3u);
}

// Each row of the table of stale connections.
TEST_P(KernelContract, ConnectionStates) {
  using State = ConnectionReading::State;
  const int listener = harness().OpenListener(8);
  const auto read = [&](auto act) {
    const int peer = harness().PeerConnect(listener);
    act(peer);
    const Completion accepted = Accept(listener);
    EXPECT_GE(accepted.result, 0);
    const State state = kernel().ReadConnection(accepted.result).state;
    kernel().Close(accepted.result);
    return state;
  };
  EXPECT_EQ(read([](int) {}), State::kSilent);
  EXPECT_EQ(read([&](int peer) { harness().PeerSend(peer, "hello"); }), State::kTalking);
  EXPECT_EQ(read([&](int peer) { harness().PeerClose(peer); }), State::kGone);
  EXPECT_EQ(read([&](int peer) { harness().PeerHalfClose(peer); }), State::kGone);
  EXPECT_EQ(read([&](int peer) { harness().PeerReset(peer); }), State::kGone);
  EXPECT_EQ(read([&](int peer) {
              harness().PeerSend(peer, "hello");
              harness().PeerClose(peer);
            }),
            State::kGone);
  EXPECT_EQ(read([&](int peer) {
              harness().PeerSend(peer, "hello");
              harness().PeerReset(peer);
            }),
            State::kGone);
}

TEST_P(KernelContract, TimeInTheQueueIsTold) {
  const int listener = harness().OpenListener(8);
  harness().PeerConnect(listener);  // silent
  const int talking = harness().PeerConnect(listener);
  const int leaving = harness().PeerConnect(listener);
  EXPECT_THAT(Drain(), IsEmpty());
  Completion completion;
  kernel().Wait(kernel().Now() + Duration::Milliseconds(100), absl::MakeSpan(&completion, 1));
  harness().PeerSend(talking, "hello");
  harness().PeerClose(leaving);
  for (int i = 0; i < 3; ++i) {
    const Completion accepted = Accept(listener);
    const Duration queued = kernel().ReadConnection(accepted.result).queued;
    EXPECT_GE(queued, Duration::Milliseconds(80)) << i;  // The kernel counts in ticks.
    EXPECT_LE(queued, kPatience) << i;
    kernel().Close(accepted.result);
  }
}

TEST_P(KernelContract, AddressesOfBothEnds) {
  const auto [peer, fd] = Connected();
  PeerAddress remote;
  PeerAddress local;
  ASSERT_TRUE(kernel().ReadAddresses(fd, &remote, &local));
  EXPECT_EQ(remote.port, harness().PeerPort(peer));
  EXPECT_EQ(remote.ip, IpAddress::V4(0x7f000001));
  EXPECT_EQ(local.ip, IpAddress::V4(0x7f000001));
  EXPECT_NE(local.port, 0);
  harness().PeerReset(peer);
  EXPECT_FALSE(kernel().ReadAddresses(fd, &remote, &local));
  kernel().Close(fd);
}

// --- Splice ---
TEST_P(KernelContract, SpliceMovesBytesThroughAPipe) {
  const Pair left = Connected();
  const Pair right = Connected();
  int read_end = -1;
  int write_end = -1;
  ASSERT_EQ(kernel().OpenPipe(65'536, &read_end, &write_end), 0);
  EXPECT_EQ(kernel().Splice(left.fd, write_end, 4096), -EAGAIN);
  harness().PeerSend(left.peer, "through the pipe");
  EXPECT_EQ(kernel().Splice(left.fd, write_end, 4096), 16);
  EXPECT_EQ(kernel().Splice(left.fd, write_end, 4096), -EAGAIN);
  EXPECT_EQ(kernel().Splice(read_end, right.fd, 7), 7);
  EXPECT_EQ(kernel().Splice(read_end, right.fd, 4096), 9);
  EXPECT_EQ(kernel().Splice(read_end, right.fd, 4096), -EAGAIN);
  EXPECT_EQ(harness().PeerReceive(right.peer, 16), "through the pipe");
  harness().PeerHalfClose(left.peer);
  EXPECT_EQ(kernel().Splice(left.fd, write_end, 4096), 0) << "the end of input";
  // Into a connection that was reset: an error and no SIGPIPE.
  harness().PeerSend(right.peer, "unread");
  harness().PeerReset(right.peer);
  EXPECT_EQ(kernel().Splice(right.fd, write_end, 4096), 6);
  EXPECT_EQ(kernel().Splice(right.fd, write_end, 4096), -ECONNRESET);
  const Pair third = Connected();
  harness().PeerSend(third.peer, "more");
  EXPECT_EQ(kernel().Splice(third.fd, write_end, 4096), 4);
  EXPECT_EQ(kernel().Splice(read_end, right.fd, 4096), -EPIPE);
  for (const int fd : {left.fd, right.fd, third.fd, read_end, write_end}) kernel().Close(fd);
}

// A poll that waits sees what comes after a splice has emptied the socket.
TEST_P(KernelContract, PollAfterSplice) {
  const auto [peer, fd] = Connected();
  int read_end = -1;
  int write_end = -1;
  ASSERT_EQ(kernel().OpenPipe(65'536, &read_end, &write_end), 0);
  for (int i = 0; i < 5; ++i) {
    Submit({.kind = OpKind::kPoll, .poll_events = POLLIN, .fd = fd, .token = 1});
    EXPECT_THAT(Drain(), IsEmpty());
    harness().PeerSend(peer, "data");
    EXPECT_EQ(AwaitOne().result & POLLIN, POLLIN);
    EXPECT_EQ(kernel().Splice(fd, write_end, 4096), 4);
    EXPECT_EQ(kernel().Splice(fd, write_end, 4096), -EAGAIN);
  }
  for (const int handle : {fd, read_end, write_end}) kernel().Close(handle);
}

}  // namespace
}  // namespace floodgate
