// What a trial's programs said, read and put together. Pure: texts and values in, values out.
#ifndef FLOODGATE_TOOLS_TUNE_TRIAL_READING_H_
#define FLOODGATE_TOOLS_TUNE_TRIAL_READING_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/time.h"
#include "tools/tune/trial.h"

namespace floodgate::tune {

// The addresses that floodgated told when it had bound them.
struct Ports {
  std::string controller;
  std::string agent;
};
absl::StatusOr<Ports> ReadPorts(absl::string_view json);

// Of floodgated's status, the agent port's.
struct StatusReading {
  uint64_t queue_depth = 0;
  uint64_t waiting = 0;    // taken from the queue, not yet admitted
  uint64_t in_flight = 0;  // handshakes
  uint64_t begun = 0;      // handshakes whose first step was made, the one that costs
  uint64_t stale = 0;      // found gone before any TLS was spent
  uint64_t overflows = 0;  // of all listeners of the network namespace, since it was made
  bool gate_is_open = false;

  // Nobody is in the queue or on the way to being served.
  bool idle() const { return queue_depth == 0 && waiting == 0 && in_flight == 0; }
};
absl::StatusOr<StatusReading> ReadAgentPort(absl::string_view json);

// How many are served, as the storm's timeline has it.
struct ServedUntil {
  Duration at;  // from the storm's start: the end of an interval
  uint64_t served = 0;
};

struct StormReading {
  Instant started;
  Duration elapsed;
  bool everybody_ended = false;  // served or gone for good; else its time was over
  uint64_t agents_served = 0;
  std::optional<Duration> half, most, all;
  uint64_t attempts = 0;
  uint64_t attempts_served = 0;
  uint64_t gave_up = 0;
  uint64_t syn_retransmits = 0;
  double cpu_share = 0;
  std::vector<ServedUntil> timeline;  // ascending
};
// FailedPrecondition: the storm ran out of something of its own, so it says nothing.
absl::StatusOr<StormReading> ReadStorm(absl::string_view json);

// Tries at the controller port.
struct ProbeReading {
  uint64_t tries = 0;  // that came to an end
  // Those that failed count as slower than all others. nullopt: there were no tries, or so many
  // failed.
  std::optional<Duration> p50, p99;
};
absl::StatusOr<ProbeReading> ReadProbe(absl::string_view json);

// A look at the daemon's status.
struct StatusSample {
  Instant at;
  StatusReading reading;
};

// `samples`: ascending, the first from before the storm; at least one. `end`: the status when the
// trial was over.
TrialResult MakeResult(const Fleet& fleet, const StormReading& storm, const ProbeReading& probe,
                       const std::vector<StatusSample>& samples, const StatusReading& end);

// At most `most` moments: those that are next to each other become one, the last of them with the
// deepest queue of them all. REQUIRES: most > 0.
std::vector<TrialMoment> Thin(const std::vector<TrialMoment>& moments, size_t most);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_TRIAL_READING_H_
