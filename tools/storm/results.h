// What a storm found out.
#ifndef FLOODGATE_TOOLS_STORM_RESULTS_H_
#define FLOODGATE_TOOLS_STORM_RESULTS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "tools/storm/histogram.h"
#include "tools/storm/outcome.h"
#include "tools/storm/timeline.h"

namespace floodgate::storm {

enum class EndedBy : uint8_t { kDone, kAttempts, kDuration, kInterrupt };

struct Results {
  uint64_t attempts = 0;
  std::array<uint64_t, kOutcomes> outcomes{};
  uint64_t connected = 0;
  uint64_t handshakes_full = 0;
  uint64_t handshakes_resumed = 0;
  uint64_t retries = 0;
  uint64_t agents = 0;
  uint64_t agents_faulty = 0;      // silent, garbage or reset
  uint64_t agents_served = 0;      // at least once
  uint64_t agents_unserved = 0;    // neither faulty nor meant to give up, and never served
  uint64_t closed_while_held = 0;  // served agents that the server ended during --hold
  uint64_t reconnects = 0;         // attempts that follow being cut off
  uint64_t heartbeats_sent = 0;
  uint64_t heartbeats_answered = 0;
  uint64_t heartbeats_missed = 0;  // no (good) answer before the next was due
  uint64_t bytes_received = 0;
  EndedBy ended_by = EndedBy::kDone;
  Instant started;  // the storm, on the monotonic clock
  Duration elapsed;
  Duration until_last_served;  // from the start of the storm
  Duration until_last_ended;   // the last attempt, served or not: goodput counts this time
  double cpu_user_seconds = 0;
  double cpu_system_seconds = 0;
  int64_t resident_kib_max = 0;
  int64_t open_max = 0;          // connections at a time
  uint64_t arrivals_missed = 0;  // no agent was free for them
  // From the start of the storm until that share of the honest agents was served once.
  std::optional<Duration> until_50_percent;
  std::optional<Duration> until_99_percent;
  std::optional<Duration> until_all;
  std::optional<uint64_t> syn_retransmits;  // in all of the network namespace
  std::vector<TimelineRow> timeline;
  std::string first_error;  // of the outcomes "error" and "tls_error"
  Histogram connect, handshake, first_byte, served, from_first_try;
  Histogram time_to_admitted;  // from_first_try, but from when the first attempt was due
  Histogram time_to_return;    // from being cut off until served again
  Histogram heartbeat;         // from saying it to the last byte of its answer
  Histogram arrival_late;      // how long after it was due the first attempt began

  uint64_t& Count(Outcome outcome) { return outcomes[static_cast<size_t>(outcome)]; }
  uint64_t Count(Outcome outcome) const { return outcomes[static_cast<size_t>(outcome)]; }
  double goodput_per_second() const;
  double cpu_seconds() const { return cpu_user_seconds + cpu_system_seconds; }
  // Of one core. Near 1 the storm itself was the limit.
  double cpu_share() const;
};

// One line without its end, for a storm that still runs: `elapsed` since its start, with `open`
// connections.
std::string ProgressLine(const Results& results, Duration elapsed, size_t agents, int64_t open);
std::string ResultsTable(const Results& results);
// The keys are explained in docs/storm.md.
std::string ResultsJson(const Results& results);

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_RESULTS_H_
