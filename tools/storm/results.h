// What a storm found out.
#ifndef FLOODGATE_TOOLS_STORM_RESULTS_H_
#define FLOODGATE_TOOLS_STORM_RESULTS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/time.h"

namespace floodgate::storm {

// How an attempt ended. Each ends in exactly one way.
enum class Outcome : uint8_t {
  kServed,
  kRefused,  // ECONNREFUSED
  kReset,    // reset before it was served
  kClosed,   // FIN before it was served
  kConnectTimeout,
  kHandshakeTimeout,
  kFirstByteTimeout,
  kOutOfPatience,
  kGaveUp,  // on purpose: --give-up, --reset
  kTlsError,
  kNoPort,  // no local port, address or descriptor was free: the storm's own limit
  kError,
  kUnfinished,  // the storm ended first
};
inline constexpr std::array<absl::string_view, 13> kOutcomeNames = {"served",
                                                                    "refused",
                                                                    "reset",
                                                                    "closed",
                                                                    "connect_timeout",
                                                                    "handshake_timeout",
                                                                    "first_byte_timeout",
                                                                    "patience",
                                                                    "gave_up",
                                                                    "tls_error",
                                                                    "no_port",
                                                                    "error",
                                                                    "unfinished"};

// Latencies in nanoseconds, exact.
class Samples {
 public:
  void Add(Duration duration) { ns_.push_back(duration.ns); }
  size_t size() const { return ns_.size(); }
  // `share` in 0..1 (nearest rank); sorts when called first. 0 if there are none.
  double PercentileMs(double share);

 private:
  std::vector<int64_t> ns_;
  bool sorted_ = false;
};

struct Results {
  uint64_t attempts = 0;
  std::array<uint64_t, kOutcomeNames.size()> outcomes{};
  uint64_t connected = 0;
  uint64_t handshakes_full = 0;
  uint64_t handshakes_resumed = 0;
  uint64_t retries = 0;
  uint64_t agents = 0;
  uint64_t agents_served = 0;
  uint64_t closed_while_held = 0;  // served agents that the server ended during --hold
  uint64_t bytes_received = 0;
  Duration elapsed;
  Duration until_last_served;  // from the start of the storm
  double cpu_seconds = 0;      // of this process
  int64_t open_max = 0;        // connections at a time
  Samples connect, handshake, first_byte, served, from_first_try;

  uint64_t& Count(Outcome outcome) { return outcomes[static_cast<size_t>(outcome)]; }
};

std::string ResultsTable(Results& results);
std::string ResultsJson(Results& results);

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_RESULTS_H_
