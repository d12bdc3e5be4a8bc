// Reads PROXY protocol version 2 headers: for the demo's backend and for tests of what we write.
#ifndef FLOODGATE_FRONT_PROXY_PROTOCOL_READER_H_
#define FLOODGATE_FRONT_PROXY_PROTOCOL_READER_H_

#include <cstddef>
#include <string>

#include "absl/types/span.h"
#include "base/ip.h"

namespace floodgate {

struct ProxyParse {
  enum class State {
    kComplete,
    kIncomplete,  // more bytes are needed
    kInvalid,     // this is not, or no longer, a PROXY v2 header; `error` says why
  };
  State state = State::kIncomplete;
  std::string error;
  size_t size = 0;  // bytes of the header, kComplete

  bool local = false;  // command LOCAL: the sender speaks for itself
  PeerAddress source;  // family kUnix where none was sent
  PeerAddress destination;
  // TLVs; empty where they were not sent.
  std::string alpn;
  std::string authority;
  std::string unique_id;
  std::string listener;
  bool tls = false;
  bool client_certificate = false;
  bool verified = false;
  std::string tls_version;
  std::string client_common_name;
};

// `bytes` is the beginning of a stream. Strict: lengths must fit exactly; unknown TLVs are skipped.
ProxyParse ParseProxyV2(absl::Span<const std::byte> bytes);

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_PROXY_PROTOCOL_READER_H_
