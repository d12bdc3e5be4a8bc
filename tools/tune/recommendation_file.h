// recommendation.json, which `floodgate-tune recommend --out` writes, read again for the report.
#ifndef FLOODGATE_TOOLS_TUNE_RECOMMENDATION_FILE_H_
#define FLOODGATE_TOOLS_TUNE_RECOMMENDATION_FILE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/time.h"
#include "front/self_signed.h"
#include "tools/tune/trial.h"

namespace floodgate::tune {

// What `recommend --out` writes: the last two, which are to be installed, if there is a setting
// that does it.
inline constexpr char kRecommendationFile[] = "recommendation.json";
inline constexpr char kTomlFile[] = "floodgate.toml";
inline constexpr char kSysctlFile[] = "90-floodgate.conf";

// What it says, as far as people look at it. The keys are in docs/tuning.md, "recommend".
struct KeptRecommendation {
  // A line to write or to type, and its reason in sentences.
  struct Line {
    std::string line, why;
  };
  // A backlog that was simulated. The results have no times to 50 per cent, controllers or CPU; a
  // timeline the recommended backlog alone.
  struct Simulated {
    int backlog = 1;
    bool does_it = false;
    TrialResult together;  // the fleet comes in the instant in which the gate opens
    TrialResult parked;    // it has come before
  };
  // A real storm with what is recommended.
  struct Storm {
    Fleet fleet;
    std::string fewer;  // why it is not the whole fleet; "": it is
    bool all_in_time = false;
    bool storm_was_limit = false;
    TrialResult result;
  };

  std::string version;
  Fleet fleet;
  int cores = 1;
  Duration cost;               // of an agent
  std::optional<KeyKind> key;  // whose handshake that was measured with; nullopt: it was given
  Duration recovery, parked;
  bool met = false;
  Setting setting;
  std::vector<Line> settings;        // if met
  std::vector<Simulated> simulated;  // by backlog, ascending
  std::string why_not;               // unless met; so are the remedies
  std::vector<std::string> remedies;
  std::optional<Storm> tried;
};

// nullopt: the directory has no such file. InvalidArgument: it is not of this form; the message
// names the file, the key, and what would be right. Unavailable: it cannot be read.
absl::StatusOr<std::optional<KeptRecommendation>> ReadRecommendation(const std::string& directory);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_RECOMMENDATION_FILE_H_
