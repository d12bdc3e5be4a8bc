#include "tests/sim/sim_harness.h"

#include "base/check.h"

namespace floodgate::sim {
namespace {

constexpr uint64_t kSeed = 1;
constexpr Duration kPatience = Duration::Seconds(20);
constexpr Duration kTravelTime = Duration::Microseconds(100);

}  // namespace

SimHarness::SimHarness(const KernelOptions& options)
    : world_(kSeed), network_(world_, {}), kernel_(network_, options, SimKernel::Drive::kByWait) {}

void SimHarness::RunUntil(const std::function<bool()>& condition) {
  const Instant give_up = world_.now() + kPatience;
  while (!condition()) FG_CHECK(world_.RunNext(give_up));
}

void SimHarness::Settle() {
  const Instant until = world_.now() + kTravelTime;
  while (world_.RunNext(until)) {
  }
}

int SimHarness::OpenListener(int backlog) {
  const int listener = network_.OpenListener(0);
  FG_CHECK(kernel_.Listen(listener, backlog) == 0);
  return listener;
}

SocketAddress SimHarness::AddressOf(int listener) {
  return AddressOfPort(network_.PortOf(listener));
}

SocketAddress SimHarness::DeadAddress() {
  const int reserved = network_.OpenListener(0);
  return AddressOfPort(network_.PortOf(reserved));
}

int SimHarness::PeerConnect(int listener) {
  const uint32_t before = kernel_.ReadQueue(listener).depth;
  ConnectOptions options;
  options.to_port = network_.PortOf(listener);
  const int peer = network_.Connect(options);
  RunUntil([&] {
    return network_.Look(peer).connected && kernel_.ReadQueue(listener).depth == before + 1;
  });
  return peer;
}

uint16_t SimHarness::PeerPort(int peer) {
  PeerAddress server;
  PeerAddress own;
  FG_CHECK(network_.Addresses(peer, &server, &own));
  return own.port;
}

void SimHarness::PeerSend(int peer, absl::string_view text) {
  while (!text.empty()) {
    RunUntil([&] { return network_.Look(peer).writable; });
    const int64_t size = network_.Send(peer, text);
    FG_CHECK(size > 0);
    text.remove_prefix(static_cast<size_t>(size));
  }
  Settle();
}

std::string SimHarness::PeerReceive(int peer, size_t size) {
  std::string text;
  while (text.size() < size) {
    RunUntil([&] { return network_.Look(peer).readable; });
    const std::string some = network_.Receive(peer, size - text.size());
    if (some.empty()) break;
    text += some;
  }
  return text;
}

void SimHarness::PeerHalfClose(int peer) {
  network_.Finish(peer);
  Settle();
}

void SimHarness::PeerClose(int peer) {
  network_.Finish(peer);
  network_.Close(peer);
  Settle();
}

void SimHarness::PeerReset(int peer) {
  network_.Reset(peer);
  Settle();
}

bool SimHarness::PeerSeesReset(int peer) {
  RunUntil([&] { return network_.Look(peer).end_of_input; });
  return network_.Look(peer).reset;
}

}  // namespace floodgate::sim
