#include "front/proxy_protocol_reader.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/bytes.h"
#include "front/proxy_protocol_format.h"

namespace floodgate {
namespace {

uint16_t Uint16At(absl::string_view text, size_t offset) {
  return static_cast<uint16_t>((static_cast<uint8_t>(text[offset]) << 8) |
                               static_cast<uint8_t>(text[offset + 1]));
}

IpAddress AddressAt(absl::string_view text, size_t offset, bool v4) {
  IpAddress address = v4 ? IpAddress::V4(0) : IpAddress{};
  const size_t size = v4 ? 4 : 16;
  std::memcpy(address.bytes.data() + 16 - size, text.data() + offset, size);
  return address;
}

// Calls `visit(type, value)` for each TLV. False: they do not fill `text` exactly.
template <typename Visit>
bool ForEachTlv(absl::string_view text, Visit visit) {
  while (!text.empty()) {
    if (text.size() < 3) return false;
    const size_t size = Uint16At(text, 1);
    if (text.size() - 3 < size) return false;
    if (!visit(static_cast<uint8_t>(text[0]), text.substr(3, size))) return false;
    text.remove_prefix(3 + size);
  }
  return true;
}

bool ReadSsl(absl::string_view value, ProxyParse& parse) {
  if (value.size() < 5) return false;
  const auto client = static_cast<uint8_t>(value[0]);
  parse.tls = (client & proxy_v2::kClientSsl) != 0;
  parse.client_certificate = (client & proxy_v2::kClientCertConn) != 0;
  parse.verified = value.substr(1, 4) == absl::string_view("\0\0\0\0", 4);
  return ForEachTlv(value.substr(5), [&](uint8_t type, absl::string_view inner) {
    if (type == proxy_v2::kSslVersion) parse.tls_version = std::string(inner);
    if (type == proxy_v2::kSslCommonName) parse.client_common_name = std::string(inner);
    return true;
  });
}

bool ReadTlvs(absl::string_view text, ProxyParse& parse) {
  return ForEachTlv(text, [&](uint8_t type, absl::string_view value) {
    switch (type) {
      case proxy_v2::kAlpn:
        parse.alpn = std::string(value);
        return true;
      case proxy_v2::kAuthority:
        parse.authority = std::string(value);
        return true;
      case proxy_v2::kUniqueId:
        parse.unique_id = std::string(value);
        return true;
      case proxy_v2::kListener:
        parse.listener = std::string(value);
        return true;
      case proxy_v2::kSsl:
        return ReadSsl(value, parse);
      default:
        return true;
    }
  });
}

ProxyParse Invalid(absl::string_view why) {
  ProxyParse parse;
  parse.state = ProxyParse::State::kInvalid;
  parse.error = std::string(why);
  return parse;
}

// Reads the addresses in front of `body` and takes them off it. False: too short for its family.
bool ReadAddresses(uint8_t family, absl::string_view& body, ProxyParse& parse) {
  if (family == proxy_v2::kUnspecified) return true;
  const bool v4 = family == proxy_v2::kTcp4;
  const size_t size = v4 ? 4 : 16;
  if (body.size() < 2 * size + 4) return false;
  parse.source = {PeerAddress::Family::kIp, Uint16At(body, 2 * size), AddressAt(body, 0, v4)};
  parse.destination = {PeerAddress::Family::kIp, Uint16At(body, 2 * size + 2),
                       AddressAt(body, size, v4)};
  body.remove_prefix(2 * size + 4);
  return true;
}

}  // namespace

ProxyParse ParseProxyV2(absl::Span<const std::byte> bytes) {
  const absl::string_view text = AsText(bytes);
  const size_t seen = std::min(text.size(), proxy_v2::kSignature.size());
  if (text.substr(0, seen) != proxy_v2::kSignature.substr(0, seen)) {
    return Invalid("the signature of PROXY v2 is not there");
  }
  ProxyParse parse;
  if (text.size() < proxy_v2::kHeaderSize) return parse;
  const auto command = static_cast<uint8_t>(text[12]);
  if (command != proxy_v2::kVersionAndCommandProxy &&
      command != proxy_v2::kVersionAndCommandLocal) {
    return Invalid("neither PROXY nor LOCAL of version 2");
  }
  parse.local = command == proxy_v2::kVersionAndCommandLocal;
  const auto family = static_cast<uint8_t>(text[13]);
  if (family != proxy_v2::kUnspecified && family != proxy_v2::kTcp4 && family != proxy_v2::kTcp6) {
    return Invalid("neither TCP nor unspecified addresses");
  }
  const size_t length = Uint16At(text, 14);
  if (text.size() - proxy_v2::kHeaderSize < length) return parse;
  absl::string_view body = text.substr(proxy_v2::kHeaderSize, length);
  if (!ReadAddresses(family, body, parse)) return Invalid("too short for its addresses");
  if (!ReadTlvs(body, parse)) return Invalid("a TLV reaches beyond the header");
  parse.state = ProxyParse::State::kComplete;
  parse.size = proxy_v2::kHeaderSize + length;
  return parse;
}

}  // namespace floodgate
