#include "sim/scripted_tls.h"

#include <gtest/gtest.h>

#include <string>

#include "base/bytes.h"
#include "sim/records.h"

namespace floodgate::sim {
namespace {

class ScriptedTlsTest : public testing::Test {
 protected:
  ScriptedTlsTest()
      : context_({}, {},
                 [this](ScriptedTlsContext::Step, Duration cost) { charged_ = charged_ + cost; }) {}

  // What comes out, as plaintext and as records.
  TlsState Receive(TlsSession& session, const std::string& in) {
    ByteSink plain;
    ByteSink cipher;
    const TlsState state = session.Receive(AsBytes(in), plain, cipher);
    plain_ += plain.overflow;
    cipher_ = cipher.overflow;
    return state;
  }
  static std::string Of(RecordType type, const std::string& payload) {
    std::string records;
    AppendRecords(type, payload, records);
    return records;
  }
  RecordType FirstSent() const {
    RecordReader reader(cipher_);
    RecordReader::Record record;
    EXPECT_EQ(reader.Next(record), RecordReader::Result::kRecord);
    return record.type;
  }

  Duration charged_;
  std::string plain_;
  std::string cipher_;
  ScriptedTlsContext context_;
};

TEST_F(ScriptedTlsTest, AHandshakeCostsWhatTheScriptSays) {
  const auto session = context_.NewSession(false);
  EXPECT_EQ(Receive(*session, Of(RecordType::kClientHello, "hello")), TlsState::kHandshaking);
  EXPECT_EQ(FirstSent(), RecordType::kServerFlight);
  EXPECT_EQ(charged_, TlsCosts{}.hello);
  const std::string finish =
      Of(RecordType::kClientFinish, "finish") + Of(RecordType::kData, "request");
  EXPECT_EQ(Receive(*session, finish), TlsState::kEstablished);
  EXPECT_EQ(FirstSent(), RecordType::kTicket);
  EXPECT_EQ(plain_, "request");
  EXPECT_EQ(charged_, TlsCosts{}.hello + TlsCosts{}.finish + TlsCosts{}.record);
}

TEST_F(ScriptedTlsTest, RecordsMayComeByteByByte) {
  const auto session = context_.NewSession(false);
  const std::string stream = Of(RecordType::kClientHello, "hello") +
                             Of(RecordType::kClientFinish, "finish") +
                             Of(RecordType::kData, std::string(20'000, 'x'));
  TlsState state = TlsState::kHandshaking;
  for (const char byte : stream) state = Receive(*session, std::string(1, byte));
  EXPECT_EQ(state, TlsState::kEstablished);
  EXPECT_EQ(plain_, std::string(20'000, 'x'));
}

TEST_F(ScriptedTlsTest, WhatIsNoHelloFailsWithAnAlertAndCostsNothing) {
  for (const std::string& in : {std::string("GET / HTTP/1.1\r\n"), std::string("\0\0\0", 3),
                                Of(RecordType::kData, "x"), Of(RecordType::kClientFinish, "x")}) {
    const auto session = context_.NewSession(false);
    EXPECT_EQ(Receive(*session, in), TlsState::kFailed);
    EXPECT_EQ(FirstSent(), RecordType::kAlert);
    EXPECT_FALSE(session->error().empty());
  }
  EXPECT_EQ(charged_, Duration{});
}

TEST_F(ScriptedTlsTest, AfterCloseNotifyNothingMayCome) {
  const auto session = context_.NewSession(false);
  Receive(*session, Of(RecordType::kClientHello, "h") + Of(RecordType::kClientFinish, "f"));
  EXPECT_EQ(Receive(*session, Of(RecordType::kCloseNotify, "")), TlsState::kPeerClosed);
  EXPECT_EQ(Receive(*session, Of(RecordType::kData, "x")), TlsState::kFailed);
}

TEST_F(ScriptedTlsTest, ASessionOutlivesItsContext) {
  auto context = std::make_unique<ScriptedTlsContext>(TlsCosts{}, TlsSizes{},
                                                      [](ScriptedTlsContext::Step, Duration) {});
  const auto session = context->NewSession(false);
  context.reset();
  EXPECT_EQ(Receive(*session, Of(RecordType::kClientHello, "h")), TlsState::kHandshaking);
}

}  // namespace
}  // namespace floodgate::sim
