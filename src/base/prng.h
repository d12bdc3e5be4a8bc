// Seeded pseudo-random numbers, the same on every compiler. Not for secrets.
#ifndef FLOODGATE_BASE_PRNG_H_
#define FLOODGATE_BASE_PRNG_H_

#include <cstdint>

namespace floodgate {

// splitmix64 (Steele, Lea, Flood, OOPSLA 2014). One draw per statement: the order in which a
// compiler evaluates arguments would otherwise change the run that a seed means.
class Prng {
 public:
  explicit constexpr Prng(uint64_t seed) : state_(seed) {}

  constexpr uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    return Mix(state_);
  }

  // Uniform in [0, bound). REQUIRES: bound > 0. The bias is below bound / 2^64.
  constexpr uint64_t Below(uint64_t bound) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<uint64_t>((static_cast<Wide>(Next()) * bound) >> 64);
  }

  constexpr bool Chance(uint32_t percent) { return Below(100) < percent; }

  // The finaliser alone: a good 64-bit mix of `x`.
  static constexpr uint64_t Mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
  }

 private:
  uint64_t state_;
};

}  // namespace floodgate

#endif  // FLOODGATE_BASE_PRNG_H_
