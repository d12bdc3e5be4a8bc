// The order of events, against that of a sorted set.
#include "sim/event_queue.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <utility>

#include "base/prng.h"

namespace floodgate::sim {
namespace {

TEST(EventQueueTest, IsEmptyAtFirstAndAtTheEnd) {
  EventQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.NextAt(), Instant::Never());
  queue.Push({.at = {5}});
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(queue.NextAt(), Instant{5});
  queue.Pop();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.NextAt(), Instant::Never());
}

TEST(EventQueueTest, LookingAtTheNextLetsEarlierOnesBeSetStill) {
  EventQueue queue;
  queue.Push({.at = {1000}, .what = 2});
  EXPECT_EQ(queue.NextAt(), Instant{1000});
  queue.Push({.at = {10}, .what = 1});
  EXPECT_EQ(queue.NextAt(), Instant{10});
  EXPECT_EQ(queue.Pop().what, 1u);
  EXPECT_EQ(queue.Pop().what, 2u);
}

TEST(EventQueueTest, OfTheSameInstantTheLowerTieIsFirstAlsoWhenItIsSetThen) {
  EventQueue queue;
  queue.Push({.at = {7}, .tie = 20, .what = 2});
  queue.Push({.at = {7}, .tie = 10, .what = 1});
  queue.Push({.at = {7}, .tie = 40, .what = 4});
  EXPECT_EQ(queue.Pop().what, 1u);
  queue.Push({.at = {7}, .tie = 30, .what = 3});
  EXPECT_EQ(queue.Pop().what, 2u);
  EXPECT_EQ(queue.Pop().what, 3u);
  EXPECT_EQ(queue.NextAt(), Instant{7});
  EXPECT_EQ(queue.Pop().what, 4u);
}

TEST(EventQueueTest, TheEndOfTimeIsATime) {
  EventQueue queue;
  queue.Push({.at = Instant::Never(), .what = 2});
  queue.Push({.at = {0}, .what = 1});
  EXPECT_EQ(queue.Pop().what, 1u);
  EXPECT_EQ(queue.NextAt(), Instant::Never());
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(queue.Pop().what, 2u);
}

// Delays of every magnitude, many of them none, while the queue grows and shrinks.
TEST(EventQueueTest, OrdersAsASetDoes) {
  Prng prng(42);
  EventQueue queue;
  std::set<std::pair<int64_t, uint64_t>> expected;
  int64_t now = 0;
  for (int step = 0; step < 200'000; ++step) {
    const bool grows = (step / 5000) % 2 == 0;
    if (expected.empty() || prng.Chance(grows ? 70 : 30)) {
      const uint64_t magnitude = prng.Below(45);
      const int64_t delay = static_cast<int64_t>(prng.Next() & ((uint64_t{1} << magnitude) - 1));
      const uint64_t tie = prng.Next();
      queue.Push({.at = {now + delay}, .tie = tie});
      expected.emplace(now + delay, tie);
      continue;
    }
    const auto first = *expected.begin();
    expected.erase(expected.begin());
    ASSERT_EQ(queue.NextAt(), Instant{first.first});
    const Event event = queue.Pop();
    ASSERT_EQ(event.at, Instant{first.first});
    ASSERT_EQ(event.tie, first.second);
    now = first.first;
  }
}

}  // namespace
}  // namespace floodgate::sim
