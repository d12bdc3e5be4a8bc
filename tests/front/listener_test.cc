#include "front/listener.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/front/recording_kernel.h"

namespace floodgate {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr int kFd = 5;
constexpr int kBacklog = 4096;

// One agent listener.
class ListenersTest : public testing::Test {
 protected:
  size_t AcceptsSubmitted() const {
    return static_cast<size_t>(
        std::count_if(kernel_.submitted.begin(), kernel_.submitted.end(),
                      [](const Op& op) { return op.kind == OpKind::kAccept; }));
  }

  RecordingKernel kernel_;
  NullLog log_;
  Listeners listeners_{kernel_,
                       log_,
                       {{.fd = kFd, .port = Port::kAgent, .address = "", .backlog = kBacklog}},
                       [](const Taken& /*taken*/) {},
                       [](const BoundListener& /*listener*/) { return -1; }};
};

// Such accepts were submitted in a later turn, and took agents through a gate that had shut.
TEST_F(ListenersTest, AcceptsThatTheKernelHadNoRoomForAreForgottenWhenTheGateShuts) {
  kernel_.queue_depth = 10;
  kernel_.full = true;
  listeners_.TakeAgents(4, Instant{});
  ASSERT_EQ(listeners_.AgentsBeingTaken(), 4U);
  ASSERT_EQ(AcceptsSubmitted(), 0U);

  listeners_.ForgetDeferredAccepts();
  EXPECT_EQ(listeners_.AgentsBeingTaken(), 0U);
  EXPECT_EQ(listeners_.AgentsKnown(), 10U) << "they wait as before";
  kernel_.full = false;
  listeners_.TakeAgents(0, Instant{});
  EXPECT_EQ(AcceptsSubmitted(), 0U);

  listeners_.TakeAgents(4, Instant{});
  EXPECT_EQ(AcceptsSubmitted(), 4U);
}

TEST_F(ListenersTest, AQueueIsMadeShortAndGetsItsLengthBack) {
  listeners_.LimitAgentQueues(64);
  listeners_.LimitAgentQueues(64);
  EXPECT_EQ(listeners_.agent_queue_limit(), 64);
  listeners_.LimitAgentQueues(int64_t{10} * kBacklog);
  listeners_.LimitAgentQueues(std::nullopt);
  EXPECT_THAT(kernel_.listens,
              ElementsAre(Pair(kFd, 64), Pair(kFd, kBacklog), Pair(kFd, kBacklog)));
}

// net.core.somaxconn, which cuts it, may have been raised.
TEST_F(ListenersTest, TheSameBacklogIsAskedForAgain) {
  listeners_.SetAgentBacklog(kBacklog);
  EXPECT_THAT(kernel_.listens, ElementsAre(Pair(kFd, kBacklog)));
  listeners_.LimitAgentQueues(64);
  listeners_.SetAgentBacklog(2 * kBacklog);
  EXPECT_EQ(kernel_.listens.back(), std::pair(kFd, 64)) << "still kept short";
}

}  // namespace
}  // namespace floodgate
