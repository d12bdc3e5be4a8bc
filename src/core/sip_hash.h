// A keyed hash for tables whose keys are chosen by the peers.
#ifndef FLOODGATE_CORE_SIP_HASH_H_
#define FLOODGATE_CORE_SIP_HASH_H_

#include <bit>
#include <cstdint>

#include "base/prng.h"

namespace floodgate {

// SipHash-c-d (Aumasson and Bernstein, INDOCRYPT 2012) of sixteen bytes. Without the key nobody can
// find inputs that collide better than by chance. Tables use SipHash-1-3, as Linux and Rust do;
// the numbers of rounds are parameters so that the paper's test vector, for 2-4, can be checked.
class SipKey {
 public:
  constexpr SipKey(uint64_t k0, uint64_t k1) : k0_(k0), k1_(k1) {}
  // A key of a seed, which is random in production and fixed in simulations.
  static constexpr SipKey FromSeed(uint64_t seed) {
    Prng prng(seed);
    const uint64_t k0 = prng.Next();
    const uint64_t k1 = prng.Next();
    return SipKey(k0, k1);
  }

  // `first` and `second`: the bytes 0..7 and 8..15 as little-endian numbers.
  template <int kCompression = 1, int kFinalization = 3>
  constexpr uint64_t Hash(uint64_t first, uint64_t second) const {
    State state{k0_ ^ 0x736f6d6570736575ULL, k1_ ^ 0x646f72616e646f6dULL,
                k0_ ^ 0x6c7967656e657261ULL, k1_ ^ 0x7465646279746573ULL};
    constexpr uint64_t kLength = uint64_t{16} << 56;
    for (const uint64_t word : {first, second, kLength}) {
      state.v3 ^= word;
      for (int i = 0; i < kCompression; ++i) state.Round();
      state.v0 ^= word;
    }
    state.v2 ^= 0xff;
    for (int i = 0; i < kFinalization; ++i) state.Round();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
  }

 private:
  struct State {
    uint64_t v0, v1, v2, v3;
    constexpr void Round() {
      v0 += v1;
      v2 += v3;
      v1 = std::rotl(v1, 13) ^ v0;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 = std::rotl(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = std::rotl(v1, 17) ^ v2;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 = std::rotl(v2, 32);
    }
  };

  uint64_t k0_;
  uint64_t k1_;
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_SIP_HASH_H_
