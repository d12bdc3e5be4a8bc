#include "tools/tune/report/absent.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "floodgate/backoff_text.h"
#include "tools/sim/choices.h"
#include "tools/tune/key_names.h"

namespace floodgate::tune {
namespace {

// Of whom the rest of the report is.
struct Known {
  Fleet fleet;
  int cores = 1;
  std::optional<KeyKind> key;
};

std::optional<Known> KnownOf(const ReportInput& input) {
  if (input.records.plan.has_value()) {
    const Plan& plan = *input.records.plan;
    return Known{.fleet = plan.fleet, .cores = plan.cores, .key = plan.key};
  }
  if (input.recommendation.has_value()) {
    const KeptRecommendation& of = *input.recommendation;
    return Known{.fleet = of.fleet, .cores = of.cores, .key = of.key};
  }
  if (input.records.comparisons.empty()) return std::nullopt;
  const Comparison& first = input.records.comparisons.front();
  return Known{.fleet = first.fleet, .cores = first.cores, .key = first.key};
}

// The options that all three commands take alike.
std::string Question(const std::optional<Known>& known) {
  if (!known.has_value()) return "--agents N --cores N --patience D";
  std::string options = absl::StrCat("--agents ", known->fleet.agents, " --cores ", known->cores,
                                     " --patience ", sim::PatienceText(known->fleet.patience),
                                     " --retry ", std::string(RetryPolicyName(known->fleet.retry)));
  if (known->key.has_value()) absl::StrAppend(&options, " --key ", KeyName(*known->key));
  return options;
}

}  // namespace

std::vector<std::string> AbsentParts(const ReportInput& input) {
  const std::string question = Question(KnownOf(input));
  std::vector<std::string> parts;
  if (input.records.trials.empty()) {
    parts.push_back(
        absl::StrCat("The sweep, what the agents did over time, and the table of settings: "
                     "`floodgate-tune sweep ",
                     question, " --backlog 64,512,4096 --runs 3 --out DIR` adds them."));
  }
  if (input.records.comparisons.empty()) {
    parts.push_back(
        absl::StrCat("Prediction against measurement: `floodgate-tune predict --validate ",
                     question, " --handshake-cost measure --out DIR` adds it."));
  }
  if (!input.recommendation.has_value()) {
    parts.push_back(absl::StrCat("What is recommended, and why: `floodgate-tune recommend ",
                                 question, " --recovery D --out DIR` adds it."));
  }
  return parts;
}

}  // namespace floodgate::tune
