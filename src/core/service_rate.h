// How many agents the workers bring through their handshakes a second, when they have as many as
// they can take; and what follows from it for how many may wait.
#ifndef FLOODGATE_CORE_SERVICE_RATE_H_
#define FLOODGATE_CORE_SERVICE_RATE_H_

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace floodgate {

// Measures while there is always work to be done, over stretches of kStretchMin and kCountMin
// handshakes at the least; the estimate is an exponentially weighted mean of the stretches (weight
// 1/4, RFC 6298 section 2 has the form). Not thread-safe. REQUIRES: `now` never goes back.
class ServiceRate {
 public:
  // One more agent's handshake has come to its end, done or failed.
  void Finished() { ++count_; }
  // To be called each turn: whether somebody waits for a handshake now.
  void Update(bool saturated, Instant now);

  // A second, at least 1; nullopt: never been saturated for long enough.
  std::optional<int64_t> per_second() const;

  // How many handshakes may be at the workers without having been begun: kAheadOfWorkers worth of
  // work, so that a worker is never idle while the gatekeeper decides, and who is begun next is
  // decided as late as that; at least two a worker. Without an estimate eight a worker, so that
  // others wait and there is one soon.
  int64_t BeginMax(int64_t workers, int64_t most) const;
  // How many are worth holding in the kernel's queue when nobody older than `horizon` is served
  // first: those who can be served in a quarter of it, or in a second; at least kQueueMin. nullopt:
  // not known.
  std::optional<int64_t> QueueMax(Duration horizon) const;

 private:
  static constexpr Duration kStretchMin = Duration::Milliseconds(50);
  static constexpr int64_t kCountMin = 8;
  static constexpr Duration kAheadOfWorkers = Duration::Milliseconds(10);
  static constexpr int64_t kBeginEach = 2;
  static constexpr int64_t kBeginEachUnknown = 8;
  static constexpr int64_t kQueueMin = 64;

  bool saturated_ = false;
  Instant since_;      // of the stretch
  int64_t count_ = 0;  // in it
  Duration each_;      // mean time between two ends; 0: not known
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_SERVICE_RATE_H_
