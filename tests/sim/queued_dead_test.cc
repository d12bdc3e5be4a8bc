// Found by floodgate-sim check: with limits.over_limit = "queue" a connection whose client had left
// in the kernel's queue was given a place to wait and the next token of its source. Where clients
// gave up about as fast as tokens came, the dead took all of them, and nobody was ever served.
#include <gtest/gtest.h>

#include "sim/checked_host.h"
#include "sim/crowd.h"
#include "sim/scenario.h"

namespace floodgate::sim {
namespace {

constexpr Mutant kNoMutant = {.name = "none", .what = "nothing"};

TEST(QueuedDeadTest, ThoseWhoHaveLeftTakeNoTokens) {
  CheckedHostSetup setup;
  Options& options = setup.promises.options;
  options = ScenarioOptions();
  options.limits.handshakes = 4;
  options.limits.waiting = 3;
  options.limits.sources = 16;
  options.limits.source_rate = 2;
  options.limits.source_burst = 1;
  options.limits.over_limit = OverLimit::kQueue;
  setup.promises.handshakes_max = 4;
  setup.promises.token_interval = Duration::Milliseconds(500);
  setup.backend.port = kBackendPort;
  CheckedHost host(1, setup, kNoMutant, nullptr);
  std::vector<ClientSetup> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back({.port = kAgentPort,
                       .address = IpAddress::V4(0x0a00'0001),
                       .patience = Duration::Seconds(3),
                       .retry = {.policy = RetryPolicy::kImmediate}});
  }
  Crowd crowd(host.network(), host.ledger(), host.verdict(), clients);
  host.RunFor(Duration::Seconds(20));  // Behind the gate most of those queued are dead.
  host.daemon().Open();
  // Two a second, and somebody leaves now and then with a token of his.
  const Instant latest = host.world().now() + Duration::Seconds(40);
  EXPECT_TRUE(host.RunUntil(latest, [&] { return crowd.unserved() == 0; }))
      << crowd.unserved() << " are not served";
  crowd.Calm();
  host.StopAndCheck(Duration::Seconds(1));
  EXPECT_EQ(host.verdict().text(), "");
}

}  // namespace
}  // namespace floodgate::sim
