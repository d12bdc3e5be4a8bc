// What the gatekeeper does when more agents come than can be served: the parts of it, each of which
// can be replaced or left out, so that the simulation can compare them (docs/overload.md). A daemon
// always runs the default.
#ifndef FLOODGATE_CORE_OVERLOAD_POLICY_H_
#define FLOODGATE_CORE_OVERLOAD_POLICY_H_

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "core/patience.h"

namespace floodgate {

// Whom to serve next. All of them pass over those who have left, and serve those who were parked
// behind the gate first, in their order.
enum class ServiceRule : uint8_t {
  kHalfPatience,     // the oldest of those within half of the learned patience, else the newest
  kFirstInFirstOut,  // the oldest
  kNewestFirst,      // the newest
  kOldestThatFits,   // the oldest of those who have kFinishTime of their patience left, else
                     // the newest
  kNewestAfterCongestion  // the oldest while the queue has been empty within kCongestedAfter, the
                          // newest otherwise (adaptive LIFO; CoDel's interval, RFC 8289)
};

struct OverloadPolicy {
  ServiceRule rule = ServiceRule::kHalfPatience;
  // While agents leave, up to limits.waiting of them are taken from the kernel's queue, which only
  // gives its oldest, so that there is a choice. Otherwise no more than the workers can begin soon.
  bool looks_ahead = true;
  // While agents leave and the waiting room is full, the kernel's queue is kept short by listen(2):
  // who stands in a long one is out of patience at its end, and the kernels of those who find it
  // full come back by themselves.
  bool shortens_queue = true;
  // The workers are given few handshakes ahead of their work (ServiceRate::BeginMax).
  bool begins_few = true;
  // Those who leave between request and answer count as impatient, too. Without them, an order that
  // finishes everybody a moment too late never learns of it.
  bool learns_from_late = true;

  static constexpr Duration kFinishTime = Duration::Milliseconds(50);
  static constexpr Duration kCongestedAfter = Duration::Milliseconds(100);

  // Who is older than this is served only when nobody else is there. nullopt: oldest first.
  // `busy_since`: when it was last seen that nobody waited.
  std::optional<Duration> Horizon(Patience& patience, Instant busy_since, Instant now) const;
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_OVERLOAD_POLICY_H_
