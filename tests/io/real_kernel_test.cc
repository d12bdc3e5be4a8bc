// What concerns the engines on the real kernel alone: limits of the process, threads, signals,
// families of addresses, and that nothing is left behind.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "io/engine.h"
#include "io/socket.h"
#include "tests/io/real_harness.h"

namespace floodgate {
namespace {

constexpr Duration kPatience = Duration::Seconds(20);

Endpoint Loopback(const std::string& host) {
  Endpoint endpoint;
  endpoint.host = host;
  return endpoint;
}

int OpenDescriptors() {
  DIR* directory = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

Completion AwaitOne(Kernel& kernel) {
  Completion completion;
  EXPECT_EQ(kernel.Wait(kernel.Now() + kPatience, absl::MakeSpan(&completion, 1)), 1u);
  return completion;
}

Completion Perform(Kernel& kernel, const Op& op) {
  EXPECT_TRUE(kernel.Submit(op));
  const Completion completion = AwaitOne(kernel);
  EXPECT_EQ(completion.token, op.token);
  return completion;
}

// Lowers the limit of descriptors to what is open, as long as it lives.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &saved_), 0);
    const int lowest_free = dup(0);
    close(lowest_free);
    const rlimit lowered = {.rlim_cur = static_cast<rlim_t>(lowest_free),
                            .rlim_max = saved_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &lowered), 0);
  }
  ~NoMoreDescriptors() { EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &saved_), 0); }

 private:
  rlimit saved_;
};

class RealKernel : public ::testing::TestWithParam<EngineKind> {
 protected:
  std::unique_ptr<Kernel> Make(const KernelOptions& options = {}) {
    auto kernel = CreateKernel(GetParam(), options);
    EXPECT_TRUE(kernel.ok()) << kernel.status();
    return *std::move(kernel);
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, RealKernel,
                         ::testing::Values(EngineKind::kUring, EngineKind::kEpoll),
                         [](const auto& tested) { return std::string(EngineName(tested.param)); });

TEST_P(RealKernel, OptionsOutOfRangeAreNamed) {
  for (const KernelOptions& options :
       {KernelOptions{.sq_entries = 0}, KernelOptions{.sq_entries = 40'000},
        KernelOptions{.buffers = 0}, KernelOptions{.buffer_size = 0}}) {
    const auto kernel = CreateKernel(GetParam(), options);
    EXPECT_EQ(kernel.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(kernel.status().message().find("it must be 1 to "), absl::string_view::npos);
  }
}

TEST_P(RealKernel, OutOfDescriptorsTheQueueKeepsWhatWaits) {
  RealHarness harness(GetParam(), {});
  Kernel& kernel = harness.kernel();
  const int listener = harness.OpenListener(16);
  for (int i = 0; i < 4; ++i) harness.PeerConnect(listener);
  const Op accept = {.kind = OpKind::kAccept, .fd = listener, .token = 1};
  const Op multishot = {.kind = OpKind::kAcceptMultishot, .fd = listener, .token = 2};
  kernel.Close(Perform(kernel, accept).result);
  {
    const NoMoreDescriptors none;
    EXPECT_EQ(Perform(kernel, accept).result, -EMFILE);
    const Completion ended = Perform(kernel, multishot);
    EXPECT_EQ(ended.result, -EMFILE);
    EXPECT_FALSE(ended.more);
    EXPECT_EQ(kernel.ReadQueue(listener).depth, 3u);
  }
  kernel.Close(Perform(kernel, accept).result);
  ASSERT_TRUE(kernel.Submit(multishot));
  for (int i = 0; i < 2; ++i) {
    const Completion completion = AwaitOne(kernel);
    EXPECT_TRUE(completion.more);
    kernel.Close(completion.result);
  }
}

// The limit is met in the middle of a multishot that has waited: what fits is taken, the rest
// stays.
TEST_P(RealKernel, AWaitingMultishotMeetsTheLimit) {
  RealHarness harness(GetParam(), {});
  Kernel& kernel = harness.kernel();
  const int listener = harness.OpenListener(16);
  const int peer = harness.PeerConnect(listener);
  const Op multishot = {.kind = OpKind::kAcceptMultishot, .fd = listener, .token = 2};
  const NoMoreDescriptors none;
  harness.PeerClose(peer);  // One descriptor is free now.
  ASSERT_TRUE(kernel.Submit(multishot));
  const Completion first = AwaitOne(kernel);
  EXPECT_GE(first.result, 0);
  EXPECT_TRUE(first.more);
  kernel.Close(first.result);
  harness.PeerConnect(listener);
  const Completion ended = AwaitOne(kernel);
  EXPECT_EQ(ended.result, -EMFILE);
  EXPECT_FALSE(ended.more);
  EXPECT_EQ(kernel.ReadQueue(listener).depth, 1u);
}

TEST_P(RealKernel, SignalsDoNotEndAWait) {
  const auto kernel = Make();
  static std::atomic<int> signals;
  signals = 0;
  struct sigaction action = {};
  struct sigaction saved = {};
  action.sa_handler = [](int) { signals.fetch_add(1); };
  ASSERT_EQ(sigaction(SIGALRM, &action, &saved), 0);
  const itimerval every = {.it_interval = {.tv_sec = 0, .tv_usec = 2000},
                           .it_value = {.tv_sec = 0, .tv_usec = 2000}};
  ASSERT_EQ(setitimer(ITIMER_REAL, &every, nullptr), 0);
  Completion completion;
  const Instant until = kernel->Now() + Duration::Milliseconds(50);
  EXPECT_EQ(kernel->Wait(until, absl::MakeSpan(&completion, 1)), 0u);
  EXPECT_GE(kernel->Now(), until);
  const itimerval never = {};
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &saved, nullptr);
  EXPECT_GT(signals.load(), 0);
}

// Two threads throw a counter to and fro by wakes alone: a lost wake would stop them for good.
TEST_P(RealKernel, NoWakeIsLostBetweenThreads) {
  constexpr int kRounds = 3000;
  const auto left = Make();
  const auto right = Make();
  std::atomic<int> ball{0};
  const auto play = [&](Kernel& own, Kernel& other, int parity) {
    while (ball.load(std::memory_order_relaxed) < kRounds) {
      if (ball.load(std::memory_order_relaxed) % 2 == parity) {
        ball.fetch_add(1, std::memory_order_relaxed);
        other.waker().Wake();
        continue;
      }
      Completion completion;
      if (own.Wait(own.Now() + kPatience, absl::MakeSpan(&completion, 1)) == 0) {
        ADD_FAILURE() << "no wake came";
        break;
      }
    }
    other.waker().Wake();
  };
  std::thread thread([&] { play(*right, *left, 1); });
  play(*left, *right, 0);
  thread.join();
  EXPECT_GE(ball.load(), kRounds);
}

// What a producer did before its Wake is seen by the owner after the completion, also when several
// wakes showed as one. Under ThreadSanitizer this proves the ordering.
TEST_P(RealKernel, WakesPublishWhatCameBefore) {
  constexpr int kItems = 20'000;
  const auto kernel = Make();
  std::vector<int> items(kItems, 0);
  std::atomic<int> published{0};
  std::thread producer([&] {
    for (int i = 0; i < kItems; ++i) {
      items[static_cast<size_t>(i)] = i + 1;
      published.store(i + 1, std::memory_order_release);
      kernel->waker().Wake();
    }
  });
  int seen = 0;
  while (seen < kItems) {
    Completion completion;
    if (kernel->Wait(kernel->Now() + kPatience, absl::MakeSpan(&completion, 1)) == 0) {
      ADD_FAILURE() << "no wake came after item " << seen;
      break;
    }
    const int until = published.load(std::memory_order_acquire);
    for (; seen < until; ++seen) EXPECT_EQ(items[static_cast<size_t>(seen)], seen + 1);
  }
  producer.join();
}

TEST_P(RealKernel, MayBeMadeAndDestroyedElsewhereThanItRuns) {
  const int before = OpenDescriptors();
  {
    RealHarness harness(GetParam(), {});
    const int listener = harness.OpenListener(16);
    for (int i = 0; i < 6; ++i) harness.PeerConnect(listener);
    std::thread owner([&] {
      Kernel& kernel = harness.kernel();
      ASSERT_TRUE(kernel.Submit({.kind = OpKind::kAcceptMultishot, .fd = listener, .token = 1}));
      // Harvests one; io_uring holds the other five accepted, and they must not leak.
      kernel.Close(AwaitOne(kernel).result);
    });
    owner.join();
    harness.DestroyKernel();
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_P(RealKernel, DestroyedWithEverythingInFlightItLeavesNothing) {
  const int before = OpenDescriptors();
  for (int round = 0; round < 10; ++round) {
    RealHarness harness(GetParam(), {.buffers = 2, .buffer_size = 4096});
    Kernel& kernel = harness.kernel();
    const int listener = harness.OpenListener(16);
    const int quiet = harness.OpenListener(16);
    harness.PeerConnect(listener);
    const Completion accepted =
        Perform(kernel, {.kind = OpKind::kAccept, .fd = listener, .token = 1});
    const OwnedFd connection(accepted.result);
    const std::string text(8 << 20, 'x');
    for (int i = 0; i < 4; ++i) harness.PeerConnect(listener);
    ASSERT_TRUE(kernel.Submit({.kind = OpKind::kReceive, .fd = connection.get(), .token = 2}));
    ASSERT_TRUE(kernel.Submit({.kind = OpKind::kSend,
                               .fd = connection.get(),
                               .token = 3,
                               .data = AsBytes(text).data(),
                               .size = static_cast<uint32_t>(text.size())}));
    ASSERT_TRUE(
        kernel.Submit({.kind = OpKind::kPoll, .poll_events = POLLIN, .fd = quiet, .token = 4}));
    ASSERT_TRUE(kernel.Submit({.kind = OpKind::kAccept, .fd = listener, .token = 5}));
    ASSERT_TRUE(kernel.Submit({.kind = OpKind::kAcceptMultishot, .fd = listener, .token = 6}));
    if (round % 2 == 0) {
      // One completion is read, whichever; others are there and are not.
      const Completion one = AwaitOne(kernel);
      if (one.token >= 5 && one.result >= 0) kernel.Close(one.result);
    }
    harness.DestroyKernel();
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

// A connection polled by one kernel, given to another and closed there; its number comes back to
// the first one by accept. Nothing that the first remembers may stand in the way.
TEST_P(RealKernel, HandlesPassFromKernelToKernel) {
  for (const bool forget : {true, false}) {
    RealHarness harness(GetParam(), {});
    Kernel& keeper = harness.kernel();
    const auto worker = Make();
    const int listener = harness.OpenListener(16);
    for (int round = 0; round < 5; ++round) {
      const int peer = harness.PeerConnect(listener);
      const int fd = Perform(keeper, {.kind = OpKind::kAccept, .fd = listener, .token = 1}).result;
      ASSERT_GE(fd, 0);
      ASSERT_TRUE(
          keeper.Submit({.kind = OpKind::kPoll, .poll_events = POLLIN, .fd = fd, .token = 2}));
      // It waits before anything is there: what a predecessor of the number left must not count.
      Completion none;
      EXPECT_EQ(keeper.Wait(keeper.Now(), absl::MakeSpan(&none, 1)), 0u);
      harness.PeerSend(peer, "hello");
      EXPECT_EQ(AwaitOne(keeper).result & POLLIN, POLLIN);
      if (forget) keeper.Forget(fd);
      const Completion received =
          Perform(*worker, {.kind = OpKind::kReceive, .fd = fd, .token = 3});
      ASSERT_EQ(received.result, 5);
      worker->ReleaseBuffer(received.buffer);
      ASSERT_TRUE(worker->Submit({.kind = OpKind::kReceive, .fd = fd, .token = 4}));
      EXPECT_EQ(worker->Wait(worker->Now(), absl::MakeSpan(&none, 1)), 0u);
      harness.PeerClose(peer);
      EXPECT_EQ(AwaitOne(*worker).result, 0);
      EXPECT_EQ(keeper.Wait(keeper.Now(), absl::MakeSpan(&none, 1)), 0u);
      worker->Close(fd);
    }
  }
}

TEST_P(RealKernel, ADualStackListenerTellsIpv4PeersAsIpv4) {
  const auto kernel = Make();
  auto bound = Bind(Loopback("::"));
  ASSERT_TRUE(bound.ok()) << bound.status();
  ASSERT_EQ(kernel->Listen(bound->fd.get(), 8), 0);
  for (const char* host : {"127.0.0.1", "::1"}) {
    Endpoint target = Loopback(host);
    target.port = bound->bound.port;
    const auto addresses = Resolve(target);
    ASSERT_TRUE(addresses.ok());
    const int client = kernel->OpenSocket(addresses->front(), /*speaks_at_once=*/false);
    EXPECT_EQ(
        Perform(
            *kernel,
            {.kind = OpKind::kConnect, .fd = client, .token = 1, .address = &addresses->front()})
            .result,
        0);
    const Completion accepted =
        Perform(*kernel, {.kind = OpKind::kAccept, .fd = bound->fd.get(), .token = 2});
    ASSERT_GE(accepted.result, 0);
    EXPECT_EQ(accepted.peer.ip, *IpAddress::Parse(host));
    PeerAddress peer;
    PeerAddress local;
    EXPECT_TRUE(kernel->ReadAddresses(accepted.result, &peer, &local));
    EXPECT_EQ(peer, accepted.peer);
    EXPECT_EQ(local.ip, *IpAddress::Parse(host));
    EXPECT_EQ(local.port, bound->bound.port);
    EXPECT_EQ(kernel->ReadQueue(bound->fd.get()).limit, 8u);
    kernel->Close(client);
    kernel->Close(accepted.result);
  }
}

TEST_P(RealKernel, UnixSocketsServeAndAreRead) {
  const auto kernel = Make();
  Endpoint endpoint;
  endpoint.kind = Endpoint::Kind::kUnixAbstract;
  endpoint.path = absl::StrCat("floodgate-real-kernel-test-", getpid());
  auto bound = Bind(endpoint);
  ASSERT_TRUE(bound.ok()) << bound.status();
  const int listener = bound->fd.get();
  ASSERT_EQ(kernel->Listen(listener, 5), 0);
  EXPECT_EQ(kernel->ReadQueue(listener).limit, 5u);
  const SocketAddress address = Resolve(endpoint)->front();
  std::vector<int> clients;
  for (uint32_t i = 1; i <= 3; ++i) {
    clients.push_back(kernel->OpenSocket(address, /*speaks_at_once=*/false));
    EXPECT_EQ(
        Perform(*kernel,
                {.kind = OpKind::kConnect, .fd = clients.back(), .token = 1, .address = &address})
            .result,
        0);
    EXPECT_EQ(kernel->ReadQueue(listener).depth, i);
  }
  ASSERT_EQ(write(clients[1], "hello", 5), 5);
  kernel->Close(clients[2]);
  const ConnectionReading::State expected[] = {ConnectionReading::State::kSilent,
                                               ConnectionReading::State::kTalking,
                                               ConnectionReading::State::kGone};
  for (const auto state : expected) {
    const Completion accepted =
        Perform(*kernel, {.kind = OpKind::kAccept, .fd = listener, .token = 2});
    ASSERT_GE(accepted.result, 0);
    EXPECT_EQ(accepted.peer.family, PeerAddress::Family::kUnix);
    EXPECT_EQ(kernel->ReadConnection(accepted.result).state, state);
    EXPECT_EQ(kernel->ReadConnection(accepted.result).queued, Duration{});
    kernel->Close(accepted.result);
  }
  EXPECT_EQ(kernel->Listen(listener, 7), 0);
  EXPECT_EQ(kernel->ReadQueue(listener).limit, 7u);
}

// A backend on a unix socket whose queue is full is told at once, and takes the next one when it
// has room. (Left to io_uring, such a connect waits where a cancel does not always find it.)
TEST_P(RealKernel, AFullUnixQueueIsTold) {
  const auto kernel = Make();
  Endpoint endpoint;
  endpoint.kind = Endpoint::Kind::kUnixAbstract;
  endpoint.path = absl::StrCat("floodgate-full-queue-test-", getpid());
  auto bound = Bind(endpoint);
  ASSERT_TRUE(bound.ok()) << bound.status();
  ASSERT_EQ(kernel->Listen(bound->fd.get(), 0), 0);
  const SocketAddress address = Resolve(endpoint)->front();
  const OwnedFd first(kernel->OpenSocket(address, /*speaks_at_once=*/false));
  const OwnedFd second(kernel->OpenSocket(address, /*speaks_at_once=*/false));
  Op connect = {.kind = OpKind::kConnect, .fd = first.get(), .token = 1, .address = &address};
  EXPECT_EQ(Perform(*kernel, connect).result, 0);
  connect.fd = second.get();
  EXPECT_EQ(Perform(*kernel, connect).result, -EAGAIN);
  kernel->Close(
      Perform(*kernel, {.kind = OpKind::kAccept, .fd = bound->fd.get(), .token = 4}).result);
  EXPECT_EQ(Perform(*kernel, connect).result, 0);
}

}  // namespace
}  // namespace floodgate
