// `floodgate-tune recommend`: the settings with which a stated fleet is in within a stated time,
// searched with the simulation. No file, socket or clock is touched.
#ifndef FLOODGATE_TOOLS_TUNE_RECOMMEND_H_
#define FLOODGATE_TOOLS_TUNE_RECOMMEND_H_

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/time.h"
#include "front/self_signed.h"
#include "tools/tune/predict.h"
#include "tools/tune/rules.h"

namespace floodgate::tune {

struct Wanted {
  Fleet fleet;
  int cores = 1;
  AdmissionCost cost{.handshake = {}, .rest = kUsualRest};
  // Whose cost that is; nullopt: it was given.
  std::optional<KeyKind> key;
  // What an agent would cost with an ECDSA P-256 key; by default as on the machine of
  // docs/benchmarks.md.
  AdmissionCost ecdsa_cost{.handshake = PartsOf(Duration::Microseconds(250)), .rest = kUsualRest};
  // From the opening of the gate until every agent is in.
  Duration recovery;
  // The fleet comes so long before the gate opens, and also in that very instant: both must do.
  Duration parked = Duration::Seconds(10);
  bool unix_backend = false;
  uint64_t seed = 1;
};

// One setting, simulated.
struct Judged {
  Setting setting;
  Prediction together;   // the fleet comes in the instant in which the gate opens
  Prediction parked;     // it comes before
  bool in_time = false;  // in both cases each agent is served, within the recovery time
  bool does_it = false;  // and few find the queue full: see FewFull
};

// What decides that nothing does it.
enum class Bound : uint8_t {
  kCpu,        // the work takes longer than the recovery time
  kPatience,   // agents that leave before their turn never come in
  kRetries,    // agents leave before their turn and come again, which takes too long
  kFullQueue,  // there are settings with which all are in in time, but see FewFull
};
inline constexpr std::array<absl::string_view, 4> kBoundNames = {"cpu", "patience", "retries",
                                                                 "full-queue"};

// Why nothing does it, and what would.
struct Bottleneck {
  Bound bound = Bound::kCpu;
  std::string why;                    // in sentences
  std::vector<std::string> remedies;  // each tried in the simulation, but for the last
};

// A setting to make, with its reason in sentences.
struct Reasoned {
  Change change;
  std::string why;
};

struct Recommendation {
  bool met = false;
  Judged best;                        // what is recommended; if nothing does it, the queue for all
  std::vector<Judged> tried;          // by backlog, ascending
  int64_t admissions_per_second = 0;  // what the cores bear
  std::vector<Reasoned> settings;     // of floodgate.toml, sysctl.d, and the unit; if met
  std::optional<Bottleneck> bottleneck;  // unless met
};

// `tell` is called with each setting that has been simulated. Deterministic. It takes about two
// dozen simulations at the most, each as long as one of Predict.
Recommendation Recommend(const Wanted& wanted,
                         const std::function<void(const Judged&)>& tell = nullptr);

// The queue is full for one in a hundred of the agents, or hardly more often than it is with room
// for all of them (`roomy`): while agents leave, floodgated itself makes the queue short.
bool FewFull(const Prediction& prediction, const Prediction& roomy);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_RECOMMEND_H_
