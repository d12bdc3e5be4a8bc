#include "sim/world.h"

#include "base/check.h"

namespace floodgate::sim {

World::World(uint64_t seed) : prng_(seed) {}

void World::At(Instant when, Actor& actor, uint64_t what) {
  FG_CHECK(when >= now_);
  const uint64_t tie = prng_.Next();
  events_.Push({.at = when, .tie = tie, .what = what, .actor = &actor});
}

bool World::RunNext(Instant until) {
  if (events_.empty() || events_.NextAt() > until) {
    if (until != Instant::Never() && until > now_) now_ = until;
    return false;
  }
  const Event event = events_.Pop();
  now_ = event.at;
  ++events_run_;
  Note(static_cast<uint64_t>(event.at.ns));
  Note(event.what);
  event.actor->OnEvent(event.what);
  return true;
}

}  // namespace floodgate::sim
