// The limits before TLS: who is refused, how, and that it costs nobody else anything.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "tests/e2e/engine_test.h"

namespace floodgate::e2e {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr char kHot[] = "127.0.0.9";

class LimitsTest : public EngineTest {
 protected:
  // Three at once from one source, then hardly any more while a test runs.
  Config Limited(const TestBackend& backend, const std::string& over_limit) const {
    return OnePhase(PlainConfig(backend))
        .Set("limits.source_rate", "0.01")
        .Set("limits.source_burst", "3")
        .SetText("limits.over_limit", over_limit);
  }

  static std::vector<Client> ConnectMany(const std::string& address, int count,
                                         const std::string& source = kHot) {
    std::vector<Client> clients;
    for (int i = 0; i < count; ++i) clients.push_back(Client::Connect(address, source));
    return clients;
  }

  // Those of them that the backend answers; the rest must be reset without a byte.
  static int CountServedRestReset(std::vector<Client>& clients) {
    int served = 0;
    for (Client& client : clients) {
      client.TrySend("x");  // Fails if the reset is here already.
      const Received received = client.Receive(1);
      EXPECT_TRUE(received.kind == Received::Kind::kBytes ||
                  received.kind == Received::Kind::kReset);
      served += received.kind == Received::Kind::kBytes ? 1 : 0;
    }
    return served;
  }
};
FLOODGATE_ON_EVERY_ENGINE(LimitsTest);

TEST_P(LimitsTest, ASourceGetsItsBurstAndTheRestAreResetWithoutAByte) {
  TestBackend backend;
  DaemonProcess daemon(Limited(backend, "reset"));
  std::vector<Client> clients = ConnectMany(daemon.agent(), 8);
  EXPECT_EQ(CountServedRestReset(clients), 3);
  EXPECT_EQ(daemon.admin().Counter("agent", "refused/source_rate"), 5U);
  EXPECT_EQ(daemon.admin().Counter("agent", "admitted"), 3U);
  EXPECT_EQ(backend.AwaitIntroductions(3).size(), 3U);
  Client other = Client::Connect(daemon.agent(), "127.0.0.10");
  EXPECT_TRUE(other.Echoes("another source is served"));
}

TEST_P(LimitsTest, ARefusedHelloIsAnsweredByNoByteOfTls) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend))
                           .Set("limits.source_rate", "0.01")
                           .Set("limits.source_burst", "1")
                           .SetText("limits.over_limit", "reset"));
  TlsClient first = TlsClient::Connect(daemon.agent(), {}, kHot);
  TlsClient second(Client::Connect(daemon.agent(), kHot));
  EXPECT_FALSE(second.Handshake());
  EXPECT_EQ(daemon.admin().Counter("agent", "refused/source_rate"), 1U);
  daemon.admin().AwaitCounter("agent", "completed", 1);
  EXPECT_EQ(daemon.admin().Counter("agent", "failed"), 0U);
}

TEST_P(LimitsTest, DelayedConnectionsAreHeldUnservedAndThenReset) {
  TestBackend backend;
  DaemonProcess daemon(Limited(backend, "delay").SetText("limits.delay", "600ms"));
  const auto began = steady_clock::now();
  std::vector<Client> clients = ConnectMany(daemon.agent(), 5);
  daemon.admin().AwaitCounter("agent", "delayed", 2);
  EXPECT_EQ(CountServedRestReset(clients), 3);
  EXPECT_GE(steady_clock::now() - began, milliseconds(600));
  daemon.admin().AwaitCounter("agent", "delayed", 0);
  EXPECT_EQ(daemon.admin().Counter("agent", "refused/source_rate"), 2U);
}

TEST_P(LimitsTest, PastTheNumberThatMayBeDelayedTheyAreResetAtOnce) {
  TestBackend backend;
  DaemonProcess daemon(Limited(backend, "delay")
                           .SetText("limits.delay", "1h")
                           .Set("limits.delayed", "2")
                           .SetText("runtime.drain_timeout", "50ms"));
  std::vector<Client> clients = ConnectMany(daemon.agent(), 7);
  daemon.admin().AwaitCounter("agent", "refused/source_rate", 2);
  daemon.admin().AwaitCounter("agent", "delayed", 2);
  daemon.Stop();  // Those who are held for an hour do not hold up the end.
}

TEST_P(LimitsTest, ASourceThatHammersIsRefusedByTheKernelAndCountedAllTheSame) {
  TestBackend backend;
  DaemonProcess daemon(Limited(backend, "reset"));
  if (::geteuid() != 0) {
    return daemon.AwaitLog("refuse_in_kernel is not to be had");
  }
  constexpr uint64_t kTriesMax = 50'000;
  uint64_t tries = 0;
  bool refused = false;
  while (!refused && tries < kTriesMax) {
    ++tries;
    refused = !Client::TryConnect(daemon.agent(), kHot).valid();
  }
  ASSERT_TRUE(refused) << "after " << tries << " connections";
  Client other = Client::Connect(daemon.agent(), "127.0.0.10");
  EXPECT_TRUE(other.Echoes("another source is served"));
  // When the refusal has ended, within a second, what the kernel refused is counted; and perhaps a
  // stray packet of a connection that had been reset.
  EXPECT_TRUE(Eventually(
      [&] { return daemon.admin().Counter("agent", "refused/source_rate") >= tries - 3; }));
}

TEST_P(LimitsTest, QueuedConnectionsAreServedWhenTheirTokenIsDue) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend))
                           .Set("limits.source_rate", "10")
                           .Set("limits.source_burst", "2")
                           .SetText("limits.over_limit", "queue"));
  const auto began = steady_clock::now();
  std::vector<Client> clients = ConnectMany(daemon.agent(), 8);
  for (Client& client : clients) EXPECT_TRUE(client.Echoes("served"));
  // Two at once, six more at ten a second.
  EXPECT_GE(steady_clock::now() - began, milliseconds(500));
  EXPECT_EQ(daemon.admin().Counter("agent", "admitted"), 8U);
  EXPECT_EQ(daemon.admin().Counter("agent", "refused/source_rate"), 0U);
}

TEST_P(LimitsTest, TokensComeBackAtTheirRate) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend))
                           .Set("limits.source_rate", "5")
                           .Set("limits.source_burst", "1")
                           .SetText("limits.over_limit", "reset"));
  Client first = Client::Connect(daemon.agent(), kHot);
  ASSERT_TRUE(first.Echoes("first"));
  EXPECT_TRUE(Eventually([&] { return Client::Connect(daemon.agent(), kHot).Echoes("next"); }));
}

TEST_P(LimitsTest, ExemptSourcesHaveNoLimit) {
  TestBackend backend;
  DaemonProcess daemon(Limited(backend, "reset").Set("limits.exempt", "[\"127.0.0.9/32\"]"));
  std::vector<Client> clients = ConnectMany(daemon.agent(), 10);
  for (Client& client : clients) EXPECT_TRUE(client.Echoes("served"));
}

TEST_P(LimitsTest, DeniedSourcesAreResetOnTheAgentPortAndOthersServed) {
  TestBackend backend;
  DaemonProcess daemon(
      OnePhase(PlainConfig(backend)).Set("agent.deny", "[\"127.0.0.9/32\", \"127.1.0.0/16\"]"));
  std::vector<Client> denied = ConnectMany(daemon.agent(), 2);
  denied.push_back(Client::Connect(daemon.agent(), "127.1.2.3"));
  for (Client& client : denied) EXPECT_EQ(client.AwaitEnd(), Received::Kind::kReset);
  EXPECT_EQ(daemon.admin().Counter("agent", "refused/denied"), 3U);
  Client other = Client::Connect(daemon.agent());
  EXPECT_TRUE(other.Echoes("served"));
}

TEST_P(LimitsTest, OnlyAllowedSourcesReachTheControllerPort) {
  TestBackend backend;
  DaemonProcess daemon(PlainConfig(backend).Set("controller.allow", "[\"127.0.0.1/32\"]"));
  Client stranger = Client::Connect(daemon.controller(), "127.0.0.2");
  EXPECT_EQ(stranger.AwaitEnd(), Received::Kind::kReset);
  EXPECT_EQ(daemon.admin().Counter("controller", "refused/denied"), 1U);
  Client controller = Client::Connect(daemon.controller());
  EXPECT_TRUE(controller.Echoes("served"));
}

TEST_P(LimitsTest, ControllersPassNoneOfTheAgentsLimits) {
  TestBackend backend;
  Config config = Limited(backend, "reset");
  config.Set("controller.listen", "[\"127.0.0.1:0\"]")
      .Set("limits.connections", "1")
      .Set("limits.source_connections", "1")
      .Set("agent.deny", "[\"127.0.0.9/32\"]");
  DaemonProcess daemon(config);
  std::vector<Client> controllers = ConnectMany(daemon.controller(), 10);
  for (Client& controller : controllers) EXPECT_TRUE(controller.Echoes("served"));
}

TEST_P(LimitsTest, ASourceHasSoManyConnectionsOpenAtATime) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend))
                           .Set("limits.source_connections", "2")
                           .SetText("limits.over_limit", "reset"));
  Client first = Client::Connect(daemon.agent(), kHot);
  Client second = Client::Connect(daemon.agent(), kHot);
  ASSERT_TRUE(first.Echoes("first") && second.Echoes("second"));
  EXPECT_EQ(Client::Connect(daemon.agent(), kHot).AwaitEnd(), Received::Kind::kReset);
  EXPECT_EQ(daemon.admin().Counter("agent", "refused/source_connections"), 1U);
  Client other = Client::Connect(daemon.agent(), "127.0.0.10");
  EXPECT_TRUE(other.Echoes("another source"));
  first.Close();
  EXPECT_TRUE(Eventually([&] { return Client::Connect(daemon.agent(), kHot).Echoes("third"); }));
}

TEST_P(LimitsTest, SoManyConnectionsAreOpenInAll) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend))
                           .Set("limits.connections", "3")
                           .SetText("limits.over_limit", "reset"));
  std::vector<Client> clients = ConnectMany(daemon.agent(), 3);
  for (Client& client : clients) ASSERT_TRUE(client.Echoes("served"));
  EXPECT_EQ(Client::Connect(daemon.agent()).AwaitEnd(), Received::Kind::kReset);
  EXPECT_EQ(daemon.admin().Counter("agent", "refused/connections"), 1U);
  clients.pop_back();
  EXPECT_TRUE(Eventually([&] { return Client::Connect(daemon.agent()).Echoes("room again"); }));
  const auto told = [&daemon] {
    return daemon.admin().Status().at("limits").at("connections").get<int>();
  };
  EXPECT_EQ(told(), 3);
  daemon.config().Set("limits.connections", "5");
  daemon.WriteConfig();
  ASSERT_EQ(daemon.admin().Post("/v1/reload").status, 200);
  EXPECT_EQ(told(), 5);
}

TEST_P(LimitsTest, MoreConnectionsThanDescriptorsAllowIsWarnedAboutWithTheRemedy) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)).Set("limits.connections", "100000"),
                       {.descriptors_max = 1024});
  daemon.AwaitLog("warn descriptors: the limit of 1024 descriptors allows 448 agents at a time");
  daemon.AwaitLog("fewer than limits.connections = 100000; ");
  daemon.AwaitLog("set LimitNOFILE=201024 ");
}

TEST_P(LimitsTest, AnAddressIsTheSameSourceOverIpv4AndOverDualStack) {
  TestBackend backend;
  DaemonProcess daemon(
      Limited(backend, "reset").Set("agent.listen", "[\"[::]:0\", \"127.0.0.1:0\"]"));
  const std::string dual = daemon.agent(0);
  const std::string v4_over_dual = "127.0.0.1" + dual.substr(dual.rfind(':'));
  std::vector<Client> clients = ConnectMany(v4_over_dual, 2);
  std::vector<Client> others = ConnectMany(daemon.agent(1), 2);
  clients.insert(clients.end(), std::make_move_iterator(others.begin()),
                 std::make_move_iterator(others.end()));
  EXPECT_EQ(CountServedRestReset(clients), 3);  // Its burst, over both.
  Client v6 = Client::Connect(dual);
  EXPECT_TRUE(v6.Echoes("::1 is another source"));
}

TEST_P(LimitsTest, APrefixMakesOneSourceOfANetwork) {
  TestBackend backend;
  DaemonProcess daemon(Limited(backend, "reset").Set("limits.source_prefix", "[24, 64]"));
  std::vector<Client> clients;
  for (int i = 1; i <= 6; ++i) {
    clients.push_back(Client::Connect(daemon.agent(), "127.0.5." + std::to_string(i)));
  }
  EXPECT_EQ(CountServedRestReset(clients), 3);
  Client other = Client::Connect(daemon.agent(), "127.0.6.1");
  EXPECT_TRUE(other.Echoes("another network"));
}

TEST_P(LimitsTest, ToldAreTheSourcesWithMostRefusals) {
  TestBackend backend;
  DaemonProcess daemon(Limited(backend, "reset"));
  std::vector<Client> worse = ConnectMany(daemon.agent(), 9, "127.0.0.21");
  std::vector<Client> bad = ConnectMany(daemon.agent(), 5, "127.0.0.22");
  Client good = Client::Connect(daemon.agent(), "127.0.0.23");
  ASSERT_TRUE(good.Echoes("good"));
  daemon.admin().AwaitCounter("agent", "refused/source_rate", 8);
  const Json sources = daemon.admin().Get("/v1/sources?top=2").json().at("sources");
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_EQ(sources[0].at("source"), "127.0.0.21/32");
  EXPECT_EQ(sources[0].at("refused"), 6);
  EXPECT_EQ(sources[0].at("admitted"), 3);
  EXPECT_EQ(sources[1].at("source"), "127.0.0.22/32");
  EXPECT_EQ(sources[1].at("refused"), 2);
}

}  // namespace
}  // namespace floodgate::e2e
