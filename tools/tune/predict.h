// `floodgate-tune predict`: the whole fleet comes in the instant in which the gate opens, in the
// simulation (docs/simulation.md).
#ifndef FLOODGATE_TOOLS_TUNE_PREDICT_H_
#define FLOODGATE_TOOLS_TUNE_PREDICT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "sim/cold_start.h"
#include "sim/fleet.h"
#include "tools/tune/admission_cost.h"
#include "tools/tune/trial.h"

namespace floodgate::tune {

// Agents that are not out in the field but are those of floodgate-storm on floodgated's own host.
struct StormHost {
  uint32_t somaxconn = 4096;         // net.core.somaxconn, which cuts the backlog
  uint32_t exponential_syn_pct = 0;  // of agents whose SYNs are sent again as before Linux 6.5
  sim::AgentHostCosts costs;         // of its one thread
  Duration probe_gap;  // between two connections to the controller port meanwhile; 0: none
};

// What the storm's thread takes for an agent whose TLS costs that.
sim::AgentHostCosts StormCosts(const HandshakeCost& handshake);

struct Question {
  Fleet fleet;
  int cores = 1;
  AdmissionCost cost{.handshake = {}, .rest = kUsualRest};
  Duration parked;                          // it comes so long before the gate opens
  Duration limit = Duration::Seconds(600);  // of virtual time, after the opening
  uint64_t seed = 1;
  std::optional<StormHost> storm;
};

struct Prediction {
  Setting setting;  // and net.core.somaxconn is at least its backlog
  sim::ColdStartResult result;

  // Served agents by handshakes whose expensive step was made. 0 if none was: they came in vain.
  double goodput_ratio() const;
  uint64_t wasted_handshakes() const;
};

// Deterministic: the same question has the same answer. Descriptors are as many as it takes.
Prediction Predict(const Question& question, const Setting& setting);

// As a trial tells it. Of the controllers, and of CPU time, nothing.
TrialResult AsTrial(const Prediction& prediction);

std::string PredictionHeading(const Question& question);
std::string PredictionRow(const Prediction& prediction);
// One object; its keys are in docs/tuning.md. `key`: whose handshake was measured; "": it was
// given.
std::string PredictionsJson(const Question& question, const std::string& key,
                            const std::vector<Prediction>& predictions);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_PREDICT_H_
