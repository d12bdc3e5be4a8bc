// Bytes between client and backend, both ways, with TLS and without.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/notification.h"
#include "tests/e2e/engine_test.h"

namespace floodgate::e2e {
namespace {

using std::chrono::milliseconds;

constexpr size_t kBulkBytes = 24 << 20;

// Deterministic and without a period that a lost or doubled buffer could hide in.
std::string Noise(size_t size, uint64_t seed) {
  std::string text(size, '\0');
  uint64_t state = seed * 0x9e3779b97f4a7c15U + 1;
  for (char& c : text) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state >> 32);
  }
  return text;
}

std::string ReadToEnd(Client& connection) {
  std::string all;
  while (true) {
    const Received received = connection.Receive(1 << 18);
    if (received.kind == Received::Kind::kEnd) return all;
    Require(received.kind == Received::Kind::kBytes, "the stream broke");
    all += received.bytes;
  }
}

class RelayTest : public EngineTest {};
FLOODGATE_ON_EVERY_ENGINE(RelayTest);

TEST_P(RelayTest, CarriesHalfCloseFromTheClientToTheBackend) {
  // Answers only when the client has finished.
  TestBackend backend([](Client& connection, const Introduction&) {
    connection.Send("you said: " + ReadToEnd(connection));
  });
  DaemonProcess daemon(OnePhase(PlainConfig(backend)));
  Client client = Client::Connect(daemon.agent());
  client.Send("question");
  // One that finishes before it is admitted cannot be told from one that has left.
  backend.AwaitIntroductions(1);
  client.FinishSending();
  EXPECT_EQ(client.ReceiveAll(), "you said: question");
  daemon.admin().AwaitCounter("agent", "finished", 1);
}

TEST_P(RelayTest, CarriesHalfCloseFromTheBackendToTheClient) {
  std::string heard;
  Notification done;
  TestBackend backend([&](Client& connection, const Introduction&) {
    connection.Send("all that I have to say");
    connection.FinishSending();
    heard = ReadToEnd(connection);
    done.Notify();
  });
  DaemonProcess daemon(OnePhase(PlainConfig(backend)));
  Client client = Client::Connect(daemon.agent());
  EXPECT_EQ(client.ReceiveAll(), "all that I have to say");
  client.Send("and still you listen");
  client.FinishSending();
  ASSERT_TRUE(done.WaitFor(kPatience));
  EXPECT_EQ(heard, "and still you listen");
}

TEST_P(RelayTest, CarriesHalfCloseBothWaysThroughTls) {
  TestBackend backend([](Client& connection, const Introduction&) {
    connection.Send("first ");
    connection.Send("you said: " + ReadToEnd(connection));
  });
  DaemonProcess daemon(OnePhase(TlsConfig(backend)));
  TlsClient client = TlsClient::Connect(daemon.agent());
  client.Send("question");
  client.FinishSending();
  EXPECT_EQ(client.ReceiveAll(), "first you said: question");
}

TEST_P(RelayTest, MovesBulkBothWaysUnchanged) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)));
  Client client = Client::Connect(daemon.agent());
  const std::string sent = Noise(kBulkBytes, 1);
  std::thread sender([&] {
    client.Send(sent);
    client.FinishSending();
  });
  const std::string received = ReadToEnd(client);
  sender.join();
  EXPECT_TRUE(received == sent) << received.size() << " bytes of " << sent.size();
  const Json relayed = daemon.admin().Status().at("backend");
  EXPECT_GE(relayed.at("bytes_to_backend"), kBulkBytes);
  EXPECT_GE(relayed.at("bytes_to_client"), kBulkBytes);
}

TEST_P(RelayTest, MovesBulkThroughTlsUnchanged) {
  const std::string answer = Noise(kBulkBytes / 2, 2);
  const std::string question = Noise(kBulkBytes / 2, 3);
  std::string heard;
  TestBackend backend([&](Client& connection, const Introduction&) {
    heard = connection.ReceiveExactly(question.size());
    connection.Send(answer);
  });
  DaemonProcess daemon(OnePhase(TlsConfig(backend)));
  TlsClient client = TlsClient::Connect(daemon.agent());
  client.Send(question);
  const std::string received = client.ReceiveAll();
  EXPECT_TRUE(received == answer) << received.size() << " bytes of " << answer.size();
  EXPECT_TRUE(heard == question) << heard.size() << " bytes of " << question.size();
}

// What the backend got rid of while its client reads nothing, until a send did not come through.
struct Overfull {
  Notification stuck;
  std::atomic<size_t> written_bytes{0};

  void Fill(Client& connection) {
    const std::string chunk(1 << 16, 'x');
    while (connection.TrySend(chunk, milliseconds(300))) written_bytes += chunk.size();
    stuck.Notify();
  }
};

TEST_P(RelayTest, ASlowReaderStopsItsWriterAndCostsNoMemory) {
  Overfull overfull;
  TestBackend backend([&](Client& connection, const Introduction&) { overfull.Fill(connection); });
  DaemonProcess daemon(OnePhase(PlainConfig(backend)));
  const int64_t before_bytes = daemon.ResidentBytes();
  Client client = Client::Connect(daemon.agent());
  ASSERT_TRUE(overfull.stuck.WaitFor(kPatience));
  EXPECT_LT(daemon.ResidentBytes() - before_bytes, 16 << 20);
  EXPECT_LT(overfull.written_bytes, size_t{64} << 20);
}

TEST_P(RelayTest, ASlowReaderBehindTlsStopsItsWriterAndCostsNoMemory) {
  Overfull overfull;
  TestBackend backend([&](Client& connection, const Introduction&) { overfull.Fill(connection); });
  DaemonProcess daemon(OnePhase(TlsConfig(backend)));
  const int64_t before_bytes = daemon.ResidentBytes();
  TlsClient client = TlsClient::Connect(daemon.agent());
  ASSERT_TRUE(overfull.stuck.WaitFor(kPatience));
  EXPECT_LT(daemon.ResidentBytes() - before_bytes, 16 << 20);
  EXPECT_LT(overfull.written_bytes, size_t{64} << 20);
}

TEST_P(RelayTest, ASlowReaderDoesNotHoldUpOthers) {
  TestBackend backend([](Client& connection, const Introduction& introduction) {
    if (introduction.header.source.ToString().starts_with("127.0.0.2:")) {
      connection.TrySend(std::string(64 << 20, 'x'), milliseconds(3'600'000));
    } else {
      TestBackend::Echo(connection, introduction);
    }
  });
  DaemonProcess daemon(OnePhase(PlainConfig(backend)).Set("runtime.workers", "1"));
  Client slow = Client::Connect(daemon.agent(), "127.0.0.2");
  ASSERT_EQ(slow.ReceiveExactly(1), "x");
  Client other = Client::Connect(daemon.agent());
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(other.Echoes("still here"));
}

TEST_P(RelayTest, AResetOfTheBackendReachesTheClientAsAReset) {
  TestBackend backend([](Client& connection, const Introduction&) {
    connection.ReceiveExactly(5);
    connection.Reset();
  });
  DaemonProcess daemon(OnePhase(PlainConfig(backend)));
  Client client = Client::Connect(daemon.agent());
  client.Send("reset");
  EXPECT_EQ(client.AwaitEnd(), Received::Kind::kReset);
  daemon.admin().AwaitCounter("agent", "finished", 1);
}

TEST_P(RelayTest, AResetOfTheClientReachesTheBackend) {
  Notification ended;
  TestBackend backend([&](Client& connection, const Introduction&) {
    connection.ReceiveExactly(5);
    connection.Send("go on");
    if (connection.AwaitEnd() == Received::Kind::kReset) ended.Notify();
  });
  DaemonProcess daemon(OnePhase(PlainConfig(backend)));
  Client client = Client::Connect(daemon.agent());
  client.Send("hello");
  ASSERT_EQ(client.ReceiveExactly(5), "go on");
  client.Reset();
  EXPECT_TRUE(ended.WaitFor(kPatience));
  daemon.admin().AwaitCounter("agent", "finished", 1);
}

TEST_P(RelayTest, AnEarlyAnswerToALargeUploadArrivesWhole) {
  // The backend refuses the upload and closes with bytes unread, as servers do.
  TestBackend backend([](Client& connection, const Introduction&) {
    connection.ReceiveExactly(100);
    connection.Send("413 too large");
    connection.FinishSending();
  });
  DaemonProcess daemon(OnePhase(PlainConfig(backend)));
  Client client = Client::Connect(daemon.agent());
  client.TrySend(std::string(1 << 20, 'x'), milliseconds(200));
  EXPECT_EQ(client.ReceiveExactly(13), "413 too large");
}

TEST_P(RelayTest, LooksAtNoByteWithoutTls) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend)));
  Client client = Client::Connect(daemon.agent());
  std::string all(256, '\0');
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i);
  EXPECT_TRUE(client.Echoes(all));
  EXPECT_TRUE(client.Echoes("\x16\x03\x01"));
}

TEST_P(RelayTest, ServesABackendThatSpeaksFirst) {
  TestBackend backend([](Client& connection, const Introduction& introduction) {
    connection.Send("220 ready");
    TestBackend::Echo(connection, introduction);
  });
  DaemonProcess daemon(OnePhase(PlainConfig(backend)));
  Client client = Client::Connect(daemon.agent());
  EXPECT_EQ(client.ReceiveExactly(9), "220 ready");
  EXPECT_TRUE(client.Echoes("hello"));
}

TEST_P(RelayTest, ManySmallMessagesKeepTheirOrder) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend)));
  TlsClient client = TlsClient::Connect(daemon.agent());
  std::string sent;
  for (int i = 0; i < 500; ++i) {
    const std::string message = absl::StrCat("message ", i, ";");
    client.Send(message);
    sent += message;
  }
  EXPECT_EQ(client.ReceiveExactly(sent.size()), sent);
}

}  // namespace
}  // namespace floodgate::e2e
