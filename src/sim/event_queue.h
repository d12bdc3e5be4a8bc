// The events to come, as a radix heap (Ahuja, Mehlhorn, Orlin and Tarjan, "Faster algorithms for
// the shortest path problem", 1990). It uses that no event is set before the one that was taken
// last: each lies in the bucket of the highest bit in which its time differs from that one's, moves
// only to lower buckets, and always with those beside it in memory. In a binary heap of a million
// events every level is a miss of the cache.
#ifndef FLOODGATE_SIM_EVENT_QUEUE_H_
#define FLOODGATE_SIM_EVENT_QUEUE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace floodgate::sim {

class Actor;

struct Event {
  Instant at;         // not before the clock's zero
  uint64_t tie = 0;   // the order of events of the same instant
  uint64_t what = 0;  // World::At
  Actor* actor = nullptr;
};

// One thread.
class EventQueue {
 public:
  bool empty() const { return filled_ == 0; }
  // REQUIRES: not before the event that was taken last.
  void Push(const Event& event);
  // When the next event is; Never() if there is none.
  Instant NextAt() const;
  // REQUIRES: not empty.
  Event Pop();

 private:
  // The events whose time differs from last_ns_ in no bit (0), or in bit i - 1 as the highest.
  struct Bucket {
    std::vector<Event> events;  // of bucket 0: a heap by tie
    uint64_t first_ns = UINT64_MAX;
  };
  static constexpr size_t kBuckets = 64;  // times have 63 bits

  // That of the first event. REQUIRES: not empty.
  size_t Lowest() const;
  // Empties the lowest bucket, which is not 0: the time of its first event becomes last_ns_, and
  // all go to lower buckets, the first to 0.
  void Deal(size_t lowest);

  std::array<Bucket, kBuckets> buckets_;
  std::vector<Event> dealt_;  // Deal's, kept for its memory
  uint64_t filled_ = 0;       // bit i: bucket i is not empty
  uint64_t last_ns_ = 0;      // the time of the event that was taken last
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_EVENT_QUEUE_H_
