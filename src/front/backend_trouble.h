// Tells that the backend cannot be reached: at once when that begins, and then now and again,
// however many connections fail by it.
#ifndef FLOODGATE_FRONT_BACKEND_TROUBLE_H_
#define FLOODGATE_FRONT_BACKEND_TROUBLE_H_

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/log.h"
#include "base/time.h"

namespace floodgate {

// Thread-safe: all workers tell the same one. Guarantee: at most one line in any kSilence.
class BackendTrouble {
 public:
  static constexpr Duration kSilence = Duration::Seconds(10);

  // `address`: backend.address, as people write it. `log` outlives it.
  BackendTrouble(Log& log, std::string address) : log_(log), address_(std::move(address)) {}

  // A connection could not be made, and `why`. Writes a warning, or counts it for the next one.
  void Failed(absl::string_view why, Instant now);

 private:
  Log& log_;
  const std::string address_;
  std::mutex mutex_;     // of what follows
  Instant next_at_;      // no line before
  uint64_t untold_ = 0;  // failures since the last line
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_BACKEND_TROUBLE_H_
