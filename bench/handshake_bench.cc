// A TLS handshake in process: only what the server computes is timed, by its thread's CPU clock. On
// two threads each has a context of its own, as workers have; items_per_second then tells how that
// scales.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "front/openssl_tls.h"
#include "front/self_signed.h"
#include "tests/front/tls_client.h"

namespace floodgate {
namespace {

double ThreadCpuSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// A certificate on disk and the ticket keys, for all threads.
class Files {
 public:
  Files()
      : directory_(std::filesystem::temp_directory_path() /
                   ("floodgate-bench-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(directory_);
    const SelfSigned made = *MakeSelfSigned("localhost");
    options.certificate = directory_ / "certificate.pem";
    options.private_key = directory_ / "key.pem";
    std::ofstream(options.certificate) << made.certificate_pem;
    std::ofstream(options.private_key) << made.private_key_pem;
    keys = *TicketKeys::Create();
  }
  ~Files() { std::filesystem::remove_all(directory_); }

  TlsOptions options;
  std::shared_ptr<TicketKeys> keys;

 private:
  std::filesystem::path directory_;
};

Files& SharedFiles() {
  static Files files;
  return files;
}

// Runs a handshake; gives the server's CPU seconds.
double Handshake(TlsContext& context, MemoryTlsClient& client, std::vector<std::byte>& scratch) {
  double server_s = 0;
  std::unique_ptr<TlsSession> session;
  std::string to_server = client.Advance("");
  while (!to_server.empty()) {
    const double before = ThreadCpuSeconds();
    if (session == nullptr) session = context.NewSession(false);
    ByteSink plain{.data = absl::MakeSpan(scratch).first(scratch.size() / 2)};
    ByteSink cipher{.data = absl::MakeSpan(scratch).subspan(scratch.size() / 2)};
    session->Receive(AsBytes(to_server), plain, cipher);
    server_s += ThreadCpuSeconds() - before;
    to_server = client.Advance(std::string(AsText(cipher.data.first(cipher.size))));
  }
  const double before = ThreadCpuSeconds();
  session.reset();
  return server_s + ThreadCpuSeconds() - before;
}

void BM_Handshake(benchmark::State& state) {
  const bool resumed = state.range(0) == 1;
  Files& files = SharedFiles();
  const std::unique_ptr<TlsContext> context =
      *OpenSslContext::Create(files.options, "", files.keys);
  std::vector<std::byte> scratch(64 * 1024);
  MemoryTlsClient first({});
  Handshake(*context, first, scratch);
  for (auto _ : state) {
    MemoryTlsClient client({.session = resumed ? first.session() : nullptr});
    state.SetIterationTime(Handshake(*context, client, scratch));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Handshake)
    ->ArgName("resumed")
    ->Arg(0)
    ->Arg(1)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond)
    ->Threads(1)
    ->Threads(2);

}  // namespace
}  // namespace floodgate
