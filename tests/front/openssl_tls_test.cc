#include "front/openssl_tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "front/self_signed.h"
#include "tests/front/tls_client.h"

namespace floodgate {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

// The server's side of one connection, with what it has delivered.
class Server {
 public:
  Server(TlsContext& context, bool controller = false)
      : session_(context.NewSession(controller)), plain_(8192), cipher_(8192) {}

  // Gives what must go to the client. Small sinks, so that the overflow is used too.
  std::string Receive(const std::string& bytes) {
    ByteSink plain{.data = absl::MakeSpan(plain_)};
    ByteSink cipher{.data = absl::MakeSpan(cipher_)};
    state_ = session_->Receive(AsBytes(bytes), plain, cipher);
    received_ += Contents(plain);
    return Contents(cipher);
  }
  std::string Send(const std::string& text) {
    ByteSink cipher{.data = absl::MakeSpan(cipher_)};
    EXPECT_TRUE(session_->Send(AsBytes(text), cipher));
    return Contents(cipher);
  }
  std::string Close() {
    ByteSink cipher{.data = absl::MakeSpan(cipher_)};
    session_->Close(cipher);
    return Contents(cipher);
  }

  TlsState state() const { return state_; }
  const TlsFacts& facts() const { return session_->facts(); }
  std::string error() const { return session_->error(); }
  std::string TakeReceived() { return std::exchange(received_, {}); }

 private:
  static std::string Contents(const ByteSink& sink) {
    return std::string(AsText(sink.data.first(sink.size))) + sink.overflow;
  }

  std::unique_ptr<TlsSession> session_;
  std::vector<std::byte> plain_;
  std::vector<std::byte> cipher_;
  TlsState state_ = TlsState::kHandshaking;
  std::string received_;
};

void Connect(MemoryTlsClient& client, Server& server) {
  std::string to_server = client.Advance("");
  for (int round = 0; round < 10 && !to_server.empty(); ++round) {
    to_server = client.Advance(server.Receive(to_server));
  }
}

class OpenSslTlsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::path(::testing::TempDir()) /
                 ("floodgate_tls_" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory_);
    WriteSelfSigned("server");
    options_.certificate = Path("server.pem");
    options_.private_key = Path("server.key");
    keys_ = *TicketKeys::Create();
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string Path(const std::string& name) const { return (directory_ / name).string(); }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
  }
  void WriteSelfSigned(const std::string& name) const {
    const absl::StatusOr<SelfSigned> made = MakeSelfSigned(name);
    ASSERT_TRUE(made.ok()) << made.status();
    Write(name + ".pem", made->certificate_pem);
    Write(name + ".key", made->private_key_pem);
  }
  std::unique_ptr<TlsContext> Context(const std::string& client_ca = "") const {
    absl::StatusOr<std::unique_ptr<TlsContext>> context =
        OpenSslContext::Create(options_, client_ca, keys_);
    EXPECT_TRUE(context.ok()) << context.status();
    return *std::move(context);
  }

  std::filesystem::path directory_;
  TlsOptions options_;
  std::shared_ptr<TicketKeys> keys_;
};

TEST_F(OpenSslTlsTest, SpeaksBothVersionsAndTellsWhatItFoundOut) {
  const std::unique_ptr<TlsContext> context = Context();
  for (const auto& [version, name] :
       {std::pair(TLS1_3_VERSION, "TLSv1.3"), std::pair(TLS1_2_VERSION, "TLSv1.2")}) {
    MemoryTlsClient client(
        {.server_name = "agents.example", .alpn = "http/1.1", .max_version = version});
    Server server(*context);
    Connect(client, server);
    ASSERT_TRUE(client.established());
    EXPECT_EQ(server.state(), TlsState::kEstablished);
    EXPECT_EQ(server.facts().version, name);
    EXPECT_EQ(server.facts().server_name, "agents.example");
    EXPECT_EQ(server.facts().alpn, "http/1.1");
    EXPECT_FALSE(server.facts().resumed);
    EXPECT_FALSE(server.facts().client_certificate);
    server.Receive(client.Send("hello"));
    EXPECT_EQ(server.TakeReceived(), "hello");
    client.Advance(server.Send("world"));
    EXPECT_EQ(client.TakePlain(), "world");
  }
}

TEST_F(OpenSslTlsTest, AgreesOnNoProtocolThatItDoesNotKnow) {
  const std::unique_ptr<TlsContext> context = Context();
  MemoryTlsClient client({.alpn = "h2"});
  Server server(*context);
  Connect(client, server);
  EXPECT_TRUE(client.established());
  EXPECT_EQ(server.facts().alpn, "");
}

TEST_F(OpenSslTlsTest, TakesBytesInAnyPieces) {
  const std::unique_ptr<TlsContext> context = Context();
  MemoryTlsClient client({});
  Server server(*context);
  const auto one_by_one = [&server](const std::string& bytes) {
    std::string answer;
    for (const char byte : bytes) answer += server.Receive(std::string(1, byte));
    return answer;
  };
  std::string to_server = client.Advance("");
  while (!to_server.empty()) to_server = client.Advance(one_by_one(to_server));
  ASSERT_TRUE(client.established());
  EXPECT_EQ(server.state(), TlsState::kEstablished);
  one_by_one(client.Send("hello"));
  EXPECT_EQ(server.TakeReceived(), "hello");
}

TEST_F(OpenSslTlsTest, CarriesMuchBothWays) {
  const std::unique_ptr<TlsContext> context = Context();
  MemoryTlsClient client({});
  Server server(*context);
  Connect(client, server);
  std::string much(1'000'000, '\0');
  for (size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * 31 >> 3);
  server.Receive(client.Send(much));
  EXPECT_EQ(server.TakeReceived(), much);
  client.Advance(server.Send(much));
  EXPECT_EQ(client.TakePlain(), much);
}

TEST_F(OpenSslTlsTest, CloseNotifyGoesBothWays) {
  const std::unique_ptr<TlsContext> context = Context();
  MemoryTlsClient client({});
  Server server(*context);
  Connect(client, server);
  std::string to_server = client.Send("last words");
  to_server += client.Close();
  server.Receive(to_server);
  EXPECT_EQ(server.TakeReceived(), "last words");
  EXPECT_EQ(server.state(), TlsState::kPeerClosed);
  std::string to_client = server.Send("answer");
  to_client += server.Close();
  client.Advance(to_client);
  EXPECT_EQ(client.TakePlain(), "answer");
  EXPECT_TRUE(client.closed());
}

TEST_F(OpenSslTlsTest, ResumesAcrossContextsReloadsAndTwoRotations) {
  MemoryTlsClient first({});
  {
    const std::unique_ptr<TlsContext> context = Context();
    Server server(*context);
    Connect(first, server);
    first.Advance(server.Send("x"));
  }
  ASSERT_NE(first.session(), nullptr);
  for (int rotation = 0; rotation <= 3; ++rotation) {
    const std::unique_ptr<TlsContext> context = Context();
    MemoryTlsClient again({.session = first.session()});
    Server server(*context);
    Connect(again, server);
    EXPECT_TRUE(again.established());
    EXPECT_EQ(server.facts().resumed, rotation <= 2) << rotation;
    ASSERT_TRUE(keys_->Rotate().ok());
  }
}

TEST_F(OpenSslTlsTest, WithoutTicketsNothingResumes) {
  options_.tickets = false;
  const std::unique_ptr<TlsContext> context = Context();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    MemoryTlsClient client({.max_version = version});
    Server server(*context);
    Connect(client, server);
    client.Advance(server.Send("x"));
    EXPECT_TRUE(client.session() == nullptr || SSL_SESSION_has_ticket(client.session()) == 0);
  }
}

TEST_F(OpenSslTlsTest, ControllersMustShowACertificateOfTheirCa) {
  WriteSelfSigned("peer");
  WriteSelfSigned("stranger");
  const std::unique_ptr<TlsContext> context = Context(Path("peer.pem"));
  const auto try_with = [&](const std::string& name, bool controller) {
    MemoryTlsClient::Setup setup;
    if (!name.empty()) setup.certificate = Path(name + ".pem");
    if (!name.empty()) setup.private_key = Path(name + ".key");
    MemoryTlsClient client(setup);
    Server server(*context, controller);
    Connect(client, server);
    return std::pair(server.state() == TlsState::kEstablished, server.facts().client_common_name);
  };
  EXPECT_EQ(try_with("peer", true), std::pair(true, std::string("peer")));
  EXPECT_FALSE(try_with("stranger", true).first);
  EXPECT_FALSE(try_with("", true).first);
  EXPECT_EQ(try_with("", false), std::pair(true, std::string()));
}

TEST_F(OpenSslTlsTest, NamesWhatIsNotTls) {
  const std::unique_ptr<TlsContext> context = Context();
  Server http(*context);
  http.Receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(http.state(), TlsState::kFailed);
  EXPECT_THAT(http.error(), HasSubstr("HTTP request"));
  Server garbage(*context);
  garbage.Receive("\x13\x37 this is not TLS at all");
  EXPECT_EQ(garbage.state(), TlsState::kFailed);
  EXPECT_FALSE(garbage.error().empty());
}

TEST_F(OpenSslTlsTest, TellsTheClientWhyByAnAlert) {
  options_.min_version = TlsVersion::kTls13;
  const std::unique_ptr<TlsContext> context = Context();
  MemoryTlsClient client({.max_version = TLS1_2_VERSION});
  Server server(*context);
  client.Advance(server.Receive(client.Advance("")));
  EXPECT_EQ(server.state(), TlsState::kFailed);
  EXPECT_TRUE(client.failed());
}

TEST_F(OpenSslTlsTest, RefusesToRenegotiate) {
  const std::unique_ptr<TlsContext> context = Context();
  MemoryTlsClient client({.max_version = TLS1_2_VERSION});
  Server server(*context);
  Connect(client, server);
  SSL_renegotiate(client.ssl());
  client.Advance(server.Receive(client.Advance("")));
  server.Receive(client.Send("still here"));
  EXPECT_NE(server.TakeReceived(), "still here");  // OpenSSL's client waits for its renegotiation.
  EXPECT_TRUE(client.failed() || server.state() == TlsState::kEstablished);
}

TEST_F(OpenSslTlsTest, AcceptsKeyUpdates) {
  const std::unique_ptr<TlsContext> context = Context();
  MemoryTlsClient client({});
  Server server(*context);
  Connect(client, server);
  SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED);
  client.Advance(server.Receive(client.Send("after")));
  EXPECT_EQ(server.TakeReceived(), "after");
  client.Advance(server.Send("still"));
  EXPECT_EQ(client.TakePlain(), "still");
}

TEST_F(OpenSslTlsTest, SessionsOutliveTheirContext) {
  std::unique_ptr<TlsContext> context = Context();
  MemoryTlsClient client({});
  Server server(*context);
  Connect(client, server);
  context.reset();
  server.Receive(client.Send("hello"));
  EXPECT_EQ(server.TakeReceived(), "hello");
}

TEST_F(OpenSslTlsTest, TellsEveryFaultOfTheFiles) {
  WriteSelfSigned("other");
  Write("empty.pem", "");
  options_.private_key = Path("other.key");
  EXPECT_THAT(
      CheckTlsFiles(options_, ""),
      ElementsAre(Field(&TlsFault::problem, HasSubstr("other.key: does not belong to the cert"))));
  options_.certificate = Path("missing.pem");
  options_.private_key = Path("empty.pem");
  EXPECT_THAT(CheckTlsFiles(options_, Path("empty.pem")),
              ElementsAre(Field(&TlsFault::key, "tls.certificate"),
                          Field(&TlsFault::key, "tls.private_key"),
                          Field(&TlsFault::key, "controller.client_ca")));
}

// It once said "system lib", which tells nobody what to mend.
TEST_F(OpenSslTlsTest, SaysWhatTheSystemSaid) {
  options_.certificate = Path("missing.pem");
  options_.private_key = Path("missing.key");
  EXPECT_THAT(CheckTlsFiles(options_, Path("missing-ca.pem")),
              ElementsAre(Field(&TlsFault::problem, HasSubstr("missing.pem: No such file or d")),
                          Field(&TlsFault::problem, HasSubstr("missing.key: No such file or d")),
                          Field(&TlsFault::problem, HasSubstr("missing-ca.pem: No such file"))));
  Write("empty.pem", "");
  options_.certificate = Path("empty.pem");
  EXPECT_THAT(CheckTlsFiles(options_, "")[0].problem, HasSubstr("empty.pem: no start line"));
}

}  // namespace
}  // namespace floodgate
