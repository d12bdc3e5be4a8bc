// Bytes, FIN, reset; numbers and observers.
#include "tests/sim/network_fixture.h"

namespace floodgate::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using NetworkStreamTest = NetworkFixture;

class Recorder : public EndObserver {
 public:
  void OnEnd(int fd, uint64_t tag) override {
    last_fd = fd;
    tags.push_back(tag);
  }
  int last_fd = -1;
  std::vector<uint64_t> tags;
};

TEST_F(NetworkStreamTest, BytesTakeTheirTimeAndKeepTheirOrder) {
  const auto [client, server] = Connected();
  std::string sent;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(1 + static_cast<size_t>(i) % 7, static_cast<char>('a' + i % 26));
    EXPECT_EQ(network_.Send(client, piece), static_cast<int64_t>(piece.size()));
    sent += piece;
  }
  EXPECT_EQ(network_.received_unread(server), 0u);
  EXPECT_EQ(network_.Receive(server, 10), "");
  Pass(kOneWay);
  EXPECT_EQ(network_.received_unread(server), sent.size());
  std::string got;
  while (network_.Look(server).readable) got += network_.Receive(server, 13);
  EXPECT_EQ(got, sent);
}

TEST_F(NetworkStreamTest, AFinComesBehindTheBytesAndTheOtherDirectionGoesOn) {
  for (uint32_t host = 1; host <= 20; ++host) {  // The order of one instant is drawn.
    const auto [client, server] = Connected(host);
    network_.Send(client, "last words");
    network_.Finish(client);
    EXPECT_EQ(network_.Send(client, "more"), -EPIPE);
    Pass(kOneWay);
    EXPECT_TRUE(network_.Look(server).end_of_input);
    EXPECT_FALSE(network_.InputEnded(server));
    EXPECT_EQ(network_.Receive(server, 100), "last words");
    EXPECT_TRUE(network_.InputEnded(server));
    EXPECT_FALSE(network_.Look(server).reset);
    EXPECT_EQ(network_.Send(server, "reply"), 5);
    PassTrips();
    EXPECT_EQ(network_.Receive(client, 100), "reply");
    network_.Close(server);
    Pass(kOneWay);
    EXPECT_TRUE(network_.InputEnded(client));
    EXPECT_TRUE(network_.Look(client).both_finished);
    network_.Close(client);
    PassTrips();
  }
  EXPECT_EQ(network_.open_ends(), 1u);
}

TEST_F(NetworkStreamTest, ClosingWithUnreadBytesResets) {
  const auto [client, server] = Connected();
  network_.Send(client, "never read");
  Pass(kOneWay);
  network_.Close(server);
  Pass(kOneWay);
  EXPECT_TRUE(network_.Look(client).reset);
  EXPECT_EQ(network_.Send(client, "x"), -EPIPE);
}

TEST_F(NetworkStreamTest, BytesForOneWhoHasClosedAreAnsweredByAReset) {
  const auto [client, server] = Connected();
  network_.Close(server);
  Pass(kOneWay);
  EXPECT_TRUE(network_.InputEnded(client));
  EXPECT_EQ(network_.Send(client, "nobody hears"), 12);
  Pass(kOneWay);
  EXPECT_FALSE(network_.Look(client).reset);
  Pass(kOneWay);
  EXPECT_TRUE(network_.Look(client).reset);
}

TEST_F(NetworkStreamTest, BytesUnderWayWhenTheOtherClosesAreAnsweredByAReset) {
  const auto [client, server] = Connected();
  network_.Send(client, "too late");
  network_.Close(server);
  PassTrips();
  EXPECT_TRUE(network_.Look(client).reset);
}

TEST_F(NetworkStreamTest, WhatCameBeforeAResetCanBeRead) {
  const auto [client, server] = Connected();
  network_.Send(client, "before");
  network_.Reset(client);
  Pass(kOneWay);
  EXPECT_TRUE(network_.Look(server).reset);
  EXPECT_TRUE(network_.Look(server).error);
  EXPECT_EQ(network_.Receive(server, 100), "before");
  EXPECT_EQ(network_.TakeError(server), ECONNRESET);
  EXPECT_EQ(network_.TakeError(server), 0);
  EXPECT_TRUE(network_.InputEnded(server));
  PeerAddress peer;
  PeerAddress local;
  EXPECT_FALSE(network_.Addresses(server, &peer, &local));
}

TEST_F(NetworkStreamTest, ABreakIsAResetForBoth) {
  const auto [client, server] = Connected();
  network_.Send(server, "on its way");
  network_.Break(server);
  EXPECT_TRUE(network_.Look(server).reset);
  EXPECT_EQ(network_.Send(server, "x"), -EPIPE);
  PassTrips();
  EXPECT_TRUE(network_.Look(client).reset);
  EXPECT_EQ(network_.Receive(client, 100), "on its way");
  network_.Close(client);
  network_.Close(server);
  PassTrips();
}

TEST_F(NetworkStreamTest, TheWindowBoundsWhatIsUnreadAndTellsWhenThereIsRoom) {
  const auto [client, server] = Connected();
  const size_t window = NetworkOptions().window;
  const std::string text(window + 1000, 'x');
  Recorder recorder;
  network_.Observe(client, &recorder, 7);
  EXPECT_EQ(network_.Send(client, text), static_cast<int64_t>(window));
  EXPECT_FALSE(network_.Look(client).writable);
  EXPECT_EQ(network_.Send(client, text), 0);
  PassTrips();
  EXPECT_EQ(network_.Receive(server, window / 3 - 10).size(), window / 3 - 10);
  PassTrips();
  EXPECT_THAT(recorder.tags, IsEmpty()) << "not for each byte";
  network_.Receive(server, 20);
  EXPECT_THAT(recorder.tags, IsEmpty()) << "the news must travel";
  Pass(kOneWay);
  EXPECT_THAT(recorder.tags, ElementsAre(7));
  EXPECT_EQ(network_.Send(client, text), static_cast<int64_t>(window / 3 + 10));
}

TEST_F(NetworkStreamTest, TheObserverIsToldOfEachChange) {
  const auto [client, server] = Connected();
  Recorder recorder;
  network_.Observe(server, &recorder, 5);
  network_.Observe(listener_, &recorder, 6);
  network_.Send(client, "x");
  EXPECT_THAT(recorder.tags, IsEmpty()) << "never from within a call";
  Pass(kOneWay);
  EXPECT_THAT(recorder.tags, ElementsAre(5));
  EXPECT_EQ(recorder.last_fd, server);
  network_.Finish(client);
  Pass(kOneWay);
  Dial(2);
  PassTrips();
  EXPECT_THAT(recorder.tags, ElementsAre(5, 5, 6));
  network_.Observe(server, nullptr, 0);
  network_.Reset(client);
  PassTrips();
  EXPECT_THAT(recorder.tags, ElementsAre(5, 5, 6));
  EXPECT_TRUE(network_.Look(server).reset);
}

TEST_F(NetworkStreamTest, NumbersAreUsedAgainLateAndOldestFirst) {
  std::vector<int> closed;
  const int first = network_.Open();
  const int second = network_.Open();
  network_.Close(second);
  network_.Close(first);
  for (int i = 0; i < 1022; ++i) closed.push_back(network_.Open());
  for (const int fd : closed) {
    EXPECT_NE(fd, first);
    EXPECT_NE(fd, second);
    network_.Close(fd);
  }
  const int fresh = network_.Open();
  EXPECT_GT(fresh, closed.back()) << "1024 are kept";
  network_.Close(fresh);
  EXPECT_EQ(network_.Open(), second);
  EXPECT_EQ(network_.open_ends(), 1u);
}

// What was meant for the one who had a number before must not reach its next owner.
TEST_F(NetworkStreamTest, AnEventForTheFormerOwnerOfANumberIsStale) {
  Listener(4096);
  const int former = Dial(1);
  Pass(kOneWay);
  network_.Close(former);
  int next = -1;
  while (next != former) {
    const int fd = network_.Open();
    if (fd == former) {
      next = fd;
    } else {
      network_.Close(fd);
    }
  }
  PassTrips();
  const Readiness state = network_.Look(next);
  EXPECT_FALSE(state.connected || state.refused || state.readable);
}

TEST_F(NetworkStreamTest, AClosedNumberIsNobodys) {
  const auto [client, server] = Connected();
  network_.Close(client);
  EXPECT_FALSE(network_.Exists(client));
  EXPECT_DEATH(network_.Send(client, "x"), "kFree");
  EXPECT_DEATH(network_.Close(client), "kFree");
}

}  // namespace
}  // namespace floodgate::sim
