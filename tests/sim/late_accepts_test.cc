// Found by floodgate-sim check: accepts that were still in flight when the next turn began did not
// count, so that turn took as many again, and more waited than limits.waiting.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/checked_host.h"
#include "sim/crowd.h"
#include "sim/scenario.h"

namespace floodgate::sim {
namespace {

constexpr Mutant kNoMutant = {.name = "none", .what = "nothing"};

TEST(LateAcceptsTest, NoMoreAreTakenThanMayWait) {
  CheckedHostSetup setup;
  Options& options = setup.promises.options;
  options = ScenarioOptions();
  options.limits.handshakes = 1;
  options.limits.waiting = 8;
  options.limits.source_rate = 0;
  setup.promises.handshakes_max = 1;
  setup.backend.port = kBackendPort;
  setup.faults.completion_delay_max = Duration::Milliseconds(5);
  CheckedHost host(1, setup, kNoMutant, nullptr);
  std::vector<ClientSetup> clients;
  for (uint32_t i = 0; i < 100; ++i) {
    clients.push_back({.manner = Manner::kLeaver,
                       .port = kAgentPort,
                       .address = IpAddress::V4(0x0a00'0000 + i),
                       .patience = Duration::Milliseconds(60),
                       .step = Duration::Milliseconds(40),
                       .retry = {.policy = RetryPolicy::kImmediate},
                       .expects_service = false});
  }
  Crowd crowd(host.network(), host.ledger(), host.verdict(), clients);
  host.daemon().Open();
  uint64_t most = 0;
  const Instant end = host.world().now() + Duration::Seconds(2);
  const auto watch = [&] {
    most = std::max(most, host.daemon().Status().ports[static_cast<size_t>(Port::kAgent)].waiting);
    return false;
  };
  EXPECT_FALSE(host.RunUntil(end, watch));
  EXPECT_EQ(host.verdict().text(), "");
  EXPECT_EQ(most, 8u);  // They did want to, and no more could.
  crowd.Calm();
  host.daemon().SetFaults({});
  host.StopAndCheck(Duration::Milliseconds(100));
}

}  // namespace
}  // namespace floodgate::sim
