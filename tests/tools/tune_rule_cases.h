// Hosts for the tests of floodgate-tune audit's rules, and how a rule is asked about them.
#ifndef FLOODGATE_TESTS_TOOLS_TUNE_RULE_CASES_H_
#define FLOODGATE_TESTS_TOOLS_TUNE_RULE_CASES_H_

#include <functional>
#include <string>
#include <vector>

#include "tools/tune/rules.h"

namespace floodgate::tune {

// A host on which nothing is wrong for a thousand agents.
Facts GoodFacts();
// The same with a running floodgated, process 77.
Facts WithDaemon();

// What an audit says of that check; a failure of the test if nothing.
Finding Find(const Facts& facts, const std::string& check);
// What it asks to be set.
std::vector<std::string> Lines(const Finding& finding);

// One reading of a rule.
struct Case {
  std::string check;
  std::function<void(Facts&)> set;
  Severity severity;
  std::vector<std::string> lines = {};
};

// Each case is set on a copy of `good`.
void Check(const Facts& good, const std::vector<Case>& cases);

inline constexpr Severity kOk = Severity::kOk;
inline constexpr Severity kNote = Severity::kNote;
inline constexpr Severity kLoses = Severity::kLosesAgents;

}  // namespace floodgate::tune

#endif  // FLOODGATE_TESTS_TOOLS_TUNE_RULE_CASES_H_
