// What `floodgate-tune recommend` says and writes. Pure: values in, text out.
#ifndef FLOODGATE_TOOLS_TUNE_RECOMMEND_REPORT_H_
#define FLOODGATE_TOOLS_TUNE_RECOMMEND_REPORT_H_

#include <optional>
#include <string>

#include "tools/tune/recommend.h"
#include "tools/tune/trial.h"

namespace floodgate::tune {

// A recommendation that was tried with a real storm.
struct Tried {
  Fleet fleet;        // may be smaller than what was asked for: see `fewer`
  std::string fewer;  // why it is smaller; "": it is not
  TrialResult result;
  bool all_in_time = false;      // every agent was served within the recovery time
  bool storm_was_limit = false;  // it says little about floodgated
};

// For people. The heading, a row for each setting as it is simulated, and the end.
std::string RecommendationHeading(const Wanted& wanted);
std::string RecommendationRow(const Judged& judged);
std::string RecommendationText(const Wanted& wanted, const Recommendation& recommendation);
std::string TriedText(const Wanted& wanted, const Tried& tried);

// One object; its keys are in docs/tuning.md. `tried`: null if it was not.
std::string RecommendationJson(const Wanted& wanted, const Recommendation& recommendation,
                               const Tried* tried);

// REQUIRES: recommendation.met. Comments give the reasons.
// A fragment of floodgate.toml: the tables that are to be set, without those that are the host's
// own ([tls], [backend] and so on).
std::string TomlFragment(const Wanted& wanted, const Recommendation& recommendation);
// A file for /etc/sysctl.d (sysctl.d(5)).
std::string SysctlFile(const Wanted& wanted, const Recommendation& recommendation);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_RECOMMEND_REPORT_H_
