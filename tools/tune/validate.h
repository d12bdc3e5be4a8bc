// `predict --validate`: a prediction beside a real trial of the same on this host.
#ifndef FLOODGATE_TOOLS_TUNE_VALIDATE_H_
#define FLOODGATE_TOOLS_TUNE_VALIDATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/tune/predict.h"
#include "tools/tune/records.h"
#include "tools/tune/trial.h"

namespace floodgate::tune {

// What this host can try of what is asked for.
struct Bearable {
  int64_t agents = 0;
  std::string fewer = {};       // why that is less than was asked for; "": it is not
  std::string impossible = {};  // why nothing can be compared; "": it can
};

// The cores that this process may use, and its hard limit of descriptors.
int CoresHere();
uint64_t DescriptorsHere();

// `own_cores`: that this process may use; `descriptors`: its hard limit, as floodgate-storm has it.
Bearable WhatIsBorne(const Fleet& fleet, int cores, int own_cores, uint64_t descriptors);

// The agents of a trial on this host, whose TLS costs that. `proc`: where procfs is mounted.
StormHost StormOfThisHost(const std::string& proc, const HandshakeCost& handshake);

// The storm used so much of its core that the time is its own.
bool StormWasLimit(const TrialResult& result);

// Predicted by measured time to 99 per cent. nullopt: one of them never came to it, or the storm
// was the limit.
std::optional<double> Ratio(const Comparison& comparison);

// For people: what is compared, and why with fewer agents; then a block for each.
std::string ValidationHeading(const Question& question, const std::string& fewer);
std::string ComparisonText(const Comparison& comparison);
// One object; its keys are in docs/tuning.md.
std::string ComparisonsJson(const Question& question, const std::string& fewer,
                            const std::vector<Comparison>& comparisons);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_VALIDATE_H_
