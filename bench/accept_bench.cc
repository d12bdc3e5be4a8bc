// The cost of taking connections that are parked in a listener's queue, and of refusing them: CPU
// time of the accepting thread for each connection, on both engines.
#include <benchmark/benchmark.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/fd.h"
#include "io/engine.h"
#include "io/socket.h"

namespace floodgate {
namespace {

constexpr size_t kParked = 2000;
constexpr size_t kBatch = 256;

int64_t ThreadCpuNs() {
  timespec time;
  FG_CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// A listener of the kernel under test and clients that stand in its queue.
class ParkedQueue {
 public:
  explicit ParkedQueue(Kernel& kernel) : kernel_(kernel) {
    RaiseDescriptorLimit();
    Endpoint loopback;
    loopback.host = "127.0.0.1";
    auto bound = Bind(loopback);
    FG_CHECK(bound.ok());
    bound_ = *std::move(bound);
    address_ = Resolve(bound_.bound)->front();
    FG_CHECK(kernel_.Listen(bound_.fd.get(), static_cast<int>(kParked)) == 0);
  }

  int listener() const { return bound_.fd.get(); }

  void Fill() {
    while (clients_.size() < kParked) {
      const auto* address = reinterpret_cast<const sockaddr*>(address_.storage);
      OwnedFd client(socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
      // Reset at the end: thousands of connections in TIME_WAIT would slow down what comes after.
      const linger abort_on_close = {.l_onoff = 1, .l_linger = 0};
      FG_CHECK(setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &abort_on_close,
                          sizeof(abort_on_close)) == 0);
      FG_CHECK(connect(client.get(), address, address_.size) == 0);
      clients_.push_back(std::move(client));
    }
    while (kernel_.ReadQueue(listener()).depth < kParked) {
    }
  }

  void Empty() {
    clients_.clear();
    for (const int fd : taken) kernel_.Close(fd);
    taken.clear();
  }

  std::vector<int> taken;

 private:
  Kernel& kernel_;
  BoundSocket bound_;
  SocketAddress address_;
  std::vector<OwnedFd> clients_;
};

// Takes all by one multishot accept.
void TakeByMultishot(Kernel& kernel, ParkedQueue& queue, bool refuse) {
  std::vector<Completion> batch(kBatch);
  bool armed = false;
  for (size_t taken = 0; taken < kParked;) {
    if (!armed) {
      FG_CHECK(
          kernel.Submit({.kind = OpKind::kAcceptMultishot, .fd = queue.listener(), .token = 1}));
      armed = true;
    }
    const size_t count = kernel.Wait(Instant::Never(), absl::MakeSpan(batch));
    for (size_t i = 0; i < count; ++i) {
      armed = batch[i].more;
      if (batch[i].result < 0) continue;
      ++taken;
      if (refuse) {
        kernel.Reset(batch[i].result);
      } else {
        queue.taken.push_back(batch[i].result);
      }
    }
  }
  if (!armed) return;
  FG_CHECK(
      kernel.Submit({.kind = OpKind::kCancel, .fd = queue.listener(), .token = 2, .target = 1}));
  for (int ends = 0; ends < 2;) {
    ends += static_cast<int>(kernel.Wait(Instant::Never(), absl::MakeSpan(batch)));
  }
}

// Takes all by batches of single accepts, each with its peer's address.
void TakeByBatches(Kernel& kernel, ParkedQueue& queue, size_t batch_size, bool refuse) {
  std::vector<Completion> batch(batch_size);
  for (size_t taken = 0; taken < kParked;) {
    const size_t asked = std::min(batch_size, kParked - taken);
    for (size_t i = 0; i < asked; ++i) {
      FG_CHECK(kernel.Submit({.kind = OpKind::kAccept, .fd = queue.listener(), .token = 1}));
    }
    const size_t count = kernel.Wait(Instant::Never(), absl::MakeSpan(batch));
    for (size_t i = 0; i < count; ++i) {
      FG_CHECK(batch[i].result >= 0);
      ++taken;
      if (refuse) {
        kernel.Reset(batch[i].result);
      } else {
        queue.taken.push_back(batch[i].result);
      }
    }
  }
}

// `batch_size` 0: by multishot.
void Measure(benchmark::State& state, EngineKind engine, size_t batch_size, bool refuse) {
  auto kernel = CreateKernel(engine);
  if (!kernel.ok()) {
    state.SkipWithError(kernel.status().ToString().c_str());
    return;
  }
  ParkedQueue queue(**kernel);
  int64_t total_ns = 0;
  for (auto _ : state) {
    queue.Fill();
    const int64_t before_ns = ThreadCpuNs();
    if (batch_size == 0) {
      TakeByMultishot(**kernel, queue, refuse);
    } else {
      TakeByBatches(**kernel, queue, batch_size, refuse);
    }
    const int64_t spent_ns = ThreadCpuNs() - before_ns;
    total_ns += spent_ns;
    state.SetIterationTime(static_cast<double>(spent_ns) / 1e9);
    queue.Empty();
  }
  const auto connections = static_cast<double>(state.iterations()) * kParked;
  state.counters["cpu_ns_per_connection"] = static_cast<double>(total_ns) / connections;
}

// The argument is the size of a batch; 0 is one multishot accept.
void Take(benchmark::State& state, EngineKind engine) {
  Measure(state, engine, static_cast<size_t>(state.range(0)), /*refuse=*/false);
}
void TakeAndReset(benchmark::State& state, EngineKind engine) {
  Measure(state, engine, static_cast<size_t>(state.range(0)), /*refuse=*/true);
}

BENCHMARK_CAPTURE(Take, io_uring, EngineKind::kUring)->Arg(0)->Arg(8)->Arg(64)->UseManualTime();
BENCHMARK_CAPTURE(Take, epoll, EngineKind::kEpoll)->Arg(0)->Arg(8)->Arg(64)->UseManualTime();
BENCHMARK_CAPTURE(TakeAndReset, io_uring, EngineKind::kUring)->Arg(0)->Arg(64)->UseManualTime();
BENCHMARK_CAPTURE(TakeAndReset, epoll, EngineKind::kEpoll)->Arg(0)->Arg(64)->UseManualTime();

}  // namespace
}  // namespace floodgate
