#include "front/proxy_protocol.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "front/proxy_protocol_format.h"

namespace floodgate {
namespace {

void AppendUint16(std::string& out, size_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}

void AppendTlv(std::string& out, uint8_t type, absl::string_view value) {
  if (value.size() > 0xffff) return;
  out.push_back(static_cast<char>(type));
  AppendUint16(out, value.size());
  absl::StrAppend(&out, value);
}

void AppendAddress(std::string& out, const IpAddress& address, bool v4) {
  const size_t skip = v4 ? 12 : 0;
  out.append(reinterpret_cast<const char*>(address.bytes.data()) + skip, 16 - skip);
}

// Gives the byte that names family and transport.
uint8_t AppendAddresses(const ProxyHeader& header, std::string& out) {
  const bool ip = header.source.family == PeerAddress::Family::kIp &&
                  header.destination.family == PeerAddress::Family::kIp;
  if (!ip) return proxy_v2::kUnspecified;
  const bool v4 = header.source.ip.is_v4() && header.destination.ip.is_v4();
  AppendAddress(out, header.source.ip, v4);
  AppendAddress(out, header.destination.ip, v4);
  AppendUint16(out, header.source.port);
  AppendUint16(out, header.destination.port);
  return v4 ? proxy_v2::kTcp4 : proxy_v2::kTcp6;
}

std::string SslValue(const TlsFacts& tls) {
  uint8_t client = proxy_v2::kClientSsl;
  if (tls.client_certificate) client |= proxy_v2::kClientCertConn | proxy_v2::kClientCertSess;
  std::string value(1, static_cast<char>(client));
  // A 32-bit "verify": zero if the client presented a certificate and it was verified.
  value.append(3, '\0');
  value.push_back(tls.client_certificate ? '\0' : '\1');
  AppendTlv(value, proxy_v2::kSslVersion, tls.version);
  if (!tls.client_common_name.empty()) {
    AppendTlv(value, proxy_v2::kSslCommonName, tls.client_common_name);
  }
  return value;
}

}  // namespace

void AppendProxyV2(const ProxyHeader& header, std::string& out) {
  std::string body;
  body.reserve(256);
  const uint8_t family = AppendAddresses(header, body);
  if (header.tls != nullptr) {
    if (!header.tls->alpn.empty()) AppendTlv(body, proxy_v2::kAlpn, header.tls->alpn);
    if (!header.tls->server_name.empty()) {
      AppendTlv(body, proxy_v2::kAuthority, header.tls->server_name);
    }
  }
  if (!header.unique_id.empty()) AppendTlv(body, proxy_v2::kUniqueId, header.unique_id);
  if (header.tls != nullptr) AppendTlv(body, proxy_v2::kSsl, SslValue(*header.tls));
  AppendTlv(body, proxy_v2::kListener, Name(header.listener));
  absl::StrAppend(&out, proxy_v2::kSignature);
  out.push_back(static_cast<char>(proxy_v2::kVersionAndCommandProxy));
  out.push_back(static_cast<char>(family));
  AppendUint16(out, body.size());
  out.append(body);
}

}  // namespace floodgate
