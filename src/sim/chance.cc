#include "sim/chance.h"

#include <cstdint>

namespace floodgate::sim {

Duration Exponential(Prng& prng, Duration mean) {
  for (int64_t whole = 0;; ++whole) {
    const uint64_t first = prng.Next();
    uint64_t last = first;
    bool odd = true;
    for (uint64_t next = prng.Next(); next < last; next = prng.Next()) {
      last = next;
      odd = !odd;
    }
    if (!odd) continue;
    __extension__ using Wide = unsigned __int128;
    const auto part =
        static_cast<int64_t>((static_cast<Wide>(first) * static_cast<uint64_t>(mean.ns)) >> 64);
    return {mean.ns * whole + part};
  }
}

}  // namespace floodgate::sim
