// `floodgate-tune predict`: the whole fleet comes in the instant in which the gate opens, in the
// simulation (docs/simulation.md).
#ifndef FLOODGATE_TOOLS_TUNE_PREDICT_H_
#define FLOODGATE_TOOLS_TUNE_PREDICT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "floodgate/backoff.h"
#include "sim/cold_start.h"
#include "sim/fleet.h"
#include "tools/tune/handshake_cost.h"

namespace floodgate::tune {

struct Question {
  int64_t agents = 1;
  int cores = 1;
  sim::AgentPatience patience;
  RetryPolicy retry = RetryPolicy::kImmediate;
  HandshakeCost handshake;
  Duration limit = Duration::Seconds(600);  // of virtual time, after the opening
  uint64_t seed = 1;
};

struct Prediction {
  int backlog = 0;  // agent.backlog, and net.core.somaxconn with it
  sim::ColdStartResult result;

  // Served agents, of the handshakes whose expensive step was made. 1 if none was.
  double goodput_ratio() const;
  uint64_t wasted_handshakes() const;
};

// Deterministic: the same question has the same answer. Descriptors are as many as it takes.
Prediction Predict(const Question& question, int backlog);

std::string PredictionHeading(const Question& question);
std::string PredictionRow(const Prediction& prediction);
// One object; its keys are in docs/tuning.md. `key`: whose handshake was measured; "": it was
// given.
std::string PredictionsJson(const Question& question, const std::string& key,
                            const std::vector<Prediction>& predictions);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_PREDICT_H_
