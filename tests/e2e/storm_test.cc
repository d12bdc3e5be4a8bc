// Many agents at once, agents that leave, hostile ones, and what is left behind: nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/e2e/engine_test.h"

namespace floodgate::e2e {
namespace {

using std::chrono::milliseconds;

class StormTest : public EngineTest {
 protected:
  static std::string Source(int i) {
    return absl::StrCat("127.0.", 10 + i / 250, ".", 1 + i % 250);
  }
};
FLOODGATE_ON_EVERY_ENGINE(StormTest);

TEST_P(StormTest, NoHandshakeIsSpentOnAgentsThatLeftWhileParked) {
  constexpr int kAgents = 300;
  TestBackend backend;
  DaemonProcess daemon(TlsConfig(backend));
  std::vector<TlsClient> agents;
  std::vector<TlsClient> leavers;
  for (int i = 0; i < kAgents; ++i) {
    std::vector<TlsClient>& into = i % 10 == 0 ? leavers : agents;
    into.emplace_back(Client::Connect(daemon.agent(), Source(i)));
    into.back().SendHello();
  }
  daemon.admin().AwaitQueueDepth("agent", kAgents);
  const size_t left = leavers.size();
  for (size_t i = 0; i < left; ++i) {  // Half say goodbye, half break off.
    if (i % 2 == 0) leavers[i].socket().Reset();
  }
  leavers.clear();
  daemon.admin().SignalPeergrouper();
  for (TlsClient& agent : agents) ASSERT_TRUE(agent.Handshake()) << agent.error();
  const Json status = daemon.admin().AwaitStatus("the end of the queue", [&](const Json& s) {
    return QueueDepthIn(s, "agent") == 0 && CounterIn(s, "agent", "waiting") == 0 &&
           CounterIn(s, "agent", "in_flight") == 0;
  });
  // The leavers are 30; a handful may be begun before their leaving is seen.
  EXPECT_LE(CounterIn(status, "agent", "admitted"), agents.size() + 5);
  EXPECT_GE(CounterIn(status, "agent", "stale"), left - 5);
  EXPECT_EQ(CounterIn(status, "agent", "completed"), agents.size());
}

TEST_P(StormTest, TheCountersAreOneEquationAtEveryMoment) {
  TestBackend backend;
  DaemonProcess daemon(TlsConfig(backend)
                           .Set("limits.source_rate", "20")
                           .Set("limits.source_burst", "5")
                           .SetText("limits.over_limit", "delay")
                           .SetText("limits.delay", "50ms")
                           .SetText("limits.handshake_timeout", "400ms"));
  std::atomic<bool> done{false};
  // Good ones, those that reset, those that say nothing, and those that send garbage.
  const auto storm = [&](int seed) {
    for (int i = seed; !done; ++i) {
      Client client = Client::Connect(daemon.agent(), Source(i % 40));
      if (i % 4 == 0) {
        client.TrySend("garbage, which is no hello\r\n\r\n");
      } else if (i % 4 == 1) {
        client.Reset();
      } else if (i % 4 == 2) {
        TlsClient agent(std::move(client));
        if (agent.Handshake()) agent.FinishSending();
      }
    }
  };
  std::thread first(storm, 0);
  std::thread second(storm, 7);
  // Status() checks the equations of every reading.
  for (int i = 0; i < 40; ++i) daemon.admin().Status();
  daemon.admin().SignalPeergrouper();
  for (int i = 0; i < 150; ++i) daemon.admin().Status();
  daemon.admin().Gate("hold");
  for (int i = 0; i < 20; ++i) daemon.admin().Status();
  daemon.admin().Gate("open");
  for (int i = 0; i < 50; ++i) daemon.admin().Status();
  done = true;
  first.join();
  second.join();
  daemon.admin().AwaitStatus("rest", [](const Json& s) {
    const Json& all = s.at("connections");
    return all.at("waiting") == 0 && all.at("delayed") == 0 && all.at("active") == 0 &&
           s.at("handshakes").at("in_flight") == 0;
  });
}

TEST_P(StormTest, RunningOutOfDescriptorsParksAndLosesNobody) {
  constexpr int kAgents = 120;
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)), {.descriptors_max = 128});
  std::vector<Client> agents;
  for (int i = 0; i < kAgents; ++i) {
    agents.push_back(Client::Connect(daemon.agent()));
    agents.back().Send(absl::StrCat("agent ", i));
  }
  daemon.admin().AwaitStatus("a paused listener", [](const Json& s) {
    return s.at("listeners")[0].at("state") == "paused" && QueueDepthIn(s, "agent") > 0;
  });
  // Both were once said nowhere.
  daemon.AwaitLog("warn descriptors: the limit of 128 descriptors allows 48 agents at a time");
  daemon.AwaitLog("LimitNOFILE=");
  daemon.AwaitLog("warn descriptors: paused: all 48 places");
  // Each that is served makes room for the next.
  for (int i = 0; i < kAgents; ++i) {
    const std::string expected = absl::StrCat("agent ", i);
    ASSERT_EQ(agents[static_cast<size_t>(i)].ReceiveExactly(expected.size()), expected);
    agents[static_cast<size_t>(i)].Close();
  }
  daemon.admin().AwaitCounter("agent", "finished", kAgents);
}

TEST_P(StormTest, AcceptingResumesByItselfWhenThereAreDescriptorsAgain) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)));
  Client before = Client::Connect(daemon.agent());
  ASSERT_TRUE(before.Echoes("before"));
  SetDescriptorLimit(daemon.pid(), 3);  // Below all that it has: accept(2) says EMFILE.
  Client parked = Client::Connect(daemon.agent());
  parked.Send("parked");
  daemon.AwaitLog("paused on");
  EXPECT_TRUE(before.Echoes("still served"));
  EXPECT_TRUE(parked.Untouched());
  SetDescriptorLimit(daemon.pid(), 1024);
  EXPECT_EQ(parked.ReceiveExactly(6), "parked");
}

TEST_P(StormTest, FloodsOfConnectsAndClosesLeaveNothingBehind) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend)).SetText("limits.handshake_timeout", "300ms"));
  const auto flood = [&] {
    for (int i = 0; i < 150; ++i) {
      Client::Connect(daemon.agent()).Close();
      Client::Connect(daemon.agent()).Reset();
      Client half_open = Client::Connect(daemon.agent());
      half_open.TrySend("\x16\x03");
      if (i % 10 == 0) {
        EXPECT_TRUE(TlsClient::Connect(daemon.agent()).Echoes("a good one"));
      }
    }
    daemon.admin().AwaitStatus("rest", [](const Json& s) {
      return QueueDepthIn(s, "agent") == 0 && s.at("connections").at("waiting") == 0 &&
             s.at("connections").at("active") == 0 && s.at("handshakes").at("in_flight") == 0;
    });
  };
  flood();  // Pools fill and stay.
  const auto at_rest = [&] {
    size_t least = daemon.Descriptors();
    Eventually([&] { return (least = std::min(least, daemon.Descriptors())) == 0; },
               milliseconds(200));
    return least;
  };
  const size_t descriptors = at_rest();
  const int64_t resident_bytes = daemon.ResidentBytes();
  flood();
  EXPECT_TRUE(Eventually([&] { return daemon.Descriptors() <= descriptors; }))
      << daemon.Descriptors() << " descriptors, " << descriptors << " before";
  EXPECT_LT(daemon.ResidentBytes() - resident_bytes, 16 << 20);
}

TEST_P(StormTest, ControllersAreServedDuringAStormOfAgents) {
  TestBackend backend;
  DaemonProcess daemon(TlsConfig(backend));
  daemon.admin().Gate("open");
  std::atomic<bool> done{false};
  std::thread storm([&] {
    for (int i = 0; !done; ++i) {
      TlsClient agent(Client::Connect(daemon.agent(), Source(i % 500)));
      agent.SendHello();
    }
  });
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(TlsClient::Connect(daemon.controller()).Echoes("controller"));
  done = true;
  storm.join();
}

}  // namespace
}  // namespace floodgate::e2e
