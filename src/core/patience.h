// How long agents wait before they give up, learned from those who did; and whether so many give up
// that the order in which the others are served must take it into account.
#ifndef FLOODGATE_CORE_PATIENCE_H_
#define FLOODGATE_CORE_PATIENCE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace floodgate {

// Everybody who left before being served is a sample: whether gone from the kernel's queue, from
// the waiting room, in the middle of the handshake, or between request and answer. Its age when
// found gone is at least its patience, as seen from here (the client's clock began with its SYN).
//
// The estimate is the median of these ages, rounded down by at most one eighth. Not a low
// percentile: a client whose SYN was dropped has spent a second or more before its connection
// begins to age, and is gone soon after. Samples fade: their weight is halved every kHalfLife. Ages
// below kAgeMin are not counted: such clients (port scans, health checks) have not waited for us.
//
// Not thread-safe. REQUIRES: `now` never goes back.
class Patience {
 public:
  static constexpr Duration kHalfLife = Duration::Seconds(2);
  static constexpr Duration kAgeMin = Duration::Milliseconds(20);
  // Agents are leaving when at least so many have left of late, and at least one of so many of
  // those who came to an end did so by leaving.
  static constexpr uint64_t kLeaversMin = 8;
  static constexpr uint64_t kShareMin = 32;
  // Of the horizon while agents are leaving. Where more come than can be served, those who are wait
  // for as long as the horizon; a longer one serves nobody more (as a standing queue does: Nichols,
  // Jacobson, RFC 8289), and takes as long to empty when the overload is over.
  static constexpr Duration kHorizonMax = Duration::Seconds(1);

  // `configured`: what agents are known to wait; nullopt: to be learned.
  explicit Patience(std::optional<Duration> configured, Instant now)
      : configured_(configured), faded_at_(now) {}

  void Configure(std::optional<Duration> configured) { configured_ = configured; }

  // A client left, unserved, `age` after its connection was established.
  void Left(Duration age, Instant now);
  // The same, after work had been spent on it.
  void LeftLate(Duration age, Instant now);
  // A client was served.
  void Served(Instant now);

  // So many leave that it must be reckoned with.
  bool Leaving(Instant now);
  // Configured, or as last learned; nullopt: not known yet.
  std::optional<Duration> Known() const { return configured_.has_value() ? configured_ : learned_; }
  // Whoever is older than this is not served before anybody who is not. nullopt: age does not
  // matter, for nobody is known to be impatient. Half of the patience, so that the other half is
  // left for the handshake and for the client's first SYN, and kHorizonMax at the most while agents
  // are leaving; and less where that is not enough (slow networks, clients of differing patience):
  // it shrinks by an eighth with everybody who leaves late, to an eighth of that one's age at the
  // least, and grows by a 512th of itself with everybody served, so that about one handshake in
  // sixty is the price of knowing the edge. It does not grow faster when the patience does: those
  // who wait for seconds say nothing about those who leave after half of one.
  std::optional<Duration> Horizon(Instant now);

 private:
  // Log-linear: 8 buckets for each power of two from 2^24 ns (17 ms) on.
  static constexpr int kFirstPower = 24;
  static constexpr int kPowers = 20;
  static constexpr size_t kBuckets = size_t{8} * kPowers;
  static constexpr uint64_t kOne = 1024;  // the weight of a fresh sample
  static constexpr int64_t kEdgeShrinks = 8;
  static constexpr int64_t kEdgeGrows = 512;

  static size_t BucketOf(Duration age);
  static Duration LowerBound(size_t bucket);
  void Fade(Instant now);
  void Learn();
  // REQUIRES: Known().
  Duration Edge() const;

  std::optional<Duration> configured_;
  std::optional<Duration> learned_;
  std::array<uint64_t, kBuckets> left_{};  // weights
  uint64_t left_total_ = 0;
  uint64_t served_total_ = 0;
  std::optional<Duration> edge_;  // of the horizon, below half of the patience; nullopt: none found
  Instant faded_at_;
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_PATIENCE_H_
