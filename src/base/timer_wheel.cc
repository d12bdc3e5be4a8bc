#include "base/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace floodgate {

TimerWheel::TimerWheel(Instant now) : tick_(now.ns / kTickNs) {}

size_t TimerWheel::BucketOf(Instant deadline) const {
  // What is overdue goes where the next Advance looks first.
  const int64_t tick = std::max(TickOf(deadline), tick_ + 1);
  return static_cast<size_t>(tick) % kBuckets;
}

void TimerWheel::Link(uint32_t index) {
  Timer& timer = timers_[index];
  const size_t number = BucketOf(timer.deadline);
  Bucket& bucket = buckets_[number];
  timer.previous = bucket.last;
  timer.next = kNone;
  (bucket.last == kNone ? bucket.first : timers_[bucket.last].next) = index;
  bucket.last = index;
  timer.bucket = static_cast<uint32_t>(number);
  occupied_[number / 64] |= uint64_t{1} << (number % 64);
}

void TimerWheel::Unlink(uint32_t index) {
  Timer& timer = timers_[index];
  Bucket& bucket = buckets_[timer.bucket];
  (timer.previous == kNone ? bucket.first : timers_[timer.previous].next) = timer.next;
  (timer.next == kNone ? bucket.last : timers_[timer.next].previous) = timer.previous;
  if (bucket.first == kNone) {
    occupied_[timer.bucket / 64] &= ~(uint64_t{1} << (timer.bucket % 64));
  }
}

TimerId TimerWheel::Arm(Instant deadline, uint64_t payload) {
  if (deadline == Instant::Never()) return {};
  uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<uint32_t>(timers_.size());
    timers_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Timer& timer = timers_[index];
  timer.deadline = deadline;
  timer.payload = payload;
  timer.armed = true;
  Link(index);
  ++armed_;
  return {.index = index, .generation = timer.generation};
}

void TimerWheel::Cancel(TimerId id) {
  if (!id.armed() || id.index >= timers_.size()) return;
  Timer& timer = timers_[id.index];
  if (!timer.armed || timer.generation != id.generation) return;
  Unlink(id.index);
  Free(id.index);
}

void TimerWheel::Free(uint32_t index) {
  Timer& timer = timers_[index];
  timer.armed = false;
  timer.generation = timer.generation == UINT32_MAX ? 1 : timer.generation + 1;
  free_.push_back(index);
  --armed_;
}

void TimerWheel::CollectDue(size_t number, Instant now) {
  for (uint32_t index = buckets_[number].first; index != kNone; index = timers_[index].next) {
    const Timer& timer = timers_[index];
    if (timer.deadline <= now) {
      due_.push_back({.index = index, .generation = timer.generation});
    }
  }
}

void TimerWheel::Advance(Instant now, const std::function<void(uint64_t payload)>& run) {
  const int64_t now_tick = now.ns / kTickNs;
  if (armed_ == 0 || now_tick <= tick_) {
    tick_ = std::max(tick_, now_tick);
    return;
  }
  due_.clear();
  const int64_t ticks = std::min<int64_t>(now_tick - tick_, kBuckets);
  for (int64_t i = 1; i <= ticks; ++i) {
    CollectDue(static_cast<size_t>(tick_ + i) % kBuckets, now);
  }
  tick_ = now_tick;
  for (const TimerId id : due_) {
    Timer& timer = timers_[id.index];
    if (!timer.armed || timer.generation != id.generation)
      continue;  // Cancelled by an earlier one.
    const uint64_t payload = timer.payload;
    Unlink(id.index);
    Free(id.index);
    run(payload);
  }
}

Instant TimerWheel::NextDeadline() const {
  if (armed_ == 0) return Instant::Never();
  const size_t start = static_cast<size_t>(tick_ + 1) % kBuckets;
  // Word by word from the next bucket on; the first word is looked at twice, for its lower bits
  // last.
  for (size_t i = 0; i <= occupied_.size(); ++i) {
    const size_t word = (start / 64 + i) % occupied_.size();
    uint64_t bits = occupied_[word];
    if (i == 0) bits &= ~uint64_t{0} << (start % 64);
    if (bits == 0) continue;
    const size_t number = word * 64 + static_cast<size_t>(std::countr_zero(bits));
    const size_t distance = (number + kBuckets - start) % kBuckets;
    return Instant{(tick_ + 1 + static_cast<int64_t>(distance)) * kTickNs};
  }
  return Instant::Never();
}

}  // namespace floodgate
