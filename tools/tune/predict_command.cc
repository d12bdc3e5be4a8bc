#include "tools/tune/predict_command.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "tools/tune/console.h"
#include "tools/tune/interrupt.h"
#include "tools/tune/key_names.h"
#include "tools/tune/measured_cost.h"
#include "tools/tune/output_directory.h"
#include "tools/tune/predict.h"
#include "tools/tune/records.h"
#include "tools/tune/trial_run.h"
#include "tools/tune/validate.h"

namespace floodgate::tune {
namespace {

constexpr char kProc[] = "/proc";
// How long a storm may last, by what its prediction takes: enough to see that it is twice as long.
constexpr Duration kTrialLeast = Duration::Seconds(30);

absl::Status PredictAll(const PredictOptions& options, const Question& question) {
  absl::Status printed = options.json ? absl::OkStatus() : Print(PredictionHeading(question));
  std::vector<Prediction> predictions;
  for (const Setting& setting : options.settings) {
    if (!printed.ok()) return printed;
    predictions.push_back(Predict(question, setting));
    if (!options.json) printed = Print(PredictionRow(predictions.back()));
  }
  if (!options.json) return printed;
  const std::string key = options.measure ? KeyName(options.key) : "";
  return Print(PredictionsJson(question, key, predictions));
}

Duration TrialLimit(const Prediction& prediction, const Question& question) {
  const Duration predicted = prediction.result.all.value_or(question.limit);
  return std::min(std::max(predicted * 2, kTrialLeast), question.limit);
}

absl::StatusOr<Comparison> Compare(const PredictOptions& options, const Question& question,
                                   const Setting& setting, Bench bench, const TrialFiles& files,
                                   const Interrupt& interrupt) {
  const Prediction prediction = Predict(question, setting);
  bench.limit = TrialLimit(prediction, question);
  absl::StatusOr<TrialResult> measured = RunTrial(setting, question.fleet, bench, files, interrupt);
  if (!measured.ok()) return measured.status();
  return Comparison{.setting = setting,
                    .fleet = question.fleet,
                    .cores = question.cores,
                    .key = options.key,
                    .handshake_cost = question.cost.handshake.whole(),
                    .measured = *std::move(measured),
                    .predicted = AsTrial(prediction)};
}

absl::Status ValidateAll(const PredictOptions& options, const Question& question,
                         const std::string& fewer, const Interrupt& interrupt) {
  Bench bench = options.bench;
  bench.cores = question.cores;
  bench.key = options.key;
  if (absl::Status status = PrepareBench(question.fleet, bench); !status.ok()) return status;
  const absl::StatusOr<TrialFiles> files = TrialFiles::Make(options.key);
  if (!files.ok()) return files.status();
  std::vector<Comparison> comparisons;
  absl::Status status = options.json ? absl::OkStatus() : Print(ValidationHeading(question, fewer));
  for (const Setting& setting : options.settings) {
    if (!status.ok()) return status;
    absl::StatusOr<Comparison> comparison =
        Compare(options, question, setting, bench, *files, interrupt);
    if (!comparison.ok()) return comparison.status();
    if (!options.out.empty()) status = AppendComparison(options.out, *comparison);
    if (status.ok() && !options.json) status = Print(ComparisonText(*comparison));
    comparisons.push_back(*std::move(comparison));
  }
  if (!status.ok() || !options.json) return status;
  return Print(ComparisonsJson(question, fewer, comparisons));
}

absl::Status Validate(const PredictOptions& options, Question question, Interrupt& interrupt) {
  const Bearable borne =
      WhatIsBorne(question.fleet, question.cores, CoresHere(), DescriptorsHere());
  if (!borne.impossible.empty()) {
    absl::Status predicted = PredictAll(options, question);
    if (!predicted.ok()) return predicted;
    return absl::FailedPreconditionError(borne.impossible);
  }
  question.fleet.agents = borne.agents;
  question.storm = StormOfThisHost(kProc, question.cost.handshake);
  interrupt.CatchSignals();
  return ValidateAll(options, question, borne.fewer, interrupt);
}

absl::Status Run(const PredictOptions& options, Interrupt& interrupt) {
  if (!options.out.empty()) {
    if (absl::Status made = MakeDirectory(options.out); !made.ok()) return made;
  }
  Question question = options.question;
  if (options.measure) {
    const absl::StatusOr<AdmissionCost> cost =
        MeasureAdmission(options.key, options.bench, interrupt);
    if (!cost.ok()) return cost.status();
    question.cost = *cost;
  }
  return options.validate ? Validate(options, question, interrupt) : PredictAll(options, question);
}

}  // namespace

int RunPredict(const PredictOptions& options) {
  Interrupt interrupt;
  const absl::Status status = Run(options, interrupt);
  return status.ok() ? 0 : FailOrInterrupted(status, interrupt);
}

}  // namespace floodgate::tune
