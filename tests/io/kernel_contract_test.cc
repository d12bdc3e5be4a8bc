// The contract of the seam to the kernel (io/kernel.h), one suite for every implementation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/prng.h"
#include "tests/io/contract_harness.h"
#include "tests/io/real_harness.h"

namespace floodgate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Implementation {
  const char* name;
  std::unique_ptr<ContractHarness> (*make)(const KernelOptions& options);
};

void PrintTo(const Implementation& implementation, std::ostream* out) {
  *out << implementation.name;
}

constexpr Duration kPatience = Duration::Seconds(20);
constexpr Duration kMoment = Duration::Milliseconds(20);

class KernelContract : public ::testing::TestWithParam<Implementation> {
 protected:
  void Make(const KernelOptions& options) { harness_ = GetParam().make(options); }
  void SetUp() override { Make({}); }

  Kernel& kernel() { return harness_->kernel(); }
  ContractHarness& harness() { return *harness_; }

  void Submit(const Op& op) { ASSERT_TRUE(kernel().Submit(op)); }

  // Waits until `count` completions have come, or fails.
  std::vector<Completion> Await(size_t count, size_t batch = 64) {
    std::vector<Completion> all;
    std::vector<Completion> some(batch);
    const Instant give_up = kernel().Now() + kPatience;
    while (all.size() < count && kernel().Now() < give_up) {
      const size_t got = kernel().Wait(give_up, absl::MakeSpan(some));
      all.insert(all.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(got));
    }
    EXPECT_GE(all.size(), count);
    all.resize(std::max(all.size(), count));
    return all;
  }
  Completion AwaitOne() { return Await(1, 1).front(); }
  Completion Perform(const Op& op) {
    EXPECT_TRUE(kernel().Submit(op));
    const Completion completion = AwaitOne();
    EXPECT_EQ(completion.token, op.token);
    return completion;
  }
  // By token; every token at most once.
  std::map<uint64_t, Completion> AwaitByToken(size_t count) {
    std::map<uint64_t, Completion> by_token;
    for (const Completion& completion : Await(count)) {
      EXPECT_TRUE(by_token.emplace(completion.token, completion).second) << completion.token;
    }
    return by_token;
  }
  // What comes within a moment; for showing that nothing does.
  std::vector<Completion> Drain() {
    std::vector<Completion> some(64);
    some.resize(kernel().Wait(kernel().Now() + kMoment, absl::MakeSpan(some)));
    return some;
  }

  Completion Accept(int listener) {
    return Perform({.kind = OpKind::kAccept, .fd = listener, .token = 900});
  }
  struct Pair {
    int peer;
    int fd;
  };
  Pair Connected() {
    if (listener_ < 0) listener_ = harness().OpenListener(64);
    const int peer = harness().PeerConnect(listener_);
    const Completion accepted = Accept(listener_);
    EXPECT_GE(accepted.result, 0);
    return {.peer = peer, .fd = accepted.result};
  }
  // Receives until `size` bytes or the end of input or an error is there; gives the bytes, and the
  // last result.
  std::string ReceiveAll(int fd, size_t size, int* last) {
    std::string text;
    *last = 1;
    while (text.size() < size && *last > 0) {
      const Completion completion = Perform({.kind = OpKind::kReceive, .fd = fd, .token = 901});
      *last = completion.result;
      if (completion.result <= 0) break;
      text += std::string(AsText(kernel().Buffer(completion)));
      kernel().ReleaseBuffer(completion.buffer);
    }
    return text;
  }
  Completion Send(int fd, absl::string_view text) {
    return Perform({.kind = OpKind::kSend,
                    .fd = fd,
                    .token = 902,
                    .data = AsBytes(text).data(),
                    .size = static_cast<uint32_t>(text.size())});
  }

  int listener_ = -1;
  std::unique_ptr<ContractHarness> harness_;
};

// --- Accept
// ---------------------------------------------------------------------------------------

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
  for (const size_t budget : {1, 2, 4}) {
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

// --- Connect
// --------------------------------------------------------------------------------------

TEST_P(KernelContract, ConnectSucceeds) {
  const int listener = harness().OpenListener(8);
  const SocketAddress address = harness().AddressOf(listener);
  const int fd = kernel().OpenSocket(address);
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
  const int fd = kernel().OpenSocket(address);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(Perform({.kind = OpKind::kConnect, .fd = fd, .token = 3, .address = &address}).result,
            -ECONNREFUSED);
  kernel().Close(fd);
}

// --- Receive, send
// --------------------------------------------------------------------------------

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

// --- Poll
// -----------------------------------------------------------------------------------------

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

// --- Cancel
// ---------------------------------------------------------------------------------------

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

// --- Time, queues, waking
// -------------------------------------------------------------------------

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
  Make({.sq_entries = 8, .cq_entries = 64});
  const int listener = harness().OpenListener(8);
  uint64_t queued = 0;
  while (queued < 1000 &&
         kernel().Submit({.kind = OpKind::kAccept, .fd = listener, .token = queued + 1})) {
    ++queued;
  }
  EXPECT_GE(queued, 8u);
  EXPECT_LT(queued, 1000u);
  EXPECT_THAT(AwaitByToken(queued), SizeIs(queued)) << "what was refused was not queued";
  EXPECT_EQ(Accept(listener).result, -EAGAIN);
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

// --- Readings
// -------------------------------------------------------------------------------------

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
  const int silent = harness().PeerConnect(listener);
  const int talking = harness().PeerConnect(listener);
  const int leaving = harness().PeerConnect(listener);
  EXPECT_THAT(Drain(), IsEmpty());
  const Instant parked_at = kernel().Now();
  Completion completion;
  kernel().Wait(parked_at + Duration::Milliseconds(100), absl::MakeSpan(&completion, 1));
  harness().PeerSend(talking, "hello");
  harness().PeerClose(leaving);
  for (int i = 0; i < 3; ++i) {
    const Completion accepted = Accept(listener);
    const Duration queued = kernel().ReadConnection(accepted.result).queued;
    EXPECT_GE(queued, Duration::Milliseconds(95)) << i;
    EXPECT_LE(queued, kPatience) << i;
    kernel().Close(accepted.result);
  }
  EXPECT_NE(silent, talking);
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
  kernel().Tune(fd);
  harness().PeerReset(peer);
  EXPECT_FALSE(kernel().ReadAddresses(fd, &remote, &local));
  kernel().Close(fd);
}

// --- Splice
// ---------------------------------------------------------------------------------------

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

// --- The implementations
// --------------------------------------------------------------------------

template <EngineKind kKind>
std::unique_ptr<ContractHarness> MakeReal(const KernelOptions& options) {
  return std::make_unique<RealHarness>(kKind, options);
}

INSTANTIATE_TEST_SUITE_P(All, KernelContract,
                         ::testing::Values(Implementation{"uring", &MakeReal<EngineKind::kUring>},
                                           Implementation{"epoll", &MakeReal<EngineKind::kEpoll>}),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace floodgate
