// The PROXY protocol, version 2: tells the backend who its client is
// (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt).
#ifndef FLOODGATE_FRONT_PROXY_PROTOCOL_H_
#define FLOODGATE_FRONT_PROXY_PROTOCOL_H_

#include <string>

#include "base/ip.h"
#include "core/states.h"
#include "front/tls.h"

namespace floodgate {

struct ProxyHeader {
  PeerAddress source;
  PeerAddress destination;
  Port listener = Port::kAgent;
  std::string unique_id = {};     // 1..128 bytes; empty = not sent
  const TlsFacts* tls = nullptr;  // null: no TLS here
};

// Appends the header in its binary form. IPv4 when both addresses are (v4-mapped counts), else
// IPv6; a client on a unix socket has no address that would mean anything to the backend and is
// sent as AF_UNSPEC, behind which receivers skip the address (section 2.2). TLVs: ALPN and
// AUTHORITY where TLS found them, UNIQUE_ID, SSL with version and, for a verified client
// certificate, its common name; and 0xE0, of the range for applications' own use, with "controller"
// or "agent". Values too long for a TLV (65,535 bytes; none of ours can be) are not sent.
void AppendProxyV2(const ProxyHeader& header, std::string& out);

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_PROXY_PROTOCOL_H_
