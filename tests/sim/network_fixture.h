// A world with a network in it, and the few steps that its tests are made of.
#ifndef FLOODGATE_TESTS_SIM_NETWORK_FIXTURE_H_
#define FLOODGATE_TESTS_SIM_NETWORK_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "sim/network.h"
#include "sim/world.h"

namespace floodgate::sim {

class NetworkFixture : public ::testing::Test {
 protected:
  static constexpr uint16_t kPort = 17'070;
  static constexpr Duration kOneWay = Duration::Microseconds(250);

  int Listener(int backlog, uint16_t port = kPort) {
    const int listener = network_.OpenListener(port);
    EXPECT_GE(listener, 0);
    EXPECT_EQ(network_.Listen(listener, backlog), 0);
    return listener;
  }
  // The n-th host's.
  int Dial(uint32_t host, SynSchedule syn = SynSchedule::kLinear, uint16_t port = kPort) {
    ConnectOptions options;
    options.from.family = PeerAddress::Family::kIp;
    options.from.ip = IpAddress::V4(0x0a000000u + host);
    options.from.port = 4000;
    options.to_port = port;
    options.one_way = kOneWay;
    options.syn = syn;
    return network_.Connect(options);
  }
  void Pass(Duration time) {
    const Instant until = world_.now() + time;
    while (world_.RunNext(until)) {
    }
  }
  // Long enough for a handshake, or for bytes and their answer.
  void PassTrips() { Pass(kOneWay * 4); }
  struct Pair {
    int client;
    int server;
  };
  Pair Connected(uint32_t host = 1) {
    if (listener_ < 0) listener_ = Listener(64);
    const int client = Dial(host);
    PassTrips();
    PeerAddress peer;
    return {.client = client, .server = network_.Accept(listener_, &peer)};
  }
  uint32_t Depth(int listener) { return network_.ReadQueue(listener).depth; }

  World world_{1};
  Network network_{world_, {}};
  int listener_ = -1;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_TESTS_SIM_NETWORK_FIXTURE_H_
