#include "base/timer_wheel.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "gtest/gtest.h"

namespace floodgate {
namespace {

constexpr Duration kTick = Duration::Milliseconds(1);
constexpr Instant kStart{7'000'000'000};

std::vector<uint64_t> Advance(TimerWheel& wheel, Instant now) {
  std::vector<uint64_t> run;
  wheel.Advance(now, [&](uint64_t payload) { run.push_back(payload); });
  return run;
}
using Payloads = std::vector<uint64_t>;

TEST(TimerWheelTest, RunsAtItsDeadlineNotBefore) {
  TimerWheel wheel(kStart);
  wheel.Arm(kStart + kTick * 10, 1);
  EXPECT_EQ(wheel.NextDeadline(), kStart + kTick * 10);
  EXPECT_EQ(Advance(wheel, kStart + kTick * 10 - Duration{1}), Payloads{});
  EXPECT_EQ(Advance(wheel, kStart + kTick * 10), Payloads{1});
  EXPECT_EQ(Advance(wheel, kStart + kTick * 20), Payloads{}) << "once";
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_EQ(wheel.NextDeadline(), Instant::Never());
}

TEST(TimerWheelTest, DeadlinesWithinATickRunAtItsEnd) {
  TimerWheel wheel(kStart);
  wheel.Arm(kStart + kTick * 3 + Duration{1}, 1);
  EXPECT_EQ(wheel.NextDeadline(), kStart + kTick * 4);
  EXPECT_EQ(Advance(wheel, kStart + kTick * 4), Payloads{1});
}

TEST(TimerWheelTest, WhatIsOverdueRunsWithinATick) {
  TimerWheel wheel(kStart);
  wheel.Arm(kStart - Duration::Seconds(5), 1);
  EXPECT_LE(wheel.NextDeadline(), kStart + kTick);
  EXPECT_EQ(Advance(wheel, kStart + kTick), Payloads{1});
}

TEST(TimerWheelTest, NeverCostsNothing) {
  TimerWheel wheel(kStart);
  const TimerId id = wheel.Arm(Instant::Never(), 1);
  EXPECT_FALSE(id.armed());
  EXPECT_EQ(wheel.size(), 0u);
  wheel.Cancel(id);
}

TEST(TimerWheelTest, CancelledTimersDoNotRunAndOldIdsDoNoHarm) {
  TimerWheel wheel(kStart);
  const TimerId cancelled = wheel.Arm(kStart + kTick, 1);
  wheel.Cancel(cancelled);
  wheel.Cancel(cancelled);
  EXPECT_EQ(wheel.size(), 0u);
  wheel.Arm(kStart + kTick, 2);  // Uses the same place.
  wheel.Cancel(cancelled);
  EXPECT_EQ(Advance(wheel, kStart + kTick), Payloads{2});
}

TEST(TimerWheelTest, OneMayCancelAnotherThatIsDueToo) {
  TimerWheel wheel(kStart);
  wheel.Arm(kStart + kTick, 1);
  const TimerId second = wheel.Arm(kStart + kTick, 2);
  std::vector<uint64_t> run;
  wheel.Advance(kStart + kTick, [&](uint64_t payload) {
    run.push_back(payload);
    wheel.Cancel(second);
  });
  EXPECT_EQ(run, Payloads{1});
}

TEST(TimerWheelTest, WhatIsArmedMeanwhileRunsLater) {
  TimerWheel wheel(kStart);
  wheel.Arm(kStart + kTick, 1);
  int runs = 0;
  const auto again = [&](uint64_t) {
    ++runs;
    wheel.Arm(kStart, 1);  // Overdue from the beginning.
  };
  wheel.Advance(kStart + kTick, again);
  EXPECT_EQ(runs, 1);
  wheel.Advance(kStart + kTick * 2, again);
  EXPECT_EQ(runs, 2);
}

TEST(TimerWheelTest, OrderIsByTickThenByArming) {
  TimerWheel wheel(kStart);
  wheel.Arm(kStart + kTick * 5, 1);
  wheel.Arm(kStart + kTick * 2, 2);
  wheel.Arm(kStart + kTick * 5, 3);
  wheel.Arm(kStart + kTick * 2, 4);
  EXPECT_EQ(Advance(wheel, kStart + kTick * 9), (Payloads{2, 4, 1, 3}));
}

TEST(TimerWheelTest, FarDeadlinesWaitForTheirTurnOfTheWheel) {
  TimerWheel wheel(kStart);
  const Instant far = kStart + Duration::Seconds(3'600);
  wheel.Arm(far, 1);
  Instant now = kStart;
  int wakes = 0;
  while (wheel.size() > 0) {
    const Instant next = wheel.NextDeadline();
    ASSERT_GT(next, now);
    ASSERT_LE(next, far);
    now = next;
    ++wakes;
    const Payloads run = Advance(wheel, now);
    ASSERT_EQ(run.empty(), now < far);
  }
  EXPECT_EQ(now, far);
  EXPECT_LE(wakes, 3'600 / 4 + 2) << "a wake a turn at the most";
}

TEST(TimerWheelTest, ALongSleepLosesNone) {
  TimerWheel wheel(kStart);
  for (uint64_t i = 0; i < 20'000; ++i) wheel.Arm(kStart + kTick * static_cast<int64_t>(i), i);
  const Payloads run = Advance(wheel, kStart + Duration::Seconds(100));
  EXPECT_EQ(run.size(), 20'000u);
  EXPECT_EQ(wheel.size(), 0u);
}

// Random arming, cancelling and sleeping against a plain list: never early, at most a tick late,
// each once.
TEST(TimerWheelTest, AgreesWithAPlainList) {
  Prng prng(6);
  for (int run = 0; run < 20; ++run) {
    TimerWheel wheel(kStart);
    std::map<uint64_t, std::pair<Instant, TimerId>> plain;
    Instant now = kStart;
    uint64_t payload = 0;
    for (int i = 0; i < 2'000; ++i) {
      const uint64_t action = prng.Below(10);
      if (action < 5) {
        const uint64_t span = prng.Chance(20) ? 20'000'000'000 : 50'000'000;
        const auto ahead = static_cast<int64_t>(prng.Below(span));
        const Instant deadline = now + Duration{ahead - 1'000'000};
        ++payload;
        // What is overdue when it is armed is late from then on.
        plain[payload] = {std::max(deadline, now), wheel.Arm(deadline, payload)};
      } else if (action < 8 && !plain.empty()) {
        const auto it = plain.lower_bound(prng.Below(payload) + 1);
        if (it == plain.end()) continue;
        wheel.Cancel(it->second.second);
        plain.erase(it);
      } else {
        const bool punctual = prng.Chance(50) && wheel.NextDeadline() != Instant::Never();
        const auto nap =
            static_cast<int64_t>(prng.Below(prng.Chance(5) ? 9'000'000'000 : 20'000'000));
        now = punctual ? std::max(now, wheel.NextDeadline()) : now + Duration{nap};
        wheel.Advance(now, [&](uint64_t ran) {
          ASSERT_TRUE(plain.contains(ran)) << "twice, or cancelled";
          ASSERT_LE(plain[ran].first, now) << "early";
          plain.erase(ran);
        });
        for (const auto& [waiting, timer] : plain) ASSERT_GT(timer.first, now - kTick) << "late";
      }
      ASSERT_EQ(wheel.size(), plain.size());
      for (const auto& [waiting, timer] : plain) {
        ASSERT_LT(wheel.NextDeadline(), std::max(timer.first, now) + kTick + Duration{1});
      }
    }
  }
}

}  // namespace
}  // namespace floodgate
