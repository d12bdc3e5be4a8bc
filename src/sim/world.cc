#include "sim/world.h"

#include <algorithm>
#include <tuple>

#include "base/check.h"

namespace floodgate::sim {

World::World(uint64_t seed) : prng_(seed) {}

bool World::Later(const Event& a, const Event& b) {
  return std::tie(a.at.ns, a.tie) > std::tie(b.at.ns, b.tie);
}

void World::At(Instant when, Actor& actor, uint64_t what) {
  FG_CHECK(when >= now_);
  const uint64_t tie = prng_.Next();
  events_.push_back({.at = when, .tie = tie, .what = what, .actor = &actor});
  std::push_heap(events_.begin(), events_.end(), Later);
}

bool World::RunNext(Instant until) {
  if (events_.empty() || events_.front().at > until) {
    if (until != Instant::Never() && until > now_) now_ = until;
    return false;
  }
  std::pop_heap(events_.begin(), events_.end(), Later);
  const Event event = events_.back();
  events_.pop_back();
  now_ = event.at;
  ++events_run_;
  Note(static_cast<uint64_t>(event.at.ns));
  Note(event.what);
  event.actor->OnEvent(event.what);
  return true;
}

Instant World::NextAt() const {
  return events_.empty() ? Instant::Never() : events_.front().at;
}

}  // namespace floodgate::sim
