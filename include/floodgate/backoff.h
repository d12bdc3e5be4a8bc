// How long a client waits before it tries again. Header only; needs nothing but the standard
// library; integers alone, so that a seed means the same delays with every compiler.
//
//   floodgate::Backoff backoff({.policy = floodgate::RetryPolicy::kFullJitter}, seed);
//   while (!Connect()) {
//     const std::optional<int64_t> delay_ns = backoff.NextDelayNs();
//     if (!delay_ns.has_value()) return;  // The policy is not to try again.
//     WaitFor(*delay_ns);
//   }
//   backoff.Reset();
//
// The policies, where n is the number of failures since the last success, the newest not counted
// (so 0 after the first), and d(n) the delay that follows it:
//
//   none                 never
//   immediate            d(n) = 0
//   fixed                d(n) = min(cap, base)
//   exponential          d(n) = min(cap, base * 2^n)
//   full-jitter          d(n) = uniform in [0, min(cap, base * 2^n)]
//   decorrelated-jitter  d(n) = min(cap, uniform in [base, 3 * d(n-1)]),  d(-1) = base
//
// The last two are named and given by Marc Brooker, "Exponential Backoff And Jitter", AWS
// Architecture Blog, March 2015. A fleet that lost its server in the same instant returns in the
// same instant with all policies but these two; there full jitter makes the fewest attempts in all,
// and decorrelated jitter never returns sooner than base. Give the latter a cap far above base:
// what it draws beyond the cap is cut to it, and those cut come back together.
//
// Guarantees, besides NextRange(): a client that fails at once each time makes at most
//   fixed, decorrelated-jitter   1 + w / base                       attempts in any window w
//   exponential                  2 + log2(1 + w / base) + w / cap   attempts in the first w
// Full jitter waits half as long in the mean as exponential: at the cap 2 * w / cap attempts.
#ifndef FLOODGATE_BACKOFF_H_
#define FLOODGATE_BACKOFF_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

namespace floodgate {

enum class RetryPolicy : uint8_t {
  kNone,
  kImmediate,
  kFixed,
  kExponential,
  kFullJitter,
  kDecorrelatedJitter,
};

struct BackoffOptions {
  RetryPolicy policy = RetryPolicy::kFullJitter;
  int64_t base_ns = 100'000'000;    // of the first delay; negative counts as 0
  int64_t cap_ns = 10'000'000'000;  // of any delay; below base, base counts as cap
};

// The state of one client; 40 bytes. Not thread-safe. Never overflows, however often it fails and
// however large base and cap are.
class Backoff {
 public:
  // Both ends belong to it.
  struct Range {
    int64_t least_ns = 0;
    int64_t most_ns = 0;
    friend constexpr bool operator==(const Range&, const Range&) = default;
  };

  // `seed` decides all delays. Clients of one fleet need different seeds: with the same one they
  // come back together.
  constexpr Backoff(const BackoffOptions& options, uint64_t seed)
      : policy_(options.policy),
        cap_ns_(std::max<int64_t>(options.cap_ns, 0)),
        base_ns_(std::clamp<int64_t>(options.base_ns, 0, cap_ns_)),
        random_state_(seed),
        previous_ns_(base_ns_) {}

  // To be called after each failure: how long to wait before the next attempt. nullopt: never
  // (kNone). Guarantee: within the NextRange() of before. Draws from the random source once if
  // the policy has jitter, else not at all.
  constexpr std::optional<int64_t> NextDelayNs() {
    if (policy_ == RetryPolicy::kNone) return std::nullopt;
    const Range drawn = DrawRange();
    const bool jitter =
        policy_ == RetryPolicy::kFullJitter || policy_ == RetryPolicy::kDecorrelatedJitter;
    const int64_t delay_ns =
        std::min(cap_ns_, jitter ? Uniform(drawn.least_ns, drawn.most_ns) : drawn.most_ns);
    previous_ns_ = delay_ns;
    if (failures_ < std::numeric_limits<uint32_t>::max()) ++failures_;
    return delay_ns;
  }

  // To be called after a success: the next failure counts as the first. The random source goes on.
  constexpr void Reset() {
    failures_ = 0;
    previous_ns_ = base_ns_;
  }

  // What the next delay is within: the formulas above. {0, 0} for kNone, which has none.
  constexpr Range NextRange() const {
    const Range drawn = DrawRange();
    return {std::min(drawn.least_ns, cap_ns_), std::min(drawn.most_ns, cap_ns_)};
  }

  // Since the last success, at most 2^32 - 1.
  constexpr uint32_t failures() const { return failures_; }

 private:
  // What is drawn from, before the cap.
  constexpr Range DrawRange() const {
    switch (policy_) {
      case RetryPolicy::kNone:
      case RetryPolicy::kImmediate:
        return {0, 0};
      case RetryPolicy::kFixed:
        return {base_ns_, base_ns_};
      case RetryPolicy::kExponential:
        return {Doubled(), Doubled()};
      case RetryPolicy::kFullJitter:
        return {0, Doubled()};
      case RetryPolicy::kDecorrelatedJitter: {
        constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
        return {base_ns_, previous_ns_ > kMost / 3 ? kMost : previous_ns_ * 3};
      }
    }
    return {0, 0};
  }

  // min(cap, base * 2^failures)
  constexpr int64_t Doubled() const {
    if (base_ns_ == 0) return 0;
    if (failures_ >= 63 || base_ns_ > (cap_ns_ >> failures_)) return cap_ns_;
    return base_ns_ << failures_;
  }

  // Uniform in [least, most], bias below 2^-63 of the width. REQUIRES: 0 <= least <= most. A draw
  // of splitmix64 (Steele, Lea, Flood, OOPSLA 2014), scaled by the upper half of a product.
  constexpr int64_t Uniform(int64_t least, int64_t most) {
    random_state_ += 0x9e3779b97f4a7c15ULL;
    uint64_t draw = random_state_;
    draw = (draw ^ (draw >> 30)) * 0xbf58476d1ce4e5b9ULL;
    draw = (draw ^ (draw >> 27)) * 0x94d049bb133111ebULL;
    draw ^= draw >> 31;
    const uint64_t width = static_cast<uint64_t>(most - least) + 1;
    return least + static_cast<int64_t>(UpperHalf(draw, width));
  }

  // Of the 128 bits of a * b; standard C++ has no such type.
  static constexpr uint64_t UpperHalf(uint64_t a, uint64_t b) {
    const uint64_t a_low = a & 0xffffffffULL;
    const uint64_t a_high = a >> 32;
    const uint64_t b_low = b & 0xffffffffULL;
    const uint64_t b_high = b >> 32;
    const uint64_t middle = a_high * b_low + ((a_low * b_low) >> 32);
    const uint64_t carry = a_low * b_high + (middle & 0xffffffffULL);
    return a_high * b_high + (middle >> 32) + (carry >> 32);
  }

  RetryPolicy policy_;
  uint32_t failures_ = 0;
  int64_t cap_ns_;
  int64_t base_ns_;
  uint64_t random_state_;
  int64_t previous_ns_;
};

static_assert(sizeof(Backoff) == 40, "a fleet of simulated clients has many of them");

}  // namespace floodgate

#endif  // FLOODGATE_BACKOFF_H_
