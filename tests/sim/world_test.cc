// The simulation's clock, order and digest.
#include "sim/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace floodgate::sim {
namespace {

using ::testing::ElementsAre;

// Remembers what came, and when.
class Recorder : public Actor {
 public:
  explicit Recorder(World& world) : world_(world) {}
  void OnEvent(uint64_t what) override {
    happened.push_back(what);
    times.push_back(world_.now());
    if (what == again_at) world_.At(world_.now(), *this, what + 1);
  }

  std::vector<uint64_t> happened;
  std::vector<Instant> times;
  uint64_t again_at = ~uint64_t{0};

 private:
  World& world_;
};

TEST(WorldTest, EventsComeInTheOrderOfTheirTimeAndMoveTheClock) {
  World world(1);
  Recorder recorder(world);
  world.At({30}, recorder, 3);
  world.At({10}, recorder, 1);
  world.At({20}, recorder, 2);
  EXPECT_EQ(world.NextAt(), Instant{10});
  while (world.RunNext(Instant::Never())) {
  }
  EXPECT_THAT(recorder.happened, ElementsAre(1, 2, 3));
  EXPECT_THAT(recorder.times, ElementsAre(Instant{10}, Instant{20}, Instant{30}));
  EXPECT_EQ(world.now(), Instant{30}) << "without an end the clock stays at the last event";
  EXPECT_EQ(world.NextAt(), Instant::Never());
  EXPECT_EQ(world.events_run(), 3u);
}

TEST(WorldTest, NothingAfterTheEndIsRun) {
  World world(1);
  Recorder recorder(world);
  world.At({10}, recorder, 1);
  world.At({11}, recorder, 2);
  EXPECT_TRUE(world.RunNext({10}));
  EXPECT_FALSE(world.RunNext({10}));
  EXPECT_THAT(recorder.happened, ElementsAre(1));
  EXPECT_EQ(world.now(), Instant{10});
  EXPECT_FALSE(world.RunNext({5})) << "in the past: the clock never goes back";
  EXPECT_EQ(world.now(), Instant{10});
  World idle(1);
  EXPECT_FALSE(idle.RunNext({77}));
  EXPECT_EQ(idle.now(), Instant{77});
}

TEST(WorldTest, AnEventMayMakeAnotherOfTheSameInstant) {
  World world(1);
  Recorder recorder(world);
  recorder.again_at = 1;
  world.At({10}, recorder, 1);
  EXPECT_TRUE(world.RunNext({10}));
  EXPECT_TRUE(world.RunNext({10}));
  EXPECT_FALSE(world.RunNext({10}));
  EXPECT_THAT(recorder.happened, ElementsAre(1, 2));
}

struct Outcome {
  std::vector<uint64_t> order;
  uint64_t digest;
};

Outcome RunOf(uint64_t seed, uint64_t fact = 0) {
  World world(seed);
  Recorder recorder(world);
  for (uint64_t i = 0; i < 20; ++i) world.At({5}, recorder, i);
  while (world.RunNext(Instant::Never())) {
  }
  if (fact != 0) world.Note(fact);
  return {.order = recorder.happened, .digest = world.digest()};
}

TEST(WorldTest, TheSeedDrawsTheOrderOfOneInstant) {
  const Outcome first = RunOf(1);
  const Outcome again = RunOf(1);
  const Outcome other = RunOf(2);
  EXPECT_EQ(first.order, again.order);
  EXPECT_NE(first.order, other.order);
  std::vector<uint64_t> all(20);
  for (uint64_t i = 0; i < 20; ++i) all[i] = i;
  EXPECT_THAT(other.order, ::testing::UnorderedElementsAreArray(all));
}

TEST(WorldTest, TheDigestTellsRunsApart) {
  EXPECT_EQ(RunOf(1).digest, RunOf(1).digest);
  EXPECT_NE(RunOf(1).digest, RunOf(2).digest);
  EXPECT_NE(RunOf(1).digest, RunOf(1, /*fact=*/1).digest);
}

}  // namespace
}  // namespace floodgate::sim
