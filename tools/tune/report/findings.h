// What the records say, in sentences that a person can act on, and what to set. Plain text: the
// page escapes it.
#ifndef FLOODGATE_TOOLS_TUNE_REPORT_FINDINGS_H_
#define FLOODGATE_TOOLS_TUNE_REPORT_FINDINGS_H_

#include <string>
#include <vector>

#include "tools/tune/ranking.h"
#include "tools/tune/records.h"

namespace floodgate::tune {

// A file's lines, as they are to be.
struct FileLines {
  std::string file;  // "floodgate.toml"
  std::string lines;
};

// The best setting with one thing changed.
struct Variation {
  const SettingOutcome* summary = nullptr;
  std::string what;    // "backlog 64"
  std::string effect;  // "18 times as long: the queue was full 2,130 times, ..."; a clause
};

struct Findings {
  enum class Verdict {
    kAllIn,         // the best setting lost nobody in any run
    kSomeLost,      // every setting lost some
    kNobodyServed,  // with no setting was anybody served
    kNoTrials,      // there are comparisons alone
  };
  Verdict verdict = Verdict::kNoTrials;
  std::string headline;               // one sentence: what to set, and what comes of it
  std::vector<std::string> reasons;   // why that one
  std::vector<std::string> losses;    // what loses agents, or time
  std::vector<FileLines> to_set;      // empty: nothing can be proposed
  std::vector<std::string> steps;     // how to make it so; or what to look at instead
  std::vector<std::string> cautions;  // what limits all this
  std::vector<Variation> variations;  // by what is changed: backlog, drain rate, handshakes
};

// `summaries`: of records.trials, the best first, as Rank leaves them. The result points into it.
Findings Find(const Records& records, const std::vector<SettingOutcome>& summaries);

// "7 of 8 predictions of the time to 99 % are within 20 % of the measurement; ...". "" without any.
std::string PredictionSentence(const std::vector<Comparison>& comparisons);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_REPORT_FINDINGS_H_
