// The simulation's time, order and chance: one seed decides all three. Everything that happens is
// an event at an instant; events of the same instant come in an order that the seed draws.
#ifndef FLOODGATE_SIM_WORLD_H_
#define FLOODGATE_SIM_WORLD_H_

#include <cstdint>

#include "base/prng.h"
#include "base/time.h"
#include "sim/event_queue.h"

namespace floodgate::sim {

// Whoever has events. Outlives them.
class Actor {
 public:
  virtual ~Actor() = default;
  // `what` comes back as it was given to World::At. An event that has lost its meaning meanwhile
  // (events are not taken back) is the actor's to recognise: put a generation into `what`.
  virtual void OnEvent(uint64_t what) = 0;
};

// One thread.
class World {
 public:
  explicit World(uint64_t seed);

  // The virtual clock. Only RunNext moves it.
  Instant now() const { return now_; }
  // One draw per statement: the order in which a compiler evaluates arguments must not matter.
  Prng& prng() { return prng_; }

  // REQUIRES: `when` is not before now.
  void At(Instant when, Actor& actor, uint64_t what);
  // Runs the next event that is not after `until`, moving the clock to it; without one moves the
  // clock to `until` (unless that is Never()) and returns false.
  bool RunNext(Instant until);
  // When the next event is; Never() if there is none.
  Instant NextAt() const { return events_.NextAt(); }

  // Folds a fact into the digest of this run: two runs are the same exactly if their digests are.
  void Note(uint64_t fact) { digest_ = Prng::Mix(digest_ ^ fact); }
  uint64_t digest() const { return digest_; }
  uint64_t events_run() const { return events_run_; }

 private:
  Instant now_;
  Prng prng_;
  EventQueue events_;
  uint64_t digest_ = 0;
  uint64_t events_run_ = 0;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_WORLD_H_
