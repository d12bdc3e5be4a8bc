// Connection requests, accept queues and their overflow.
#include "tests/sim/network_fixture.h"

namespace floodgate::sim {
namespace {

using ::testing::ElementsAre;
using State = ConnectionReading::State;

class NetworkConnectTest : public NetworkFixture {
 protected:
  // Seconds after now at which SYNs are sent again, until `end`.
  std::vector<int64_t> RetransmitsUntil(int64_t end_seconds) {
    const Instant start = world_.now();
    const Instant end = start + Duration::Seconds(end_seconds);
    std::vector<int64_t> seconds;
    uint64_t seen = network_.syn_retransmits();
    while (world_.RunNext(end)) {
      if (network_.syn_retransmits() == seen) continue;
      seen = network_.syn_retransmits();
      seconds.push_back((world_.now() - start).ns / 1'000'000'000);
    }
    return seconds;
  }
  // A listener with one free place, and two whose SYNs find it free: the first gets in, the other
  // believes that it did.
  struct HalfOpen {
    int listener;
    int lucky;
    int half_open;
  };
  HalfOpen MakeHalfOpen() {
    HalfOpen made;
    made.listener = Listener(0);
    made.lucky = Dial(1);
    Pass(Duration::Microseconds(1));
    made.half_open = Dial(2);
    PassTrips();
    EXPECT_TRUE(network_.Look(made.half_open).connected);
    EXPECT_EQ(Depth(made.listener), 1u);
    EXPECT_EQ(network_.queue_overflows(), 1u);
    return made;
  }
  int AcceptFrom(int listener, uint32_t host) {
    PeerAddress peer;
    const int fd = network_.Accept(listener, &peer);
    EXPECT_GE(fd, 0);
    EXPECT_EQ(peer.ip, IpAddress::V4(0x0a000000u + host));
    EXPECT_EQ(peer.port, 4000);
    return fd;
  }
};

TEST_F(NetworkConnectTest, TheHandshakeTakesItsTripsAndTheQueueKeepsItsOrder) {
  const int listener = Listener(8);
  const int first = Dial(1);
  Pass(kOneWay * 2 - Duration::Nanoseconds(1));
  EXPECT_FALSE(network_.Look(first).connected);
  Pass(Duration::Nanoseconds(1));
  EXPECT_TRUE(network_.Look(first).connected);
  EXPECT_EQ(Depth(listener), 0u) << "the ACK is under way";
  Pass(kOneWay);
  EXPECT_EQ(Depth(listener), 1u);
  EXPECT_TRUE(network_.Look(listener).readable);
  Dial(2);
  PassTrips();
  AcceptFrom(listener, 1);
  const int second = AcceptFrom(listener, 2);
  EXPECT_FALSE(network_.Look(listener).readable);
  PeerAddress peer;
  EXPECT_EQ(network_.Accept(listener, &peer), -EAGAIN);
  PeerAddress local;
  ASSERT_TRUE(network_.Addresses(second, &peer, &local));
  EXPECT_EQ(peer.ip, IpAddress::V4(0x0a000002));
  EXPECT_EQ(local.port, kPort);
}

TEST_F(NetworkConnectTest, WhereNobodyListensASynIsRefused) {
  const int unbound = Dial(1);
  const int bound = network_.OpenListener(99);
  const int not_listening = Dial(2, SynSchedule::kLinear, 99);
  PassTrips();
  for (const int fd : {unbound, not_listening}) {
    EXPECT_TRUE(network_.Look(fd).refused);
    EXPECT_EQ(network_.TakeError(fd), ECONNREFUSED);
    EXPECT_EQ(network_.TakeError(fd), 0);
  }
  EXPECT_EQ(network_.OpenListener(99), -EADDRINUSE);
  network_.Close(bound);
  EXPECT_GE(network_.OpenListener(99), 0);
}

TEST_F(NetworkConnectTest, OneMoreThanTheBacklogFits) {
  const int listener = Listener(5);
  for (uint32_t host = 1; host <= 10; ++host) {
    Dial(host);
    PassTrips();
  }
  EXPECT_EQ(Depth(listener), 6u);
  EXPECT_EQ(network_.ReadQueue(listener).limit, 5u);
  EXPECT_EQ(network_.queue_overflows(), 4u);
}

TEST_F(NetworkConnectTest, TheBacklogIsClampedAndMayChange) {
  const int listener = Listener(1'000'000);
  EXPECT_EQ(network_.ReadQueue(listener).limit, NetworkOptions().somaxconn);
  Dial(1);
  PassTrips();
  EXPECT_EQ(network_.Listen(listener, 7), 0);
  EXPECT_EQ(network_.ReadQueue(listener).limit, 7u);
  EXPECT_EQ(Depth(listener), 1u);
}

TEST_F(NetworkConnectTest, SinceLinux65ASynIsRepeatedEachSecondAtFirst) {
  Listener(0);
  Dial(1);
  PassTrips();
  const int late = Dial(2, SynSchedule::kLinear);
  EXPECT_THAT(RetransmitsUntil(140), ElementsAre(1, 2, 3, 4, 5, 7, 11, 19, 35, 67));
  EXPECT_TRUE(network_.Look(late).refused);
  EXPECT_EQ(network_.TakeError(late), ETIMEDOUT);
}

TEST_F(NetworkConnectTest, BeforeLinux65TheTimeBetweenSynsDoubles) {
  Listener(0);
  Dial(1);
  PassTrips();
  const int late = Dial(2, SynSchedule::kExponential);
  EXPECT_THAT(RetransmitsUntil(126), ElementsAre(1, 3, 7, 15, 31, 63));
  EXPECT_FALSE(network_.Look(late).refused);
  Pass(Duration::Seconds(2));
  EXPECT_TRUE(network_.Look(late).refused);
}

TEST_F(NetworkConnectTest, ARepeatedSynFindsRoom) {
  const int listener = Listener(0);
  Dial(1);
  PassTrips();
  const int late = Dial(2);
  Pass(Duration::Milliseconds(1500));
  EXPECT_FALSE(network_.Look(late).connected);
  AcceptFrom(listener, 1);
  Pass(Duration::Milliseconds(499));
  EXPECT_EQ(Depth(listener), 0u);
  Pass(Duration::Milliseconds(2));
  EXPECT_TRUE(network_.Look(late).connected);
  AcceptFrom(listener, 2);
  EXPECT_EQ(RetransmitsUntil(100).size(), 0u);
}

TEST_F(NetworkConnectTest, WhoClosesWhileItsSynIsRepeatedComesNoMore) {
  const int listener = Listener(0);
  Dial(1);
  PassTrips();
  network_.Close(Dial(2));
  AcceptFrom(listener, 1);
  Pass(Duration::Seconds(200));
  EXPECT_EQ(Depth(listener), 0u);
  EXPECT_EQ(network_.syn_retransmits(), 0u);
}

TEST_F(NetworkConnectTest, AHalfOpenOneGetsInByTheSynAckSentAgain) {
  const HalfOpen made = MakeHalfOpen();
  AcceptFrom(made.listener, 1);
  Pass(Duration::Milliseconds(900));
  EXPECT_EQ(Depth(made.listener), 0u);
  Pass(Duration::Milliseconds(200));
  ASSERT_EQ(Depth(made.listener), 1u);
  const int server = AcceptFrom(made.listener, 2);
  EXPECT_EQ(network_.Read(server).state, State::kSilent);
  EXPECT_LT(network_.Read(server).queued, Duration::Milliseconds(200));
}

TEST_F(NetworkConnectTest, AHalfOpenOneGetsInByItsBytesSentAgain) {
  const HalfOpen made = MakeHalfOpen();
  EXPECT_EQ(network_.Send(made.half_open, "hello"), 5);
  PassTrips();
  EXPECT_EQ(network_.Send(made.half_open, " again"), 6);
  PassTrips();
  AcceptFrom(made.listener, 1);
  Pass(Duration::Milliseconds(190));
  EXPECT_EQ(Depth(made.listener), 0u);
  Pass(Duration::Milliseconds(20));
  const int server = AcceptFrom(made.listener, 2);
  EXPECT_EQ(network_.Receive(server, 100), "hello again");
  EXPECT_EQ(network_.Read(server).state, State::kTalking);
  // And the connection is as good as any.
  EXPECT_EQ(network_.Send(server, "answer"), 6);
  PassTrips();
  EXPECT_EQ(network_.Receive(made.half_open, 100), "answer");
}

TEST_F(NetworkConnectTest, AHalfOpenOneThatHasLeftGetsInAndIsGone) {
  const HalfOpen made = MakeHalfOpen();
  network_.Close(made.half_open);
  PassTrips();
  AcceptFrom(made.listener, 1);
  Pass(Duration::Seconds(1));
  EXPECT_EQ(network_.Read(AcceptFrom(made.listener, 2)).state, State::kGone);
}

TEST_F(NetworkConnectTest, AHalfOpenOneThatResetsIsForgotten) {
  const HalfOpen made = MakeHalfOpen();
  network_.Reset(made.half_open);
  PassTrips();
  AcceptFrom(made.listener, 1);
  Pass(Duration::Seconds(100));
  EXPECT_EQ(Depth(made.listener), 0u);
}

TEST_F(NetworkConnectTest, AHalfOpenOneIsForgottenInTheEndAndResetWhenItSpeaks) {
  const HalfOpen made = MakeHalfOpen();
  Pass(Duration::Seconds(62));
  AcceptFrom(made.listener, 1);
  Pass(Duration::Seconds(10));
  EXPECT_EQ(Depth(made.listener), 0u);
  EXPECT_TRUE(network_.Look(made.half_open).connected) << "nobody told it";
  EXPECT_EQ(network_.Send(made.half_open, "hello"), 5);
  PassTrips();
  EXPECT_TRUE(network_.Look(made.half_open).reset);
  EXPECT_EQ(network_.TakeError(made.half_open), ECONNRESET);
}

TEST_F(NetworkConnectTest, WhoLeavesWhileParkedIsAcceptedAsGone) {
  const int listener = Listener(8);
  const int closes = Dial(1);
  const int resets = Dial(2);
  const int speaks_and_closes = Dial(3);
  Pass(Duration::Milliseconds(10));
  EXPECT_EQ(network_.Send(speaks_and_closes, "bye"), 3);
  network_.Close(closes);
  network_.Reset(resets);
  network_.Close(speaks_and_closes);
  Pass(Duration::Seconds(5));
  EXPECT_EQ(Depth(listener), 3u);
  std::vector<Duration> queued;
  for (int i = 0; i < 3; ++i) {
    PeerAddress peer;
    const int fd = network_.Accept(listener, &peer);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(network_.Read(fd).state, State::kGone);
    EXPECT_GT(network_.Read(fd).queued, Duration::Seconds(5));
    EXPECT_LT(network_.Read(fd).queued, Duration::Milliseconds(5010));
    network_.Close(fd);
  }
  EXPECT_EQ(network_.open_ends(), 1u);
}

TEST_F(NetworkConnectTest, AListenerThatClosesResetsItsQueueAndItsRequests) {
  const int listener = Listener(8);
  const int parked = Dial(1);
  PassTrips();
  const int on_the_way = Dial(2);
  Pass(kOneWay);
  network_.Close(listener);
  PassTrips();
  EXPECT_TRUE(network_.Look(parked).reset);
  EXPECT_TRUE(network_.Look(on_the_way).reset);
  const int late = Dial(3);
  PassTrips();
  EXPECT_TRUE(network_.Look(late).refused);
  EXPECT_EQ(network_.open_ends(), 3u);
}

TEST_F(NetworkConnectTest, ANewListenerOnThePortInheritsNothing) {
  const HalfOpen made = MakeHalfOpen();
  network_.Close(made.listener);
  const int listener = Listener(8);
  Pass(Duration::Seconds(2));
  EXPECT_EQ(Depth(listener), 0u);
  EXPECT_TRUE(network_.Look(made.half_open).reset);
}

}  // namespace
}  // namespace floodgate::sim
