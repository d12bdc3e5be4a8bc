// Relay throughput: one worker between a client and a backend that sends as fast as it can, without
// TLS, by splicing and by copying, on both engines.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "front/worker.h"
#include "io/engine.h"
#include "io/socket.h"

namespace floodgate {
namespace {

constexpr size_t kBlockBytes = 1 << 20;

// A backend that takes one connection and writes until told to stop.
class Source {
 public:
  Source() {
    bound_ = *Bind(*Endpoint::Parse("127.0.0.1:0"));
    ::listen(bound_.fd.get(), 1);
    // Blocking, as its thread has nothing else to do.
    ::fcntl(bound_.fd.get(), F_SETFL, 0);
    thread_ = std::thread([this] {
      const OwnedFd fd(::accept(bound_.fd.get(), nullptr, nullptr));
      const std::vector<char> block(kBlockBytes, 'x');
      while (::send(fd.get(), block.data(), block.size(), MSG_NOSIGNAL) > 0) {
      }
    });
  }
  ~Source() { thread_.join(); }

  SocketAddress address() const { return Resolve(bound_.bound)->front(); }

 private:
  BoundSocket bound_;
  std::thread thread_;
};

void BM_Relay(benchmark::State& state) {
  const EngineKind engine = state.range(0) == 0 ? EngineKind::kUring : EngineKind::kEpoll;
  Source source;
  auto options = std::make_shared<WorkerOptions>();
  options->backend = source.address();
  options->proxy_protocol = false;
  options->splice = state.range(1) == 1;
  int pair[2];
  ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  OwnedFd client(pair[0]);
  NullLog log;
  WorkerMetrics metrics;
  Mailbox<Report> reports;
  std::atomic<bool> exit{false};
  std::thread thread([&] {
    const std::unique_ptr<Kernel> kernel = *CreateKernel(engine);
    Worker worker(*kernel, log, metrics, reports, options, nullptr, 1);
    Assignment assignment;
    assignment.client = pair[1];
    worker.mailbox().Post(assignment);
    while (!exit.load() || worker.connections() > 0) {
      worker.Turn(kernel->Now() + Duration::Milliseconds(10));
    }
  });
  std::vector<char> buffer(kBlockBytes);
  int64_t bytes = 0;
  for (auto _ : state) {
    const ssize_t received = ::recv(client.get(), buffer.data(), buffer.size(), MSG_WAITALL);
    bytes += received;
  }
  state.SetBytesProcessed(bytes);
  client.Reset();
  exit.store(true);
  thread.join();
}
BENCHMARK(BM_Relay)
    ->ArgNames({"epoll", "splice"})
    ->Args({0, 0})
    ->Args({0, 1})
    ->Args({1, 0})
    ->Args({1, 1})
    ->UseRealTime();

}  // namespace
}  // namespace floodgate
