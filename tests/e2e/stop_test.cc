// Stopping: who may finish, for how long, and who is not taken any more.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "absl/strings/match.h"
#include "tests/e2e/engine_test.h"

namespace floodgate::e2e {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class StopTest : public EngineTest {};
FLOODGATE_ON_EVERY_ENGINE(StopTest);

TEST_P(StopTest, LiveConnectionsFinishAndNewOnesAreRefused) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)).SetText("runtime.drain_timeout", "1h"));
  Client live = Client::Connect(daemon.agent());
  ASSERT_TRUE(live.Echoes("before"));
  daemon.Signal(SIGTERM);
  EXPECT_TRUE(Eventually([&] { return !Client::TryConnect(daemon.agent()).valid(); }));
  EXPECT_EQ(daemon.admin().GateState(), "stopping");
  EXPECT_TRUE(live.Echoes("while it stops"));
  EXPECT_FALSE(daemon.Wait(milliseconds(300)).has_value());
  live.FinishSending();
  EXPECT_EQ(live.AwaitEnd(), Received::Kind::kEnd);
  daemon.ExpectCleanEnd();
}

TEST_P(StopTest, EndsAtOnceWhenTheLastConnectionDoes) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)).SetText("runtime.drain_timeout", "1h"));
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(Client::Connect(daemon.agent()));
  for (Client& client : clients) ASSERT_TRUE(client.Echoes("hello"));
  for (Client& client : clients) client.Reset();
  daemon.Stop();
}

TEST_P(StopTest, EndsLiveConnectionsAfterTheirTime) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)).SetText("runtime.drain_timeout", "400ms"));
  Client live = Client::Connect(daemon.agent());
  ASSERT_TRUE(live.Echoes("hello"));
  const auto stopped = steady_clock::now();
  daemon.Signal(SIGTERM);
  EXPECT_EQ(live.AwaitEnd(), Received::Kind::kReset);
  EXPECT_GE(steady_clock::now() - stopped, milliseconds(400));
  // It was forgotten once, and noticed by what happens every ten seconds anyway.
  EXPECT_LT(steady_clock::now() - stopped, milliseconds(8000));
  daemon.ExpectCleanEnd();
}

TEST_P(StopTest, ASecondSignalEndsItAtOnce) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)).SetText("runtime.drain_timeout", "1h"));
  Client live = Client::Connect(daemon.agent());
  ASSERT_TRUE(live.Echoes("hello"));
  daemon.Signal(SIGTERM);
  daemon.AwaitLog("graceful");
  daemon.Signal(SIGTERM);
  EXPECT_EQ(live.AwaitEnd(), Received::Kind::kReset);
  daemon.ExpectCleanEnd();
}

TEST_P(StopTest, ParkedAgentsAreNotTakenJustToBeDropped) {
  TestBackend backend;
  DaemonProcess daemon(TlsConfig(backend));
  std::vector<TlsClient> agents;
  for (int i = 0; i < 20; ++i) {
    agents.emplace_back(Client::Connect(daemon.agent()));
    agents.back().SendHello();
  }
  daemon.admin().AwaitQueueDepth("agent", 20);
  daemon.Stop();
  for (TlsClient& agent : agents) EXPECT_EQ(agent.socket().AwaitEnd(), Received::Kind::kReset);
  EXPECT_EQ(backend.accepted(), 0U);
}

TEST_P(StopTest, TheControlInterfaceStopsItToo) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)).SetText("runtime.drain_timeout", "1h"));
  Client live = Client::Connect(daemon.agent());
  ASSERT_TRUE(live.Echoes("before"));
  const HttpAnswer answer = daemon.admin().Post("/v1/drain");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json().at("gate"), "stopping");
  EXPECT_TRUE(live.Echoes("while it stops"));
  live.Close();
  daemon.ExpectCleanEnd();
}

// The answer was once 200, though nothing had been done.
TEST_P(StopTest, TheGateIsNotMovedAnyMore) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)).SetText("runtime.drain_timeout", "1h"));
  Client live = Client::Connect(daemon.agent());
  ASSERT_TRUE(live.Echoes("before"));
  ASSERT_EQ(daemon.admin().Post("/v1/drain").status, 200);
  for (const char* body : {R"({"action":"open"})", R"({"action":"hold"})"}) {
    EXPECT_EQ(daemon.admin().Post("/v1/gate", body).status, 409);
  }
  daemon.Signal(SIGUSR1);
  daemon.AwaitLog("warn gate: stopping");
  EXPECT_EQ(daemon.admin().GateState(), "stopping");
  live.Close();
  daemon.ExpectCleanEnd();
}

TEST_P(StopTest, ASignalWhileItHoldsNobodyEndsIt) {
  TestBackend backend;
  DaemonProcess daemon(PlainConfig(backend));
  daemon.Signal(SIGINT);
  daemon.ExpectCleanEnd();
  EXPECT_TRUE(absl::StrContains(daemon.Log(), "stop: done"));
}

TEST_P(StopTest, LeavesNoSocketFilesBehind) {
  TestBackend backend;
  const std::string path = files().File("agent.sock");
  DaemonProcess daemon(PlainConfig(backend).Set("agent.listen", "[\"unix:" + path + "\"]"));
  ASSERT_TRUE(Client::Connect("unix:" + path).valid());
  const std::string admin = daemon.directory().File("admin.sock");
  daemon.Stop();
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  EXPECT_NE(::access(admin.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace floodgate::e2e
