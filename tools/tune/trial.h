// One real trial: a floodgated of one's own with given settings, a storm against its agent port the
// moment its gate opens, and a probe of its controller port meanwhile.
#ifndef FLOODGATE_TOOLS_TUNE_TRIAL_H_
#define FLOODGATE_TOOLS_TUNE_TRIAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/time.h"
#include "floodgate/backoff.h"
#include "front/self_signed.h"
#include "sim/fleet.h"

namespace floodgate::tune {

// What is tried out.
struct Setting {
  int backlog = 4096;  // agent.backlog, 1 and up
  int drain_rate = 0;  // agents a second while draining; 0: as fast as the handshakes bear
  int handshakes = 0;  // handshakes at a time; 0: as floodgated chooses

  friend bool operator==(const Setting&, const Setting&) = default;
};

// Who comes.
struct Fleet {
  int64_t agents = 1000;
  sim::AgentPatience patience;
  RetryPolicy retry = RetryPolicy::kImmediate;
};

// On what. The daemon has the first `cores` of the cores that this process may use, and as many
// workers; the storm has the others, or if there are none shares the last.
struct Bench {
  int cores = 1;
  KeyKind key = KeyKind::kEcdsaP256;
  std::string floodgated;                   // path of the program
  std::string storm;                        // path of floodgate-storm
  Duration limit = Duration::Seconds(120);  // for the storm; then who is not in is not in
};

// A moment of the trial.
struct TrialMoment {
  Duration at;               // since the gate opened and the storm began
  uint64_t queue_depth = 0;  // of the agent port's accept queue
  uint64_t served = 0;       // agents that have their answer
};

struct TrialResult {
  uint64_t agents = 0;
  uint64_t served = 0;
  // From the first agent's first connect, which is when the gate opens. nullopt: not in this trial.
  std::optional<Duration> half, most, all;  // 50, 99 and 100 per cent are served
  uint64_t attempts = 0;
  uint64_t gave_up = 0;  // attempts whose patience was over
  uint64_t accept_overflows = 0;
  uint64_t syn_retransmits = 0;
  uint64_t stale = 0;              // found gone before any TLS was spent on them
  uint64_t wasted_handshakes = 0;  // full handshakes begun for somebody who was not served
  uint64_t queue_depth_max = 0;
  // Of the probe: connect, handshake, request, answer. nullopt: no prediction tells it.
  std::optional<uint64_t> controller_tries;
  std::optional<Duration> controller_p50, controller_p99;
  // CPU time of floodgated while the storm went on, with the backend that it brought along.
  std::optional<Duration> daemon_cpu;
  // Of one core; near 1 the storm itself was the limit. nullopt: there was no storm.
  std::optional<double> storm_cpu_share;
  std::vector<TrialMoment> timeline;  // at most some 200, ascending
};

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_TRIAL_H_
