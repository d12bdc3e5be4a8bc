// Encoding the PROXY v2 header of a connection over TLS.
#include <benchmark/benchmark.h>

#include "front/proxy_protocol.h"

namespace floodgate {
namespace {

void BM_AppendProxyV2(benchmark::State& state) {
  TlsFacts facts;
  facts.server_name = "agents.example";
  facts.alpn = "http/1.1";
  facts.version = "TLSv1.3";
  ProxyHeader header;
  header.source = {PeerAddress::Family::kIp, 4711, *IpAddress::Parse("192.0.2.1")};
  header.destination = {PeerAddress::Family::kIp, 17070, *IpAddress::Parse("192.0.2.2")};
  header.unique_id = "0123456789abcdef-1";
  header.tls = &facts;
  std::string out;
  for (auto _ : state) {
    out.clear();
    AppendProxyV2(header, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(BM_AppendProxyV2);

}  // namespace
}  // namespace floodgate
