// What the decisions around a connection cost, apart from the source table (source_table_bench.cc):
// the gate, the lists, the verdict as a whole, the pace, the order of service, timers and slots.
#include <cstdint>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/slot_pool.h"
#include "base/timer_wheel.h"
#include "benchmark/benchmark.h"
#include "core/admission.h"
#include "core/gate.h"
#include "core/pace.h"
#include "core/service_order.h"

namespace floodgate {
namespace {

constexpr Instant kStart{1'000'000'000};

// What the gatekeeper asks every turn.
void BM_GateTurn(benchmark::State& state) {
  Gate gate(GateOptions(), /*two_phase=*/true, kStart);
  gate.Open(kStart);
  gate.DrainFinished(kStart);
  Instant now = kStart;
  for (auto _ : state) {
    now = now + Duration::Microseconds(1);
    gate.Advance(now);
    benchmark::DoNotOptimize(gate.admits());
    benchmark::DoNotOptimize(gate.NextDeadline());
  }
}

// Hold, signal, the delay, the drain: a whole round.
void BM_GateRound(benchmark::State& state) {
  const std::vector<std::string> servers = {"0", "1", "2"};
  Gate gate(GateOptions(), /*two_phase=*/true, kStart);
  Instant now = kStart;
  for (auto _ : state) {
    benchmark::DoNotOptimize(gate.SignalPeergrouper(servers, now).ok());
    now = gate.NextDeadline();
    gate.Advance(now);
    gate.DrainFinished(now);
    gate.Hold(now);
  }
}

Options WithSources(int64_t sources) {
  Options options;
  options.limits.sources = sources;
  return options;
}

PeerAddress PeerOf(uint64_t number) {
  return {.family = PeerAddress::Family::kIp,
          .port = 1,
          .ip = IpAddress::V4(static_cast<uint32_t>(number) * 2654435761u)};
}

// The verdict on an agent and the end of its connection, in batches of 64 as completions come, each
// prefetched.
void BM_JudgeAndRelease(benchmark::State& state) {
  const int64_t sources = state.range(0);
  const bool prefetch = state.range(1) != 0;
  Admission admission(WithSources(sources), 42);
  Prng prng(1);
  std::vector<PeerAddress> peers;
  for (size_t i = 0; i < (size_t{1} << 18); ++i) {
    peers.push_back(PeerOf(prng.Below(static_cast<uint64_t>(sources))));
  }
  constexpr size_t kBatch = 64;
  Instant now = kStart;
  for (int64_t source = 0; source < sources; ++source) {
    const PeerAddress peer = PeerOf(static_cast<uint64_t>(source));
    admission.Judge(Port::kAgent, peer, {}, now);
    admission.Release(peer);
  }
  size_t i = 0;
  while (state.KeepRunningBatch(kBatch)) {
    now = now + Duration::Milliseconds(100);
    for (size_t k = 0; prefetch && k < kBatch; ++k) admission.Prefetch(peers[i + k]);
    for (size_t k = 0; k < kBatch; ++k) {
      const Verdict verdict = admission.Judge(Port::kAgent, peers[i + k], {}, now);
      if (verdict.action == Verdict::Action::kAdmit) admission.Release(peers[i + k]);
    }
    i = (i + kBatch) & (peers.size() - 1);
  }
}

// One source far over its limit: the cost of saying no.
void BM_JudgeRefused(benchmark::State& state) {
  Options options = WithSources(1'000'000);
  options.limits.over_limit = OverLimit::kReset;
  options.limits.source_rate = 0.001;
  Admission admission(options, 42);
  const PeerAddress peer = PeerOf(1);
  Instant now = kStart;
  for (auto _ : state) {
    now = now + Duration::Microseconds(1);
    benchmark::DoNotOptimize(admission.Judge(Port::kAgent, peer, {}, now));
  }
}

void BM_CidrSet(benchmark::State& state) {
  Prng prng(1);
  std::vector<Cidr> blocks;
  for (int64_t i = 0; i < state.range(0); ++i) {
    const IpAddress address = IpAddress::V4(static_cast<uint32_t>(prng.Next()));
    blocks.push_back({.base = Truncate(address, 24), .bits = 24});
  }
  const CidrSet set(blocks);
  for (auto _ : state) {
    benchmark::DoNotOptimize(set.Contains(IpAddress::V4(static_cast<uint32_t>(prng.Next()))));
  }
}

void BM_Pace(benchmark::State& state) {
  Pace pace(1'000'000.0, Duration::Seconds(state.range(0)), kStart);
  Instant now = kStart;
  for (auto _ : state) {
    now = now + Duration::Microseconds(2);
    const int64_t allowed = pace.Allowance(now);
    if (allowed > 0) pace.Took(1, now);
    benchmark::DoNotOptimize(allowed);
  }
}

void BM_ServiceOrder(benchmark::State& state) {
  const auto waiting = static_cast<uint32_t>(state.range(0));
  ServiceOrder order;
  Instant now = kStart;
  for (uint32_t id = 0; id < waiting; ++id) order.Add(id, now, /*parked=*/false);
  for (auto _ : state) {
    now = now + Duration::Microseconds(1);
    const uint32_t id = *order.Next(std::nullopt, now);
    order.Add(id, now, /*parked=*/false);
  }
}

// Most timers are cancelled: arm, cancel, with many others armed; time moves 1 us a round.
void BM_TimerArmCancel(benchmark::State& state) {
  TimerWheel wheel(kStart);
  Prng prng(1);
  for (int64_t i = 0; i < state.range(0); ++i) {
    wheel.Arm(kStart + Duration::Seconds(3'600 + static_cast<int64_t>(prng.Below(100))), 1);
  }
  Instant now = kStart;
  for (auto _ : state) {
    now = now + Duration::Microseconds(1);
    const TimerId id = wheel.Arm(now + Duration::Seconds(10), 1);
    wheel.Cancel(id);
  }
}

// Arm and run, a batch a tick.
void BM_TimerArmRun(benchmark::State& state) {
  constexpr int kBatch = 64;
  TimerWheel wheel(kStart);
  Prng prng(1);
  Instant now = kStart;
  uint64_t run = 0;
  while (state.KeepRunningBatch(kBatch)) {
    for (int i = 0; i < kBatch; ++i) {
      wheel.Arm(now + Duration::Milliseconds(1 + static_cast<int64_t>(prng.Below(1'000))), 1);
    }
    now = now + Duration::Milliseconds(1);
    wheel.Advance(now, [&](uint64_t payload) { run += payload; });
    benchmark::DoNotOptimize(wheel.NextDeadline());
  }
  benchmark::DoNotOptimize(run);
}

void BM_SlotInsertGetErase(benchmark::State& state) {
  SlotPool<uint64_t> pool;
  for (int64_t i = 0; i < state.range(0); ++i) pool.Insert();
  for (auto _ : state) {
    const SlotHandle handle = pool.Insert();
    benchmark::DoNotOptimize(pool.Get(handle));
    pool.Erase(handle);
  }
}

BENCHMARK(BM_GateTurn);
BENCHMARK(BM_GateRound);
BENCHMARK(BM_JudgeAndRelease)
    ->ArgNames({"sources", "prefetch"})
    ->ArgsProduct({{1, 100'000, 1'000'000}, {0, 1}});
BENCHMARK(BM_JudgeRefused);
BENCHMARK(BM_CidrSet)->Arg(0)->Arg(1)->Arg(10)->Arg(10'000);
BENCHMARK(BM_Pace)->ArgName("ramp_s")->Arg(0)->Arg(3'600);
BENCHMARK(BM_ServiceOrder)->Arg(1)->Arg(1'024);
BENCHMARK(BM_TimerArmCancel)->Arg(0)->Arg(10'000);
BENCHMARK(BM_TimerArmRun);
BENCHMARK(BM_SlotInsertGetErase)->Arg(10'000);

}  // namespace
}  // namespace floodgate
