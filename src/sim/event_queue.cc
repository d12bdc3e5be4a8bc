#include "sim/event_queue.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace floodgate::sim {
namespace {

uint64_t TimeOf(const Event& event) {
  return static_cast<uint64_t>(event.at.ns);
}

bool Later(const Event& a, const Event& b) {
  return a.tie > b.tie;
}

}  // namespace

void EventQueue::Push(const Event& event) {
  const uint64_t at_ns = TimeOf(event);
  FG_CHECK(event.at.ns >= 0 && at_ns >= last_ns_);
  const auto index = static_cast<size_t>(std::bit_width(at_ns ^ last_ns_));
  Bucket& bucket = buckets_[index];
  bucket.events.push_back(event);
  bucket.first_ns = std::min(bucket.first_ns, at_ns);
  filled_ |= uint64_t{1} << index;
  if (index == 0) std::push_heap(bucket.events.begin(), bucket.events.end(), Later);
}

size_t EventQueue::Lowest() const {
  FG_CHECK(filled_ != 0);
  return static_cast<size_t>(std::countr_zero(filled_));
}

Instant EventQueue::NextAt() const {
  if (empty()) return Instant::Never();
  return {static_cast<int64_t>(buckets_[Lowest()].first_ns)};
}

Event EventQueue::Pop() {
  if (Lowest() != 0) Deal(Lowest());
  Bucket& now = buckets_[0];
  std::pop_heap(now.events.begin(), now.events.end(), Later);
  const Event event = now.events.back();
  now.events.pop_back();
  if (now.events.empty()) {
    now.first_ns = UINT64_MAX;
    filled_ &= ~uint64_t{1};
  }
  return event;
}

void EventQueue::Deal(size_t lowest) {
  Bucket& bucket = buckets_[lowest];
  last_ns_ = bucket.first_ns;
  bucket.first_ns = UINT64_MAX;
  filled_ &= ~(uint64_t{1} << lowest);
  dealt_.clear();
  dealt_.swap(bucket.events);
  for (const Event& event : dealt_) Push(event);
}

}  // namespace floodgate::sim
