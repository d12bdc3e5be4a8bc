// Timers for a loop: a hashed wheel (Varghese and Lauck, SOSP 1987, scheme 6). Arming and
// cancelling are O(1), and most timers of a front end are cancelled.
#ifndef FLOODGATE_BASE_TIMER_WHEEL_H_
#define FLOODGATE_BASE_TIMER_WHEEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/time.h"

namespace floodgate {

// Names an armed timer. Default-made: names none.
struct TimerId {
  uint32_t index = 0;
  uint32_t generation = 0;

  // It was armed once; whether it has run or been cancelled since is for its owner to know, who
  // sets the id to {} then.
  bool armed() const { return generation != 0; }
};

// Not thread-safe; reads no clock. Guarantee: a timer runs once, in the first Advance whose `now`
// is at or after its deadline rounded up to a whole tick (a millisecond): never early, and at most
// a tick late. What is overdue when it is armed runs at the next tick.
class TimerWheel {
 public:
  explicit TimerWheel(Instant now);

  // `payload` comes back when the deadline has come. Never() never does, and costs nothing.
  TimerId Arm(Instant deadline, uint64_t payload);
  // Nothing happens if it has run, was cancelled, or names none.
  void Cancel(TimerId id);
  // Runs what is due: in the order of ticks, within one in the order of arming (after a sleep of
  // more than four seconds, a turn of the wheel, that order is not kept). `run` may arm and cancel
  // timers; what it arms runs in a later Advance at the earliest.
  void Advance(Instant now, const std::function<void(uint64_t payload)>& run);
  // Advance finds nothing before this. May be earlier than the tick of the first deadline (then
  // Advance finds nothing and gives a better answer), never later. Never() if there is none.
  Instant NextDeadline() const;

  size_t size() const { return armed_; }

 private:
  static constexpr int64_t kTickNs = 1'000'000;
  static constexpr size_t kBuckets = 4096;  // four seconds a turn of the wheel
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Timer {
    Instant deadline;
    uint64_t payload = 0;
    uint32_t next = kNone;
    uint32_t previous = kNone;
    uint32_t generation = 1;
    uint32_t bucket = 0;
    bool armed = false;
  };
  struct Bucket {
    uint32_t first = kNone;
    uint32_t last = kNone;
  };

  static int64_t TickOf(Instant deadline) { return (deadline.ns + kTickNs - 1) / kTickNs; }
  size_t BucketOf(Instant deadline) const;
  void Link(uint32_t index);
  void Unlink(uint32_t index);
  void Free(uint32_t index);
  void CollectDue(size_t bucket, Instant now);

  std::array<Bucket, kBuckets> buckets_;
  std::array<uint64_t, kBuckets / 64> occupied_{};  // one bit a bucket
  std::vector<Timer> timers_;
  std::vector<uint32_t> free_;
  std::vector<TimerId> due_;
  int64_t tick_;  // all ticks up to this one have been looked at
  size_t armed_ = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_BASE_TIMER_WHEEL_H_
