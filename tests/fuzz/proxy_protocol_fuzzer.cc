// Whatever bytes a PROXY v2 header is read from: the reader keeps its bounds, says how long the
// header is, and says the same of it alone as of it with more behind.
#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "base/check.h"
#include "front/proxy_protocol_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using floodgate::ProxyParse;
  const auto bytes = absl::MakeConstSpan(reinterpret_cast<const std::byte*>(data), size);
  const ProxyParse all = floodgate::ParseProxyV2(bytes);
  FG_CHECK((all.state == ProxyParse::State::kInvalid) == !all.error.empty());
  if (all.state != ProxyParse::State::kComplete) return 0;
  FG_CHECK(all.size >= 16 && all.size <= size);
  const ProxyParse alone = floodgate::ParseProxyV2(bytes.first(all.size));
  FG_CHECK(alone.state == ProxyParse::State::kComplete && alone.size == all.size);
  FG_CHECK(alone.alpn == all.alpn && alone.authority == all.authority);
  FG_CHECK(floodgate::ParseProxyV2(bytes.first(all.size - 1)).state ==
           ProxyParse::State::kIncomplete);
  return 0;
}
