// Who is woken, and that nothing is lost between a look and a sleep.
#include "front/mailbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <semaphore>
#include <thread>

namespace floodgate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CountingWaker final : public Waker {
 public:
  void Wake() override { ++wakes; }
  int wakes = 0;
};

class MailboxTest : public ::testing::Test {
 protected:
  MailboxTest() { mailbox_.SetWaker(&waker_); }

  std::vector<int> Take() {
    std::vector<int> taken;
    mailbox_.TakeAll(taken);
    return taken;
  }

  CountingWaker waker_;
  Mailbox<int> mailbox_;
};

TEST_F(MailboxTest, KeepsTheOrder) {
  std::vector<int> batch = {2, 3};
  mailbox_.Post(1);
  mailbox_.Post(batch, Urgency::kUrgent);
  EXPECT_THAT(batch, IsEmpty());
  EXPECT_THAT(Take(), ElementsAre(1, 2, 3));
  EXPECT_THAT(Take(), IsEmpty());
}

TEST_F(MailboxTest, WakesNobodyWhoIsAwake) {
  mailbox_.Post(1);
  EXPECT_EQ(waker_.wakes, 0);
}

TEST_F(MailboxTest, ASleeperIsWokenOnceForAllThatComes) {
  ASSERT_TRUE(mailbox_.PrepareToSleep(false));
  mailbox_.Post(1);
  mailbox_.Post(2);
  EXPECT_EQ(waker_.wakes, 1);
  EXPECT_THAT(Take(), ElementsAre(1, 2));
  mailbox_.Post(3);  // Awake since it took.
  EXPECT_EQ(waker_.wakes, 1);
}

TEST_F(MailboxTest, NobodySleepsOnSomething) {
  mailbox_.Post(1, Urgency::kLazy);
  EXPECT_FALSE(mailbox_.PrepareToSleep(false));
  EXPECT_THAT(Take(), ElementsAre(1));
  EXPECT_TRUE(mailbox_.PrepareToSleep(false));
}

TEST_F(MailboxTest, LazyMessagesWakeThoseAloneWhoAskedForIt) {
  ASSERT_TRUE(mailbox_.PrepareToSleep(false));
  mailbox_.Post(1, Urgency::kLazy);
  EXPECT_EQ(waker_.wakes, 0);
  EXPECT_THAT(Take(), ElementsAre(1));
  ASSERT_TRUE(mailbox_.PrepareToSleep(true));
  mailbox_.Post(2, Urgency::kLazy);
  EXPECT_EQ(waker_.wakes, 1);
}

TEST_F(MailboxTest, AnEmptyBatchIsNoMessage) {
  std::vector<int> none;
  ASSERT_TRUE(mailbox_.PrepareToSleep(true));
  mailbox_.Post(none, Urgency::kUrgent);
  EXPECT_EQ(waker_.wakes, 0);
}

// A reader that sleeps on its waker alone must see everything that several writers post.
TEST(MailboxThreads, NothingIsLost) {
  class SleepingWaker final : public Waker {
   public:
    void Wake() override { wakes.release(); }
    std::counting_semaphore<> wakes{0};
  };
  constexpr int kWriters = 4;
  constexpr int kEach = 5000;
  SleepingWaker waker;
  Mailbox<int> mailbox;
  mailbox.SetWaker(&waker);
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&mailbox, writer] {
      for (int i = 0; i < kEach; ++i) mailbox.Post(writer * kEach + i);
    });
  }
  std::vector<int> next(kWriters, 0);
  std::vector<int> taken;
  int total = 0;
  while (total < kWriters * kEach) {
    mailbox.TakeAll(taken);
    for (const int message : taken)
      EXPECT_EQ(message % kEach, next[static_cast<size_t>(message / kEach)]++);
    total += static_cast<int>(taken.size());
    if (total < kWriters * kEach && mailbox.PrepareToSleep(false)) {
      ASSERT_TRUE(waker.wakes.try_acquire_for(std::chrono::seconds(20))) << "a lost wake-up";
    }
  }
  for (std::thread& writer : writers) writer.join();
}

}  // namespace
}  // namespace floodgate
