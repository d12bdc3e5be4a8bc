#include "front/proxy_protocol.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "front/proxy_protocol_reader.h"

namespace floodgate {
namespace {

constexpr absl::string_view kSignature("\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a", 12);

PeerAddress Peer(const char* ip, uint16_t port) {
  return {PeerAddress::Family::kIp, port, *IpAddress::Parse(ip)};
}

std::string Written(const ProxyHeader& header) {
  std::string out;
  AppendProxyV2(header, out);
  return out;
}

// Byte by byte as sections 2.2 and 2.2.1 lay it out.
TEST(ProxyProtocolTest, WritesIpv4) {
  const ProxyHeader header{.source = Peer("192.0.2.1", 0x1234),
                           .destination = Peer("192.0.2.2", 17070),
                           .listener = Port::kAgent};
  const std::string expected =
      std::string(kSignature) + std::string(
                                    "\x21\x11\x00\x14"  // PROXY, TCP over IPv4, 20 bytes
                                    "\xc0\x00\x02\x01\xc0\x00\x02\x02"  // addresses
                                    "\x12\x34\x42\xae"                  // ports
                                    "\xe0\x00\x05"
                                    "agent",
                                    24);
  EXPECT_EQ(Written(header), expected);
}

TEST(ProxyProtocolTest, WritesIpv6WhenEitherIs) {
  const ProxyHeader header{.source = Peer("2001:db8::1", 1),
                           .destination = Peer("2001:db8::2", 2),
                           .listener = Port::kController};
  const std::string written = Written(header);
  EXPECT_EQ(written[13], '\x21');
  EXPECT_EQ(written.size(), 16u + 36 + 3 + 10);
}

TEST(ProxyProtocolTest, UnixClientsHaveNoAddress) {
  const std::string written = Written({.source = {}, .destination = {}});
  EXPECT_EQ(written[12], '\x21');
  EXPECT_EQ(written[13], '\x00');
}

TEST(ProxyProtocolTest, ReadsBackWhatItWrites) {
  TlsFacts facts;
  facts.server_name = "agents.example";
  facts.alpn = "http/1.1";
  facts.version = "TLSv1.3";
  facts.client_certificate = true;
  facts.client_common_name = "controller-1";
  const ProxyHeader header{.source = Peer("::ffff:192.0.2.1", 4711),
                           .destination = Peer("192.0.2.2", 17071),
                           .listener = Port::kController,
                           .unique_id = "0123-4",
                           .tls = &facts};
  const std::string written = Written(header) + "the client's first bytes";
  const ProxyParse parse = ParseProxyV2(AsBytes(written));
  ASSERT_EQ(parse.state, ProxyParse::State::kComplete) << parse.error;
  EXPECT_EQ(written.substr(parse.size), "the client's first bytes");
  EXPECT_EQ(parse.source, header.source);
  EXPECT_EQ(parse.destination, header.destination);
  EXPECT_EQ(parse.listener, "controller");
  EXPECT_EQ(parse.unique_id, "0123-4");
  EXPECT_EQ(parse.authority, "agents.example");
  EXPECT_EQ(parse.alpn, "http/1.1");
  EXPECT_TRUE(parse.tls);
  EXPECT_TRUE(parse.client_certificate);
  EXPECT_TRUE(parse.verified);
  EXPECT_EQ(parse.tls_version, "TLSv1.3");
  EXPECT_EQ(parse.client_common_name, "controller-1");
}

TEST(ProxyProtocolTest, WithoutAClientCertificateNothingIsVerified) {
  TlsFacts facts;
  facts.version = "TLSv1.2";
  const std::string written =
      Written({.source = Peer("192.0.2.1", 1), .destination = Peer("192.0.2.2", 2), .tls = &facts});
  const ProxyParse parse = ParseProxyV2(AsBytes(written));
  EXPECT_TRUE(parse.tls);
  EXPECT_FALSE(parse.client_certificate);
  EXPECT_FALSE(parse.verified);
}

TEST(ProxyProtocolTest, EveryPrefixIsIncompleteAndNothingElse) {
  const std::string written =
      Written({.source = Peer("192.0.2.1", 1), .destination = Peer("192.0.2.2", 2)});
  for (size_t size = 0; size < written.size(); ++size) {
    EXPECT_EQ(ParseProxyV2(AsBytes(written.substr(0, size))).state, ProxyParse::State::kIncomplete)
        << size;
  }
}

TEST(ProxyProtocolTest, RefusesWhatIsNone) {
  const std::string good =
      Written({.source = Peer("192.0.2.1", 1), .destination = Peer("192.0.2.2", 2)});
  const auto with = [&good](size_t at, char byte) {
    std::string bad = good;
    bad[at] = byte;
    return ParseProxyV2(AsBytes(bad)).state;
  };
  EXPECT_EQ(with(0, 'G'), ProxyParse::State::kInvalid);
  EXPECT_EQ(with(12, '\x11'), ProxyParse::State::kInvalid);  // version 1
  EXPECT_EQ(with(13, '\x12'), ProxyParse::State::kInvalid);  // UDP
  EXPECT_EQ(with(15, '\x08'), ProxyParse::State::kInvalid);  // shorter than its addresses
  EXPECT_EQ(with(30, '\x09'), ProxyParse::State::kInvalid);  // a TLV that reaches beyond
}

}  // namespace
}  // namespace floodgate
