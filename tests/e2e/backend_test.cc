// Backends that are down, slow, or on unix sockets, and what they are told about their clients.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/e2e/engine_test.h"

namespace floodgate::e2e {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class BackendTest : public EngineTest {};
FLOODGATE_ON_EVERY_ENGINE(BackendTest);

TEST_P(BackendTest, OneThatIsDownIsACountedRefusal) {
  const ListeningSocket nobody = Listen("127.0.0.1:0", kBoundOnly);
  DaemonProcess daemon(OnePhase(PlainConfig(nobody.address)));
  Client client = Client::Connect(daemon.agent());
  EXPECT_EQ(client.AwaitEnd(), Received::Kind::kReset);
  daemon.admin().AwaitCounter("agent", "refused/backend", 1);
  EXPECT_EQ(daemon.admin().Status().at("backend").at("errors"), 1);
}

// It was once told at debug alone.
TEST_P(BackendTest, OneThatIsDownIsToldWithItsAddressAndWhyButNotEachTime) {
  const ListeningSocket nobody = Listen("127.0.0.1:0", kBoundOnly);
  DaemonProcess daemon(OnePhase(PlainConfig(nobody.address)).SetText("runtime.log", "info"));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Client::Connect(daemon.agent()).AwaitEnd(), Received::Kind::kReset);
  }
  const std::string line =
      absl::StrCat("warn backend: ", nobody.address, " cannot be reached: Connection refused; ");
  daemon.AwaitLog(line);
  daemon.Stop();
  const std::vector<std::string> parts = absl::StrSplit(daemon.Log(), "cannot be reached");
  EXPECT_LE(parts.size(), 3U) << "two lines if it took over ten seconds\n" << daemon.Log();
}

TEST_P(BackendTest, OneThatComesBackServesAgain) {
  ListeningSocket place = Listen("127.0.0.1:0", kBoundOnly);
  DaemonProcess daemon(
      OnePhase(PlainConfig(place.address)).SetText("runtime.drain_timeout", "50ms"));
  EXPECT_EQ(Client::Connect(daemon.agent()).AwaitEnd(), Received::Kind::kReset);
  ASSERT_EQ(::listen(place.fd.get(), 16), 0);
  Client client = Client::Connect(daemon.agent());
  client.Send("hello");
  daemon.admin().AwaitCounter("agent", "active", 1);
}

// A listener whose backlog is full: the kernel drops what would connect, so nothing is answered.
struct BlackHole {
  ListeningSocket listening = Listen("127.0.0.1:0", 0);
  std::vector<OwnedFd> filling;

  BlackHole() {
    for (int i = 0; i < 4; ++i) filling.push_back(ConnectWithoutWaiting(listening.address));
  }
};

TEST_P(BackendTest, OneThatDoesNotAnswerIsGivenUpAfterItsTime) {
  const BlackHole hole;
  DaemonProcess daemon(
      OnePhase(PlainConfig(hole.listening.address)).SetText("backend.connect_timeout", "400ms"));
  const auto began = steady_clock::now();
  Client client = Client::Connect(daemon.agent());
  EXPECT_EQ(client.AwaitEnd(), Received::Kind::kReset);
  // Time-outs count from the turn of the loop that began what they bound: on a busy machine that
  // may be some milliseconds ago.
  EXPECT_GE(steady_clock::now() - began, milliseconds(300));
  daemon.admin().AwaitCounter("agent", "refused/backend", 1);
}

TEST_P(BackendTest, OneThatDoesNotAnswerHoldsUpNobodyElse) {
  const BlackHole hole;
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(hole.listening.address))
                           .SetText("backend.connect_timeout", "1h")
                           .SetText("runtime.drain_timeout", "50ms")
                           .Set("runtime.workers", "1"));
  Client stuck = Client::Connect(daemon.agent());
  daemon.admin().AwaitCounter("agent", "active", 1);
  // A reload points new connections elsewhere; the stuck one keeps waiting.
  daemon.config().SetText("backend.address", backend.address());
  daemon.WriteConfig();
  ASSERT_EQ(daemon.admin().Post("/v1/reload").status, 200);
  Client served = Client::Connect(daemon.agent());
  EXPECT_TRUE(served.Echoes("served"));
  EXPECT_TRUE(stuck.Untouched());
}

TEST_P(BackendTest, IsReachedOverAUnixSocket) {
  TestBackend backend({.address = "unix:" + files().File("backend.sock"),
                       .proxy_protocol = true,
                       .handler = TestBackend::Echo});
  DaemonProcess daemon(OnePhase(PlainConfig(backend)));
  Client client = Client::Connect(daemon.agent());
  EXPECT_TRUE(client.Echoes("over a path"));
  EXPECT_EQ(backend.AwaitIntroductions(1)[0].header.source.ToString(), client.local_address());
}

TEST_P(BackendTest, IsReachedOverAnAbstractUnixSocket) {
  TestBackend backend({.address = absl::StrCat("unix:@floodgate-e2e-", ::getpid(), "-", GetParam()),
                       .proxy_protocol = true,
                       .handler = TestBackend::Echo});
  DaemonProcess daemon(OnePhase(PlainConfig(backend)));
  Client client = Client::Connect(daemon.agent());
  EXPECT_TRUE(client.Echoes("over a name"));
}

TEST_P(BackendTest, IsToldWhoItsClientIs) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)));
  Client client = Client::Connect(daemon.agent(), "127.0.7.7");
  ASSERT_TRUE(client.Echoes("hello"));
  const Introduction introduction = backend.AwaitIntroductions(1)[0];
  EXPECT_EQ(introduction.header.source.ToString(), client.local_address());
  EXPECT_EQ(introduction.header.destination.ToString(), daemon.agent());
  EXPECT_EQ(introduction.header.listener, "agent");
  EXPECT_FALSE(introduction.header.tls);
  EXPECT_FALSE(introduction.header.unique_id.empty());
  // The fixed part, byte by byte (proxy-protocol.txt, section 2.2): signature, PROXY, TCP over
  // IPv4.
  EXPECT_EQ(introduction.raw.substr(0, 14), std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11", 14));
  EXPECT_EQ(introduction.raw.substr(16, 8), std::string("\x7f\0\x07\x07\x7f\0\0\x01", 8));
}

TEST_P(BackendTest, IsToldIpv6Addresses) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)).Set("agent.listen", "[\"[::1]:0\"]"));
  Client client = Client::Connect(daemon.agent());
  ASSERT_TRUE(client.Echoes("hello"));
  const Introduction introduction = backend.AwaitIntroductions(1)[0];
  EXPECT_EQ(introduction.header.source.ToString(), client.local_address());
  EXPECT_EQ(introduction.header.destination.ToString(), daemon.agent());
  EXPECT_EQ(introduction.raw.substr(12, 2), "\x21\x21");
}

TEST_P(BackendTest, IsToldIpv4AddressesOfClientsOverDualStack) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)).Set("agent.listen", "[\"[::]:0\"]"));
  const std::string address = "127.0.0.1" + daemon.agent().substr(daemon.agent().rfind(':'));
  Client client = Client::Connect(address);
  ASSERT_TRUE(client.Echoes("hello"));
  const Introduction introduction = backend.AwaitIntroductions(1)[0];
  EXPECT_EQ(introduction.header.source.ToString(), client.local_address());
  EXPECT_EQ(introduction.raw.substr(12, 2), "\x21\x11");
}

TEST_P(BackendTest, IsToldNoAddressOfClientsOnUnixSockets) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend))
                           .Set("agent.listen", "[\"unix:" + files().File("agent.sock") + "\"]"));
  Client client = Client::Connect(daemon.agent());
  ASSERT_TRUE(client.Echoes("hello"));
  const Introduction introduction = backend.AwaitIntroductions(1)[0];
  EXPECT_EQ(introduction.header.source.family, PeerAddress::Family::kUnix);
  EXPECT_EQ(introduction.header.listener, "agent");
}

TEST_P(BackendTest, EveryConnectionHasAUniqueId) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)));
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(Client::Connect(daemon.agent()));
  std::set<std::string> ids;
  for (const Introduction& introduction : backend.AwaitIntroductions(20)) {
    ids.insert(introduction.header.unique_id);
  }
  EXPECT_EQ(ids.size(), 20U);
}

TEST_P(BackendTest, IsToldNothingIfThatIsOff) {
  TestBackend backend({.address = "127.0.0.1:0",
                       .proxy_protocol = false,
                       .handler = [](Client& connection, const Introduction&) {
                         connection.Send("first bytes: " + connection.ReceiveExactly(5));
                       }});
  DaemonProcess daemon(OnePhase(PlainConfig(backend)).SetText("backend.proxy_protocol", "off"));
  Client client = Client::Connect(daemon.agent());
  client.Send("hello");
  EXPECT_EQ(client.ReceiveAll(), "first bytes: hello");
}

}  // namespace
}  // namespace floodgate::e2e
