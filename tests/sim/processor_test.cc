#include "sim/processor.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "sim/world.h"

namespace floodgate::sim {
namespace {

constexpr Duration Ms(int64_t milliseconds) {
  return Duration::Milliseconds(milliseconds);
}

// Has pieces of given costs, and writes down when each was decided and when its time had passed.
class Script final : public Task {
 public:
  Script(World& world, std::vector<Duration> costs) : world_(world), costs_(std::move(costs)) {}

  bool Runnable() override { return next_ < costs_.size(); }
  Duration Run() override {
    decided.push_back(world_.now());
    if (on_run) on_run();
    return costs_[next_++];
  }
  void Passed() override { passed.push_back(world_.now()); }
  void Add(Duration cost) { costs_.push_back(cost); }

  std::vector<Instant> decided;
  std::vector<Instant> passed;
  std::function<void()> on_run;

 private:
  World& world_;
  std::vector<Duration> costs_;
  size_t next_ = 0;
};

class ProcessorTest : public testing::Test {
 protected:
  void RunUntil(Instant until) {
    while (world_.RunNext(until)) {
    }
  }
  World world_{1};
};

TEST_F(ProcessorTest, NothingRunsBeforeItIsWoken) {
  Processor processor(world_, {});
  Script script(world_, {Ms(1)});
  processor.Add(script);
  RunUntil(Instant{} + Ms(10));
  EXPECT_TRUE(script.decided.empty());
}

TEST_F(ProcessorTest, ThePiecesOfAThreadPassOneAfterTheOther) {
  Processor processor(world_, {});
  Script script(world_, {Ms(2), Ms(0), Ms(7)});
  processor.Wake(processor.Add(script));
  RunUntil(Instant{} + Ms(20));
  const Instant start;
  EXPECT_EQ(script.decided, (std::vector<Instant>{start, start + Ms(2), start + Ms(2)}));
  EXPECT_EQ(script.passed, (std::vector<Instant>{start + Ms(2), start + Ms(2), start + Ms(9)}));
  EXPECT_EQ(processor.busy(), Ms(9));
}

TEST_F(ProcessorTest, WhoIsWokenByAPieceRunsAfterItsTimeEvenOnACoreOfItsOwn) {
  Processor processor(world_, {.cores = 2});
  Script waker(world_, {Ms(5)});
  Script woken(world_, {Ms(1)});
  const size_t woken_id = processor.Add(woken);
  waker.on_run = [&] { processor.Wake(woken_id); };
  processor.Wake(processor.Add(waker));
  RunUntil(Instant{} + Ms(20));
  EXPECT_EQ(woken.decided, (std::vector<Instant>{Instant{} + Ms(5)}));
}

TEST_F(ProcessorTest, TwoCoresRunTwoThreadsAtATime) {
  Processor processor(world_, {.cores = 2});
  Script one(world_, {Ms(10)});
  Script two(world_, {Ms(10)});
  processor.Wake(processor.Add(one));
  processor.Wake(processor.Add(two));
  RunUntil(Instant{} + Ms(50));
  EXPECT_EQ(one.passed, (std::vector<Instant>{Instant{} + Ms(10)}));
  EXPECT_EQ(two.passed, (std::vector<Instant>{Instant{} + Ms(10)}));
}

TEST_F(ProcessorTest, ThreadsThatAreAlwaysReadyShareACoreWithinASlice) {
  Processor processor(world_, {.cores = 1, .slice = Ms(3)});
  Script one(world_, std::vector<Duration>(1000, Ms(1)));
  Script two(world_, std::vector<Duration>(1000, Ms(5)));
  const size_t one_id = processor.Add(one);
  const size_t two_id = processor.Add(two);
  processor.Wake(one_id);
  processor.Wake(two_id);
  for (int64_t at_ms = 7; at_ms < 500; at_ms += 7) {
    RunUntil(Instant{} + Ms(at_ms));
    const Duration apart = processor.busy(one_id) - processor.busy(two_id);
    EXPECT_LE(apart, Ms(6)) << "at " << at_ms;
    EXPECT_GE(apart, Ms(-6)) << "at " << at_ms;
  }
}

TEST_F(ProcessorTest, WhoHasSleptTakesTheCoreFromWhoHasRunMuch) {
  Processor processor(world_, {.cores = 1, .slice = Ms(100), .wakeup_margin = Ms(1)});
  Script busy(world_, {Ms(50)});
  Script sleeper(world_, {Ms(2)});
  const size_t sleeper_id = processor.Add(sleeper);
  processor.Wake(processor.Add(busy));
  RunUntil(Instant{} + Ms(10));
  processor.Wake(sleeper_id);
  RunUntil(Instant{} + Ms(100));
  EXPECT_EQ(sleeper.decided, (std::vector<Instant>{Instant{} + Ms(10)}));
  EXPECT_EQ(busy.passed, (std::vector<Instant>{Instant{} + Ms(52)})) << "not a moment is lost";
}

TEST_F(ProcessorTest, WithinTheMarginNobodyIsInterrupted) {
  Processor processor(world_, {.cores = 1, .slice = Ms(100), .wakeup_margin = Ms(20)});
  Script busy(world_, {Ms(15)});
  Script sleeper(world_, {Ms(2)});
  const size_t sleeper_id = processor.Add(sleeper);
  processor.Wake(processor.Add(busy));
  RunUntil(Instant{} + Ms(10));
  processor.Wake(sleeper_id);
  RunUntil(Instant{} + Ms(100));
  EXPECT_EQ(sleeper.decided, (std::vector<Instant>{Instant{} + Ms(15)}));
}

TEST_F(ProcessorTest, WhoIsRemovedNeverRunsAgainAndLeavesTheCore) {
  Processor processor(world_, {});
  Script removed(world_, {Ms(50), Ms(50)});
  Script other(world_, {Ms(5)});
  const size_t removed_id = processor.Add(removed);
  const size_t other_id = processor.Add(other);
  processor.Wake(removed_id);
  RunUntil(Instant{} + Ms(1));
  processor.Remove(removed_id);
  processor.Wake(removed_id);
  processor.Wake(other_id);
  RunUntil(Instant{} + Ms(200));
  EXPECT_TRUE(removed.passed.empty());
  EXPECT_EQ(other.passed, (std::vector<Instant>{Instant{} + Ms(6)}));
  EXPECT_EQ(processor.busy(), Ms(6));
}

}  // namespace
}  // namespace floodgate::sim
