// The gate as agents, controllers and operators see it.
#include <gtest/gtest.h>

#include <csignal>
#include <vector>

#include "absl/strings/match.h"
#include "tests/e2e/engine_test.h"

namespace floodgate::e2e {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class GateTest : public EngineTest {};
FLOODGATE_ON_EVERY_ENGINE(GateTest);

std::vector<Json> WaitingFor(const Json& status) {
  return status.at("gate").at("waiting_for");
}

TEST_P(GateTest, HoldsAThousandAgentsUntilTheDelayAfterTheSignalAndServesThemAll) {
  constexpr size_t kAgents = 1000;
  constexpr milliseconds kDelay{400};
  TestBackend backend;
  DaemonProcess daemon(TlsConfig(backend).SetText("gate.open_delay", "400ms"));
  std::vector<TlsClient> agents;
  for (size_t i = 0; i < kAgents; ++i) {
    agents.emplace_back(Client::Connect(daemon.agent()));
    agents.back().SendHello();
  }
  daemon.admin().AwaitQueueDepth("agent", kAgents);
  const Json holding = daemon.admin().Status();
  EXPECT_EQ(holding.at("gate").at("state"), "holding");
  EXPECT_EQ(WaitingFor(holding), std::vector<Json>{"peergrouper"});
  EXPECT_EQ(CounterIn(holding, "agent", "accepted"), 0U);
  for (TlsClient& agent : agents) EXPECT_TRUE(agent.socket().Untouched());

  const auto signalled = steady_clock::now();
  daemon.admin().SignalPeergrouper();
  EXPECT_EQ(agents[0].socket().Untouched() || steady_clock::now() - signalled >= kDelay, true);
  ASSERT_TRUE(agents[0].Handshake()) << agents[0].error();
  EXPECT_GE(steady_clock::now() - signalled, kDelay);
  for (size_t i = 1; i < kAgents; ++i) {
    ASSERT_TRUE(agents[i].Handshake()) << i << ": " << agents[i].error();
  }
  for (TlsClient& agent : agents) ASSERT_TRUE(agent.Echoes("hello"));
  daemon.admin().AwaitGate("open");
  const Json open = daemon.admin().Status();
  EXPECT_EQ(CounterIn(open, "agent", "accepted"), kAgents);
  EXPECT_EQ(CounterIn(open, "agent", "active"), kAgents);
  EXPECT_EQ(CounterIn(open, "agent", "completed"), kAgents);
  EXPECT_EQ(QueueDepthIn(open, "agent"), 0U);
}

TEST_P(GateTest, ServesControllersWhileItHoldsAgents) {
  TestBackend backend;
  DaemonProcess daemon(TlsConfig(backend));
  TlsClient agent(Client::Connect(daemon.agent()));
  agent.SendHello();
  daemon.admin().AwaitQueueDepth("agent", 1);
  TlsClient controller = TlsClient::Connect(daemon.controller());
  EXPECT_TRUE(controller.Echoes("from a controller"));
  EXPECT_EQ(backend.AwaitIntroductions(1)[0].header.listener, "controller");
  EXPECT_TRUE(agent.socket().Untouched());
  EXPECT_EQ(daemon.admin().GateState(), "holding");
}

TEST_P(GateTest, IsReadyOnlyWhenOpen) {
  TestBackend backend;
  DaemonProcess daemon(PlainConfig(backend));
  EXPECT_EQ(daemon.admin().Get("/healthz").status, 200);
  const HttpAnswer answer = daemon.admin().Get("/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(absl::StrContains(answer.body, "peergrouper")) << answer.body;
  daemon.admin().SignalPeergrouper();
  daemon.admin().AwaitGate("open");
  EXPECT_EQ(daemon.admin().Get("/readyz").status, 200);
}

TEST_P(GateTest, TakesNoSignalWithoutItsOwnId) {
  TestBackend backend;
  DaemonProcess daemon(PlainConfig(backend).SetText("gate.self_id", "7"));
  const HttpAnswer other =
      daemon.admin().Post("/v1/signal", R"({"kind":"peergrouper","servers":{"0":{}}})");
  EXPECT_EQ(other.status, 422);
  EXPECT_TRUE(absl::StrContains(other.body, "7")) << other.body;
  EXPECT_EQ(daemon.admin().Post("/v1/signal", R"({"kind":"peergrouper")").status, 400);
  EXPECT_EQ(daemon.admin().Post("/v1/signal", R"({"kind":"other","servers":{}})").status, 400);
  EXPECT_EQ(daemon.admin().GateState(), "holding");
  daemon.admin().SignalPeergrouper("7");
  daemon.admin().AwaitGate("open");
}

TEST_P(GateTest, OpensOnAConnectionFromItself) {
  TestBackend backend;
  DaemonProcess daemon(PlainConfig(backend).Set("gate.open_on", "[\"self-connection\"]"));
  EXPECT_EQ(WaitingFor(daemon.admin().Status()), std::vector<Json>{"self-connection"});
  Client agent = Client::Connect(daemon.agent());
  Client self = Client::Connect(daemon.controller());
  ASSERT_TRUE(self.Echoes("self"));
  EXPECT_TRUE(agent.Echoes("served"));
  daemon.admin().AwaitGate("open");
}

TEST_P(GateTest, OpensOnAConnectionFromItselfOverAUnixSocket) {
  TestBackend backend;
  const std::string path = files().File("controller.sock");
  DaemonProcess daemon(PlainConfig(backend)
                           .Set("controller.listen", "[\"unix:" + path + "\"]")
                           .Set("gate.open_on", "[\"self-connection\"]"));
  Client self = Client::Connect(daemon.controller());
  ASSERT_TRUE(self.Echoes("self"));
  daemon.admin().AwaitGate("open");
}

TEST_P(GateTest, ASelfConnectionThatReachesNoBackendOpensNothing) {
  const ListeningSocket nobody = Listen("127.0.0.1:0", kBoundOnly);
  DaemonProcess daemon(PlainConfig(nobody.address).Set("gate.open_on", "[\"self-connection\"]"));
  Client self = Client::Connect(daemon.controller());
  EXPECT_EQ(self.AwaitEnd(), Received::Kind::kReset);
  daemon.admin().AwaitCounter("controller", "refused/backend", 1);
  EXPECT_EQ(daemon.admin().GateState(), "holding");
}

TEST_P(GateTest, CountsDistinctControllersForItsQuorum) {
  TestBackend backend;
  DaemonProcess daemon(
      PlainConfig(backend).Set("gate.open_on", "[\"quorum\"]").Set("gate.quorum", "3"));
  Client self = Client::Connect(daemon.controller());
  ASSERT_TRUE(self.Echoes("self"));
  Client second = Client::Connect(daemon.controller(), "127.0.0.2");
  ASSERT_TRUE(second.Echoes("second"));
  Client second_again = Client::Connect(daemon.controller(), "127.0.0.2");
  ASSERT_TRUE(second_again.Echoes("second, once more"));
  const Json status = daemon.admin().AwaitStatus(
      "three controllers' connections",
      [](const Json& s) { return CounterIn(s, "controller", "active") == 3; });
  EXPECT_EQ(status.at("gate").at("state"), "holding");  // This one and 127.0.0.2 are two.
  Client third = Client::Connect(daemon.controller(), "127.0.0.3");
  ASSERT_TRUE(third.Echoes("third"));
  daemon.admin().AwaitGate("open");
}

TEST_P(GateTest, NeedsEveryConditionThatIsNamed) {
  TestBackend backend;
  DaemonProcess daemon(
      PlainConfig(backend).Set("gate.open_on", "[\"peergrouper\", \"self-connection\"]"));
  daemon.admin().SignalPeergrouper();
  EXPECT_EQ(WaitingFor(daemon.admin().Status()), std::vector<Json>{"self-connection"});
  Client self = Client::Connect(daemon.controller());
  ASSERT_TRUE(self.Echoes("self"));
  daemon.admin().AwaitGate("open");
}

TEST_P(GateTest, OpensAndHoldsOnSignalsOfTheSystem) {
  TestBackend backend;
  DaemonProcess daemon(PlainConfig(backend).Set("gate.open_on", "[\"manual\"]"));
  Client agent = Client::Connect(daemon.agent());
  daemon.Signal(SIGUSR1);
  EXPECT_TRUE(agent.Echoes("served"));
  daemon.admin().AwaitGate("open");
  daemon.Signal(SIGUSR2);
  daemon.admin().AwaitGate("holding");
}

TEST_P(GateTest, HoldingAgainParksNewAgentsAndLeavesEstablishedOnes) {
  TestBackend backend;
  DaemonProcess daemon(PlainConfig(backend));
  daemon.admin().Gate("open");
  Client established = Client::Connect(daemon.agent());
  ASSERT_TRUE(established.Echoes("before"));
  daemon.admin().Gate("hold");
  Client late = Client::Connect(daemon.agent());
  late.Send("late");
  daemon.admin().AwaitQueueDepth("agent", 1);
  EXPECT_TRUE(established.Echoes("while it holds"));
  EXPECT_TRUE(late.Untouched());
  // What an operator held no live condition opens; a new signal does.
  daemon.admin().SignalPeergrouper();
  EXPECT_EQ(late.ReceiveExactly(4), "late");
  EXPECT_TRUE(established.Echoes("after"));
}

TEST_P(GateTest, StaysOpenThroughFurtherSignals) {
  TestBackend backend;
  DaemonProcess daemon(PlainConfig(backend));
  daemon.admin().SignalPeergrouper();
  daemon.admin().AwaitGate("open");
  const std::string since = daemon.admin().Status().at("gate").at("since");
  daemon.admin().SignalPeergrouper();
  EXPECT_EQ(daemon.admin().GateState(), "open");
  EXPECT_EQ(daemon.Log().find("gate: draining"), daemon.Log().rfind("gate: draining"));
}

TEST_P(GateTest, HoldsAgainWhenAConditionIsLostForLong) {
  TestBackend backend;
  DaemonProcess daemon(PlainConfig(backend)
                           .Set("gate.open_on", "[\"self-connection\"]")
                           .Set("gate.rehold", "true")
                           .SetText("gate.rehold_after", "300ms"));
  Client self = Client::Connect(daemon.controller());
  ASSERT_TRUE(self.Echoes("self"));
  daemon.admin().AwaitGate("open");
  const auto lost = steady_clock::now();
  self.Close();
  daemon.admin().AwaitGate("holding");
  EXPECT_GE(steady_clock::now() - lost, milliseconds(300));
  Client again = Client::Connect(daemon.controller());
  ASSERT_TRUE(again.Echoes("self"));
  daemon.admin().AwaitGate("open");
}

TEST_P(GateTest, OpensAnywayAfterItsTime) {
  TestBackend backend;
  const auto started = steady_clock::now();
  DaemonProcess daemon(PlainConfig(backend).SetText("gate.open_anyway_after", "400ms"));
  Client agent = Client::Connect(daemon.agent());
  EXPECT_TRUE(agent.Echoes("served"));
  EXPECT_GE(steady_clock::now() - started, milliseconds(400));
}

TEST_P(GateTest, WithoutAControllerSectionAgentsAreServedAtOnce) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)));
  EXPECT_TRUE(daemon.ports().at("controller").empty());
  Client agent = Client::Connect(daemon.agent());
  EXPECT_TRUE(agent.Echoes("served"));
  EXPECT_EQ(daemon.admin().GateState(), "open");
}

TEST_P(GateTest, RefusesAgentsInsteadOfParkingThemIfAsked) {
  TestBackend backend;
  DaemonProcess daemon(PlainConfig(backend).SetText("agent.hold", "refuse"));
  EXPECT_FALSE(Client::TryConnect(daemon.agent()).valid());
  daemon.admin().Gate("open");
  daemon.admin().AwaitGate("open");
  Client agent = Client::Connect(daemon.agent());
  EXPECT_TRUE(agent.Echoes("served"));
  daemon.admin().Gate("hold");
  EXPECT_TRUE(Eventually([&] { return !Client::TryConnect(daemon.agent()).valid(); }));
  EXPECT_TRUE(agent.Echoes("still served"));
}

TEST_P(GateTest, DrainsTheQueueNoFasterThanItsRate) {
  constexpr int kAgents = 30;
  TestBackend backend;
  DaemonProcess daemon(PlainConfig(backend).Set("drain.rate", "50"));
  std::vector<Client> agents;
  for (int i = 0; i < kAgents; ++i) agents.push_back(Client::Connect(daemon.agent()));
  for (Client& agent : agents) agent.Send("hello");
  const auto opened = steady_clock::now();
  daemon.admin().Gate("open");
  for (Client& agent : agents) EXPECT_EQ(agent.ReceiveExactly(5), "hello");
  // At 50 a second with no burst worth mentioning 30 take 0.6 s; half of that is a safe bound.
  EXPECT_GE(steady_clock::now() - opened, milliseconds(300));
}

}  // namespace
}  // namespace floodgate::e2e
