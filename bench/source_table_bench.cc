// What a decision of the source limiter costs with 1, 10^5 and 10^6 sources remembered: a hit, a
// miss into free room, and a miss that evicts. Keys come in random order, as connections do;
// drawing them is part of the loop (about 2 ns). Time moves 1 us a decision.
#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <vector>

#include "base/ip.h"
#include "base/prng.h"
#include "benchmark/benchmark.h"
#include "core/source_table.h"

namespace floodgate {
namespace {

const TokenRate kRate = TokenRate::PerSecond(4.0, 10);

// What a daemon would do.
void AskForHugePages(void* address, size_t bytes) {
  ::madvise(address, bytes, MADV_HUGEPAGE);
}

IpAddress Address(uint64_t number) {
  return IpAddress::V4(static_cast<uint32_t>(number) * 2654435761u);
}

// Keys in random order, many enough that following decisions share nothing.
std::vector<IpAddress> Keys(uint64_t first, uint64_t count, size_t drawn) {
  Prng prng(7);
  std::vector<IpAddress> keys;
  keys.reserve(drawn);
  for (size_t i = 0; i < drawn; ++i) keys.push_back(Address(first + prng.Below(count)));
  return keys;
}

void Fill(SourceTable& table, uint64_t count, Instant now) {
  for (uint64_t i = 0; i < count; ++i) table.Take(Address(i), now);
}

void ReportTable(benchmark::State& state, const SourceTable& table, double sources) {
  state.SetItemsProcessed(state.iterations());
  state.counters["tracked"] = static_cast<double>(table.tracked());
  state.counters["bytes_per_source"] = static_cast<double>(table.memory_bytes()) / sources;
}

// A token for one key after the other, a microsecond apart. REQUIRES: 2^n keys.
void TakeTokens(benchmark::State& state, SourceTable& table, const std::vector<IpAddress>& keys,
                Instant now) {
  size_t i = 0;
  for (auto _ : state) {
    now = now + Duration::Microseconds(1);
    benchmark::DoNotOptimize(table.Take(keys[i], now));
    i = (i + 1) & (keys.size() - 1);
  }
}

void BM_Hit(benchmark::State& state) {
  const auto sources = static_cast<uint64_t>(state.range(0));
  SourceTable table(state.range(0), kRate, 42, AskForHugePages);
  Instant now{1'000'000'000};
  Fill(table, sources, now);
  const std::vector<IpAddress> keys = Keys(0, sources, size_t{1} << 20);
  TakeTokens(state, table, keys, now);
  ReportTable(state, table, static_cast<double>(sources));
}

// The same source again and again: refused most of the time, as one that hammers.
void BM_HitRefused(benchmark::State& state) {
  const auto sources = static_cast<uint64_t>(state.range(0));
  SourceTable table(state.range(0), TokenRate::PerSecond(0.001, 1), 42, AskForHugePages);
  Instant now{1'000'000'000};
  Fill(table, sources, now);
  const std::vector<IpAddress> keys = Keys(0, sources, size_t{1} << 20);
  TakeTokens(state, table, keys, now);
  ReportTable(state, table, static_cast<double>(sources));
}

// Sources not seen before. All buckets are full again by then, so nothing of worth is evicted.
void BM_Miss(benchmark::State& state) {
  const auto sources = static_cast<uint64_t>(state.range(0));
  SourceTable table(state.range(0), kRate, 42, AskForHugePages);
  Instant now{1'000'000'000};
  Fill(table, sources, now);
  now = now + Duration::Seconds(100);
  const std::vector<IpAddress> keys = Keys(sources, uint64_t{1} << 31, size_t{1} << 22);
  TakeTokens(state, table, keys, now);
  ReportTable(state, table, static_cast<double>(sources));
}

// Every set is full of sources with debt: each newcomer evicts one.
void BM_Eviction(benchmark::State& state) {
  const auto sources = static_cast<uint64_t>(state.range(0));
  SourceTable table(state.range(0), TokenRate::PerSecond(1.0, 1'000'000), 42, AskForHugePages);
  Instant now{1'000'000'000};
  Fill(table, 4 * sources, now);
  const std::vector<IpAddress> keys = Keys(4 * sources, uint64_t{1} << 31, size_t{1} << 22);
  const uint64_t evicted_before = table.evicted();
  TakeTokens(state, table, keys, now);
  ReportTable(state, table, static_cast<double>(sources));
  state.counters["evicted_per_decision"] = benchmark::Counter(
      static_cast<double>(table.evicted() - evicted_before), benchmark::Counter::kAvgIterations);
}

// The same in batches of 32, as connections are taken: each batch's sets are asked for before the
// first decision, so that a batch waits for memory once. The cost of asking is part of the figure.
constexpr size_t kBatch = 32;

void TakeBatches(benchmark::State& state, SourceTable& table, Instant now,
                 const std::vector<IpAddress>& keys) {
  size_t i = 0;
  while (state.KeepRunningBatch(kBatch)) {
    now = now + Duration::Microseconds(kBatch);
    std::array<SourceTable::Place, kBatch> places;
    for (size_t k = 0; k < kBatch; ++k) places[k] = table.Prefetch(keys[i + k]);
    for (size_t k = 0; k < kBatch; ++k) {
      benchmark::DoNotOptimize(table.Take(keys[i + k], places[k], now));
    }
    i = (i + kBatch) & (keys.size() - 1);
  }
}

void BM_HitInBatches(benchmark::State& state) {
  const auto sources = static_cast<uint64_t>(state.range(0));
  SourceTable table(state.range(0), kRate, 42, AskForHugePages);
  const Instant now{1'000'000'000};
  Fill(table, sources, now);
  TakeBatches(state, table, now, Keys(0, sources, size_t{1} << 20));
  ReportTable(state, table, static_cast<double>(sources));
}

void BM_MissInBatches(benchmark::State& state) {
  const auto sources = static_cast<uint64_t>(state.range(0));
  SourceTable table(state.range(0), kRate, 42, AskForHugePages);
  const Instant now{1'000'000'000};
  Fill(table, sources, now);
  TakeBatches(state, table, now + Duration::Seconds(100),
              Keys(sources, uint64_t{1} << 31, size_t{1} << 22));
  ReportTable(state, table, static_cast<double>(sources));
}

void BM_EvictionInBatches(benchmark::State& state) {
  const auto sources = static_cast<uint64_t>(state.range(0));
  SourceTable table(state.range(0), TokenRate::PerSecond(1.0, 1'000'000), 42, AskForHugePages);
  const Instant now{1'000'000'000};
  Fill(table, 4 * sources, now);
  TakeBatches(state, table, now, Keys(4 * sources, uint64_t{1} << 31, size_t{1} << 22));
  ReportTable(state, table, static_cast<double>(sources));
}

void BM_Scan(benchmark::State& state) {
  SourceTable table(state.range(0), kRate, 42, AskForHugePages);
  Fill(table, static_cast<uint64_t>(state.range(0)), Instant{1'000'000'000});
  uint64_t refused = 0;
  for (auto _ : state) {
    size_t cursor = 0;
    while (cursor < table.slots()) {
      cursor =
          table.Scan(cursor, 8192, [&](const SourceTable::Row& row) { refused += row.refused; });
    }
  }
  benchmark::DoNotOptimize(refused);
}

BENCHMARK(BM_Hit)->Arg(1)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(BM_HitRefused)->Arg(1)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(BM_Miss)->Arg(1)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(BM_Eviction)->Arg(1)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(BM_HitInBatches)->Arg(1)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(BM_MissInBatches)->Arg(1)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(BM_EvictionInBatches)->Arg(1)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(BM_Scan)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace floodgate
