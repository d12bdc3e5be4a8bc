// TLS as clients see it.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <vector>

#include "absl/strings/match.h"
#include "tests/e2e/engine_test.h"

namespace floodgate::e2e {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class TlsTest : public EngineTest {};
FLOODGATE_ON_EVERY_ENGINE(TlsTest);

TEST_P(TlsTest, SpeaksBothVersionsWithBothKindsOfKey) {
  TestBackend backend;
  for (const KeyKind kind : {KeyKind::kEcdsa, KeyKind::kRsa}) {
    DaemonProcess daemon(OnePhase(TlsConfig(backend, kind)));
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      TlsClient client = TlsClient::Connect(daemon.agent(), {.version = version});
      EXPECT_EQ(client.version(), version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
      EXPECT_EQ(client.peer_name(), "floodgate.test");
      EXPECT_EQ(client.peer_key_kind(), kind == KeyKind::kEcdsa ? "EC" : "RSA");
      EXPECT_TRUE(client.Echoes("hello"));
    }
  }
}

TEST_P(TlsTest, RefusesVersionsBelowTheConfiguredOne) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend)).SetText("tls.min_version", "1.3"));
  TlsClient old(Client::Connect(daemon.agent()), {.version = TLS1_2_VERSION});
  EXPECT_FALSE(old.Handshake());
  EXPECT_TRUE(absl::StrContains(old.error(), "protocol version")) << old.error();  // The alert.
  daemon.admin().AwaitCounter("agent", "refused/handshake", 1);
  EXPECT_TRUE(TlsClient::Connect(daemon.agent()).Echoes("1.3"));
}

TEST_P(TlsTest, TellsTheBackendServerNameAndProtocol) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend)));
  TlsClient client = TlsClient::Connect(
      daemon.agent(),
      {.version = TLS1_3_VERSION, .server_name = "api.example", .alpn = "http/1.1"});
  ASSERT_TRUE(client.Echoes("hello"));
  EXPECT_EQ(client.alpn(), "http/1.1");
  const ProxyParse header = backend.AwaitIntroductions(1)[0].header;
  EXPECT_EQ(header.authority, "api.example");
  EXPECT_EQ(header.alpn, "http/1.1");
  EXPECT_TRUE(header.tls);
  EXPECT_EQ(header.tls_version, "TLSv1.3");
  EXPECT_FALSE(header.client_certificate);
  EXPECT_FALSE(header.verified);
}

TEST_P(TlsTest, TicketsOfOneWorkerResumeOnAll) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend)));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient first = TlsClient::Connect(daemon.agent(), {.version = version});
    ASSERT_TRUE(first.Echoes("full"));
    const TlsTicket ticket = first.Ticket();
    EXPECT_FALSE(first.resumed());
    // Held open, so that they are spread over both workers.
    std::vector<TlsClient> held;
    for (int i = 0; i < 6; ++i) {
      held.push_back(
          TlsClient::Connect(daemon.agent(), {.version = version, .resume = ticket.get()}));
      EXPECT_TRUE(held.back().Echoes("resumed"));
      EXPECT_TRUE(held.back().resumed()) << i;
    }
  }
  EXPECT_EQ(daemon.admin().Counter("agent", "resumed"), 12U);
  EXPECT_EQ(daemon.admin().Counter("agent", "completed"), 14U);
}

TEST_P(TlsTest, ATicketOfTheAgentPortIsWorthNothingOnTheControllerPort) {
  TestBackend backend;
  DaemonProcess daemon(TlsConfig(backend));
  daemon.admin().Gate("open");
  TlsClient agent = TlsClient::Connect(daemon.agent());
  ASSERT_TRUE(agent.Echoes("agent"));
  const TlsTicket ticket = agent.Ticket();
  TlsClient controller = TlsClient::Connect(daemon.controller(), {.resume = ticket.get()});
  EXPECT_TRUE(controller.Echoes("controller"));
  EXPECT_FALSE(controller.resumed());
}

TEST_P(TlsTest, WithoutTicketsNothingIsResumed) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend)).Set("tls.tickets", "false"));
  TlsClient first = TlsClient::Connect(daemon.agent());
  ASSERT_TRUE(first.Echoes("full"));
  const TlsTicket ticket = first.Ticket();
  TlsClient second = TlsClient::Connect(daemon.agent(), {.resume = ticket.get()});
  ASSERT_TRUE(second.Echoes("full again"));
  EXPECT_FALSE(second.resumed());
}

TEST_P(TlsTest, ControllersShowACertificateOfTheirAuthority) {
  TestBackend backend;
  const Certificate authority = MakeCertificate("Controllers");
  const Certificate member = MakeCertificate("controller-1", KeyKind::kEcdsa, &authority);
  const Certificate stranger = MakeCertificate("controller-1");
  const CertificateFiles files = WriteCertificate(authority, this->files().path(), "authority");
  DaemonProcess daemon(TlsConfig(backend).SetText("controller.client_ca", files.certificate));

  TlsClient welcome = TlsClient::Connect(daemon.controller(), {.certificate = &member});
  ASSERT_TRUE(welcome.Echoes("hello"));
  const ProxyParse header = backend.AwaitIntroductions(1)[0].header;
  EXPECT_TRUE(header.client_certificate);
  EXPECT_TRUE(header.verified);
  EXPECT_EQ(header.client_common_name, "controller-1");

  // In TLS 1.3 the client's own handshake ends before the server has judged its certificate.
  const auto refused = [&](const Certificate* certificate) {
    TlsClient client(Client::Connect(daemon.controller()), {.certificate = certificate});
    if (!client.Handshake()) return true;
    try {
      client.ReceiveExactly(1);
    } catch (const std::exception&) {
      return true;
    }
    return false;
  };
  EXPECT_TRUE(refused(nullptr));
  EXPECT_TRUE(refused(&stranger));
  daemon.admin().AwaitCounter("controller", "refused/handshake", 2);
  daemon.admin().Gate("open");
  EXPECT_TRUE(TlsClient::Connect(daemon.agent()).Echoes("agents need none"));
}

TEST_P(TlsTest, ASlowHelloIsGivenUpAfterItsTime) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend)).SetText("limits.handshake_timeout", "500ms"));
  const auto began = steady_clock::now();
  Client slow = Client::Connect(daemon.agent());
  slow.Send("\x16\x03\x01\x01");  // A hello's beginning, and then nothing.
  Client silent = Client::Connect(daemon.agent());
  EXPECT_NE(slow.AwaitEnd(), Received::Kind::kNothing);
  EXPECT_NE(silent.AwaitEnd(), Received::Kind::kNothing);
  EXPECT_GE(steady_clock::now() - began, milliseconds(500));
  daemon.admin().AwaitCounter("agent", "refused/handshake", 2);
  EXPECT_EQ(daemon.admin().Counter("agent", "active"), 0U);
}

TEST_P(TlsTest, SilentConnectionsHoldHalfOfTheHandshakeSlotsAtTheMost) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend)).Set("limits.handshakes", "2"));
  std::vector<Client> silent;
  for (int i = 0; i < 20; ++i) silent.push_back(Client::Connect(daemon.agent()));
  daemon.admin().AwaitCounter("agent", "waiting", 19);
  EXPECT_EQ(daemon.admin().Counter("agent", "admitted"), 1U);
  EXPECT_TRUE(TlsClient::Connect(daemon.agent()).Echoes("served"));
}

TEST_P(TlsTest, GarbageIsEndedAndHurtsNobody) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend)));
  for (const std::string& garbage :
       {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), std::string(2000, '\0'),
        std::string("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10),
        std::string("\x80\x2e\x01", 3) + std::string(60, 'z')}) {
    Client client = Client::Connect(daemon.agent());
    client.Send(garbage);
    client.FinishSending();
    EXPECT_NE(client.AwaitEnd(), Received::Kind::kNothing);
  }
  EXPECT_TRUE(TlsClient::Connect(daemon.agent()).Echoes("served"));
  EXPECT_EQ(backend.introductions().size(), 1U);
}

TEST_P(TlsTest, AnHttpRequestOnTheTlsPortIsEndedAndNamedInTheLog) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend)));
  Client client = Client::Connect(daemon.agent());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.ReceiveAll(), "");  // Its sender would not understand an alert.
  daemon.AwaitLog("HTTP request");
  daemon.admin().AwaitCounter("agent", "refused/handshake", 1);
}

TEST_P(TlsTest, AHelloInManyPiecesIsServed) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend)));
  // The hello is taken from a client that talks to nobody.
  const ListeningSocket listening = Listen("127.0.0.1:0");
  TlsClient talker(Client::Connect(listening.address));
  talker.SendHello();
  Client hello_from(OwnedFd(::accept4(listening.fd.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  const std::string hello = hello_from.Receive().bytes;
  ASSERT_GT(hello.size(), 100U);
  Client client = Client::Connect(daemon.agent());
  for (const char byte : hello) client.Send(std::string(1, byte));
  EXPECT_EQ(client.ReceiveExactly(1), "\x16");  // A handshake record: the ServerHello.
}

TEST_P(TlsTest, FewHandshakeSlotsDelayAgentsAndLoseNone) {
  constexpr size_t kAgents = 60;
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend))
                           .Set("limits.handshakes", "2")
                           .SetText("limits.handshake_timeout", "3s"));
  // Two take the slots with half a hello each; the others wait in the kernel, then are served.
  std::vector<Client> holders;
  for (int i = 0; i < 2; ++i) {
    holders.push_back(Client::Connect(daemon.agent()));
    holders.back().Send("\x16\x03\x01\x01");
  }
  daemon.admin().AwaitCounter("agent", "in_flight", 2);
  std::vector<TlsClient> agents;
  for (size_t i = 0; i < kAgents; ++i) {
    agents.emplace_back(Client::Connect(daemon.agent()));
    agents.back().SendHello();
  }
  for (TlsClient& agent : agents) ASSERT_TRUE(agent.Handshake()) << agent.error();
  for (TlsClient& agent : agents) EXPECT_TRUE(agent.Echoes("served"));
  EXPECT_EQ(daemon.admin().Counter("agent", "completed"), kAgents);
  EXPECT_EQ(daemon.admin().Counter("agent", "refused/handshake"), 2U);
}

TEST_P(TlsTest, AFullSetOfSlotsShowsAsPausedAndTheRestStandInTheKernelsQueue) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend)).Set("limits.handshakes", "1"));
  Client holder = Client::Connect(daemon.agent());
  holder.Send("\x16\x03\x01\x01");
  daemon.admin().AwaitCounter("agent", "in_flight", 1);
  std::vector<Client> waiting;
  for (int i = 0; i < 5; ++i) {
    waiting.push_back(Client::Connect(daemon.agent()));
    waiting.back().Send("\x16\x03\x01\x01");
  }
  const Json status = daemon.admin().AwaitStatus("a paused listener", [](const Json& s) {
    return s.at("listeners")[0].at("state") == "paused";
  });
  EXPECT_GE(QueueDepthIn(status, "agent") + CounterIn(status, "agent", "waiting"), 5U);
  TlsClient next(Client::Connect(daemon.agent()));
  next.SendHello();
  waiting.clear();
  holder.Reset();
  ASSERT_TRUE(next.Handshake()) << next.error();
  EXPECT_TRUE(next.Echoes("served"));
  daemon.admin().AwaitStatus("an accepting listener", [](const Json& s) {
    return s.at("listeners")[0].at("state") == "accepting";
  });
}

}  // namespace
}  // namespace floodgate::e2e
