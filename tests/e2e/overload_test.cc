// Whom the daemon serves when not all can be.
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "tests/e2e/engine_test.h"

namespace floodgate::e2e {
namespace {

using std::chrono::milliseconds;

class OverloadTest : public EngineTest {
 protected:
  // Agents who ask, wait for `time` and leave, while somebody else has the only slot.
  static void WaitAndLeave(DaemonProcess& daemon, int count, milliseconds time) {
    Client holder = TakeTheSlot(daemon);
    std::vector<TlsClient> leavers;
    for (int i = 0; i < count; ++i) {
      leavers.emplace_back(Client::Connect(daemon.agent()));
      leavers.back().SendHello();
    }
    Pass(time);
    leavers.clear();
    holder.Reset();
    daemon.admin().AwaitCounter("agent", "stale", static_cast<uint64_t>(count));
  }

  // A client that has begun to say hello.
  static Client TakeTheSlot(DaemonProcess& daemon) {
    Client holder = Client::Connect(daemon.agent());
    holder.Send("\x16\x03\x01\x01");
    daemon.admin().AwaitCounter("agent", "in_flight", 1);
    return holder;
  }
};
FLOODGATE_ON_EVERY_ENGINE(OverloadTest);

TEST_P(OverloadTest, WhoLeavesWhileWaitingCostsNoHandshakeAndTeachesPatience) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend)).Set("limits.handshakes", "1"));
  EXPECT_TRUE(daemon.admin().Status().at("connections").at("patience_ms").is_null());
  WaitAndLeave(daemon, 12, milliseconds(30));
  EXPECT_TRUE(TlsClient::Connect(daemon.agent()).Echoes("served"));
  const Json status = daemon.admin().Status();
  EXPECT_EQ(CounterIn(status, "agent", "completed"), 1U);
  ASSERT_TRUE(status.at("connections").at("patience_ms").is_number());
  EXPECT_GE(status.at("connections").at("patience_ms").get<int64_t>(), 26);  // An eighth too low.
}

TEST_P(OverloadTest, WhileAgentsLeaveAFreshOneIsServedBeforeOneWithoutTimeLeft) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend))
                           .Set("limits.handshakes", "1")
                           .SetText("limits.patience", "100ms"));
  WaitAndLeave(daemon, 200, milliseconds(30));  // So that it is remembered for some seconds.
  Client holder = TakeTheSlot(daemon);
  TlsClient old(Client::Connect(daemon.agent()));
  old.SendHello();
  daemon.admin().AwaitCounter("agent", "waiting", 1);
  Pass(milliseconds(60));
  TlsClient fresh(Client::Connect(daemon.agent()));
  fresh.SendHello();
  daemon.admin().AwaitCounter("agent", "waiting", 2);
  holder.Reset();
  // There is one slot: had it gone to the older one, this would wait for that one's handshake.
  ASSERT_TRUE(fresh.Handshake()) << fresh.error();
  ASSERT_TRUE(old.Handshake()) << old.error();
  EXPECT_TRUE(old.Echoes("served as well"));
}

}  // namespace
}  // namespace floodgate::e2e
