#include "tools/tune/clock.h"

#include <cstdint>
#include <ctime>

namespace floodgate::tune {

Instant ReadClock() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return Instant{int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec};
}

}  // namespace floodgate::tune
