#include "core/source_table.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "base/prng.h"
#include "gtest/gtest.h"
#include "tests/core/window_check.h"

namespace floodgate {
namespace {

constexpr Instant kStart{1'000'000'000};
constexpr uint64_t kSeed = 42;

IpAddress Source(uint64_t number) {
  return IpAddress::V4(static_cast<uint32_t>(number));
}

// A table of one set: everybody competes with everybody.
SourceTable OneSet(const TokenRate& rate) {
  SourceTable table(2, rate, kSeed);
  EXPECT_EQ(table.slots(), SourceTable::kWays);
  return table;
}

TEST(SipKeyTest, AgreesWithThePublishedVector) {
  // SipHash-2-4 of the bytes 0..15 under the key 0..15, from the authors' test vectors.
  constexpr SipKey kKey(0x0706050403020100, 0x0f0e0d0c0b0a0908);
  EXPECT_EQ((kKey.Hash<2, 4>(0x0706050403020100, 0x0f0e0d0c0b0a0908)), 0x3f2acc7f57c29bdbULL);
}

TEST(SourceTableTest, LimitsEachSourceOnItsOwnAtTheEdge) {
  const TokenRate rate = TokenRate::PerSecond(4.0, 10);
  SourceTable table(1000, rate, kSeed);
  for (uint64_t source = 1; source <= 20; ++source) {
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(table.Take(Source(source), kStart));
    EXPECT_FALSE(table.Take(Source(source), kStart));
    EXPECT_FALSE(table.Take(Source(source), kStart + rate.interval() - Duration{1}));
    EXPECT_TRUE(table.Take(Source(source), kStart + rate.interval()));
  }
  EXPECT_EQ(table.tracked(), 20u);
  EXPECT_EQ(table.evicted(), 0u);
  const auto row = table.Find(Source(3));
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->source, Source(3));
  EXPECT_EQ(row->admitted, 11u);
  EXPECT_EQ(row->refused, 2u);
}

TEST(SourceTableTest, TheUnspecifiedAddressIsASourceLikeAnyOther) {
  SourceTable table = OneSet(TokenRate::PerSecond(1.0, 1));
  EXPECT_FALSE(table.Find(IpAddress{}).has_value());
  EXPECT_TRUE(table.Take(IpAddress{}, kStart));  // "::1" cut to 64 bits is "::".
  EXPECT_FALSE(table.Take(IpAddress{}, kStart));
  EXPECT_EQ(table.tracked(), 1u);
}

TEST(SourceTableTest, RefusedNewcomersChangeNothing) {
  SourceTable table = OneSet(TokenRate::PerSecond(1.0, 1));
  for (uint64_t i = 0; i < SourceTable::kWays; ++i) EXPECT_TRUE(table.Take(Source(i), kStart));
  EXPECT_FALSE(table.Take(Source(99), kStart)) << "inherits a debt that leaves no token";
  EXPECT_FALSE(table.Find(Source(99)).has_value());
  EXPECT_EQ(table.evicted(), 0u);
}

TEST(SourceTableTest, EvictsTheLeastDebtAndInheritsIt) {
  const TokenRate rate = TokenRate::PerSecond(1.0, 10);
  SourceTable table = OneSet(rate);
  // Source i takes i + 2 tokens: source 0 owes least.
  for (uint64_t i = 0; i < SourceTable::kWays; ++i) {
    for (uint64_t k = 0; k < i + 2; ++k) table.Take(Source(i), kStart);
  }
  EXPECT_TRUE(table.Take(Source(99), kStart));
  EXPECT_FALSE(table.Find(Source(0)).has_value());
  for (uint64_t i = 1; i < SourceTable::kWays; ++i) {
    EXPECT_TRUE(table.Find(Source(i)).has_value()) << i << " owes more than the newcomer did";
  }
  EXPECT_EQ(table.Find(Source(99))->full_at, kStart + rate.interval() * 3);
  EXPECT_EQ(table.Find(Source(99))->admitted, 1u);
  EXPECT_EQ(table.evicted(), 1u);
  EXPECT_EQ(table.tracked(), SourceTable::kWays);
}

TEST(SourceTableTest, ForgettingAFullBucketIsNoEviction) {
  const TokenRate rate = TokenRate::PerSecond(1.0, 10);
  SourceTable table = OneSet(rate);
  for (uint64_t i = 0; i < SourceTable::kWays; ++i) table.Take(Source(i), kStart);
  const Instant full = kStart + rate.interval();
  EXPECT_TRUE(table.Take(Source(99), full));
  EXPECT_EQ(table.evicted(), 0u);
  EXPECT_EQ(table.Find(Source(99))->full_at, full + rate.interval());
  EXPECT_TRUE(table.Take(Source(98), full - Duration{1}));  // The others owe for a nanosecond more.
  EXPECT_EQ(table.evicted(), 1u);
}

TEST(SourceTableTest, ReserveNextTakesTheTokenOnlyWithinTheBound) {
  const TokenRate rate = TokenRate::PerSecond(4.0, 1);
  SourceTable table(10, rate, kSeed);
  const Instant second = kStart + rate.interval();
  const Instant third = second + rate.interval();
  EXPECT_EQ(table.ReserveNext(Source(1), kStart, third), kStart);
  EXPECT_EQ(table.ReserveNext(Source(1), kStart, third), second);
  EXPECT_EQ(table.ReserveNext(Source(1), kStart, third - Duration{1}), std::nullopt);
  EXPECT_EQ(table.ReserveNext(Source(1), kStart, third), third) << "the refusal took nothing";
  EXPECT_EQ(table.Find(Source(1))->admitted, 3u);
  EXPECT_EQ(table.Find(Source(1))->refused, 1u);
}

// (c) of the header, against evictions that an adversary chooses: everything is driven through a
// table of one set and through one of a few sets, and every source's record is checked over all
// windows. An exact bucket of each source's own must never have less left than the table gave.
TEST(SourceTableTest, WindowBoundHoldsThroughEvictions) {
  Prng prng(5);
  uint64_t evicted = 0;
  for (int run = 0; run < 200; ++run) {
    const auto burst = static_cast<int64_t>(1 + prng.Below(6));
    const auto interval = static_cast<int64_t>(5 + prng.Below(60));
    const TokenRate rate = TokenRate::PerSecond(1e9 / static_cast<double>(interval), burst);
    SourceTable table(run % 2 == 0 ? 2 : 12, rate, prng.Next());
    const uint64_t sources = 3 + prng.Below(30);
    const uint64_t pause_max = 1 + prng.Below(20);
    std::map<uint64_t, std::vector<int64_t>> taken;
    std::map<uint64_t, Instant> exact;
    Instant now = kStart;
    uint64_t hot = 0;
    for (int i = 0; i < 600; ++i) {
      now = now + Duration{static_cast<int64_t>(prng.Below(pause_max))};
      // Now and then one source hammers, then others sweep through to have it forgotten.
      if (i % 40 == 0) hot = prng.Below(sources);
      const bool hammer = i % 40 < 15;
      const uint64_t source = hammer ? hot : prng.Below(sources);
      std::optional<Instant> due;
      if (prng.Chance(15)) {
        due = table.ReserveNext(Source(source), now, now + Duration{interval * 3});
      } else if (table.Take(Source(source), now)) {
        due = now;
      }
      if (!due.has_value()) continue;
      taken[source].push_back(due->ns);
      ASSERT_LE(rate.Reserve(exact[source], now), *due) << "more than its own bucket would give";
    }
    for (const auto& [source, record] : taken) ExpectWindowBound(record, burst, rate.interval().ns);
    evicted += table.evicted();
    ASSERT_LE(table.tracked(), table.slots());
  }
  EXPECT_GT(evicted, 1'000u) << "the sequences do not reach what they are for";
}

// (b): whoever is forgotten owed no more than anybody else in its set.
TEST(SourceTableTest, AHotSourceIsNeverForgottenForAColderOne) {
  const TokenRate rate = TokenRate::PerSecond(1.0, 1'000);
  SourceTable table = OneSet(rate);
  const auto rows = [&table] {
    std::map<IpAddress, Instant> read;
    table.Scan(0, table.slots(),
               [&](const SourceTable::Row& row) { read[row.source] = row.full_at; });
    return read;
  };
  Prng prng(3);
  Instant now = kStart;
  for (int i = 0; i < 100; ++i) table.Take(Source(7), now);
  for (uint64_t i = 0; i < 5'000; ++i) {
    now = now + Duration::Milliseconds(static_cast<int64_t>(prng.Below(500)));
    const auto before = rows();
    table.Take(Source(prng.Below(20)), now);
    const auto after = rows();
    for (const auto& [source, full_at] : before) {
      if (after.contains(source)) continue;
      for (const auto& [other, other_full_at] : before) ASSERT_LE(full_at, other_full_at);
    }
    if (i < 300) {
      ASSERT_TRUE(after.contains(Source(7))) << "a hundred tokens ahead of all";
    }
  }
}

TEST(SourceTableTest, RemembersNearlyAsManyAsAsked) {
  constexpr int64_t kSources = 100'000;
  SourceTable table(kSources, TokenRate::PerSecond(4.0, 10), kSeed);
  for (uint64_t i = 0; i < kSources; ++i) table.Take(Source(i * 7), kStart);
  EXPECT_GT(table.tracked(), kSources * 95 / 100);
  EXPECT_LE(table.memory_bytes(), static_cast<size_t>(kSources) * 64);
  // As many again: memory stays, and nobody is admitted beyond what the sets' debts allow.
  const size_t memory = table.memory_bytes();
  for (uint64_t i = 0; i < 4 * kSources; ++i) table.Take(Source(i * 11), kStart);
  EXPECT_EQ(table.memory_bytes(), memory);
  EXPECT_LE(table.tracked(), table.slots());
}

TEST(SourceTableTest, AnotherSeedIsAnotherArrangement) {
  const TokenRate rate = TokenRate::PerSecond(4.0, 10);
  SourceTable a(1000, rate, 1);
  SourceTable b(1000, rate, 1);
  SourceTable c(1000, rate, 2);
  std::vector<IpAddress> order_a, order_b, order_c;
  for (uint64_t i = 0; i < 500; ++i) {
    for (SourceTable* table : {&a, &b, &c}) table->Take(Source(i), kStart);
  }
  const auto read = [](const SourceTable& table, std::vector<IpAddress>& into) {
    table.Scan(0, table.slots(), [&](const SourceTable::Row& row) { into.push_back(row.source); });
  };
  read(a, order_a);
  read(b, order_b);
  read(c, order_c);
  EXPECT_EQ(order_a, order_b);
  EXPECT_NE(order_a, order_c);
}

TEST(SourceTableTest, ScanInPiecesSeesEachSourceOnce) {
  SourceTable table(1000, TokenRate::PerSecond(4.0, 10), kSeed);
  for (uint64_t i = 0; i < 700; ++i) table.Take(Source(i), kStart);
  for (const size_t piece : {size_t{1}, size_t{7}, table.slots(), table.slots() + 1}) {
    std::multiset<IpAddress> seen;
    size_t cursor = 0;
    while (cursor < table.slots()) {
      cursor =
          table.Scan(cursor, piece, [&](const SourceTable::Row& row) { seen.insert(row.source); });
    }
    EXPECT_EQ(seen.size(), table.tracked());
    EXPECT_EQ(std::set<IpAddress>(seen.begin(), seen.end()).size(), seen.size());
    EXPECT_EQ(table.Scan(cursor, piece, [](const SourceTable::Row&) { FAIL(); }), table.slots());
  }
}

TEST(SourceTableTest, AnotherRateKeepsWhatIsOwed) {
  const TokenRate slow = TokenRate::PerSecond(1.0, 10);
  const TokenRate fast = TokenRate::PerSecond(10.0, 10);
  SourceTable table(10, slow, kSeed);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(table.Take(Source(1), kStart));
  table.SetRate(fast, kStart);
  EXPECT_FALSE(table.Take(Source(1), kStart + fast.interval() - Duration{1}));
  EXPECT_TRUE(table.Take(Source(1), kStart + fast.interval()));
  table.SetRate(TokenRate(), kStart + fast.interval());
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(table.Take(Source(1), kStart + fast.interval()));
}

TEST(SourceTableTest, ResizingKeepsDebts) {
  const TokenRate rate = TokenRate::PerSecond(1.0, 3);
  for (const int64_t sources : {int64_t{50}, int64_t{5'000}}) {
    SourceTable table(500, rate, kSeed);
    for (uint64_t i = 0; i < 20; ++i) {
      while (table.Take(Source(i), kStart)) continue;
    }
    table.Resize(sources);
    EXPECT_EQ(table.tracked(), 20u);
    for (uint64_t i = 0; i < 20; ++i) EXPECT_FALSE(table.Take(Source(i), kStart));
  }
  SourceTable table(50'000, rate, kSeed);
  for (uint64_t i = 0; i < 400; ++i) {
    table.Take(Source(i), kStart + Duration{static_cast<int64_t>(i)});
  }
  ASSERT_EQ(table.evicted(), 0u);
  table.Resize(1);
  EXPECT_EQ(table.slots(), SourceTable::kWays);
  EXPECT_EQ(table.tracked(), SourceTable::kWays);
  for (uint64_t i = 400 - SourceTable::kWays; i < 400; ++i) {
    EXPECT_TRUE(table.Find(Source(i)).has_value()) << "those with most debt stay";
  }
}

TEST(SourceTableTest, MemoryIsHintedBeforeItIsUsed) {
  static size_t hinted_bytes = 0;
  SourceTable table(1000, TokenRate::PerSecond(1.0, 1), kSeed, [](void* address, size_t bytes) {
    EXPECT_NE(address, nullptr);
    hinted_bytes = bytes;
  });
  EXPECT_EQ(hinted_bytes, table.memory_bytes());
}

}  // namespace
}  // namespace floodgate
