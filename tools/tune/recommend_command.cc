#include "tools/tune/recommend_command.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "io/socket.h"
#include "tools/tune/console.h"
#include "tools/tune/interrupt.h"
#include "tools/tune/measured_cost.h"
#include "tools/tune/output_directory.h"
#include "tools/tune/recommend.h"
#include "tools/tune/recommend_report.h"
#include "tools/tune/recommendation_file.h"
#include "tools/tune/trial_run.h"
#include "tools/tune/validate.h"

namespace floodgate::tune {
namespace {

constexpr Duration kTrialLeast = Duration::Seconds(30);

absl::Status MeasureCosts(const RecommendOptions& options, Interrupt& interrupt, Wanted& wanted) {
  const absl::StatusOr<AdmissionCost> cost =
      MeasureAdmission(options.key, options.bench, interrupt);
  if (!cost.ok()) return cost.status();
  wanted.cost = *cost;
  wanted.key = options.key;
  const absl::StatusOr<HandshakeCost> ecdsa = MeasureHandshake(KeyKind::kEcdsaP256);
  if (!ecdsa.ok()) return ecdsa.status();
  wanted.ecdsa_cost = {.handshake = *ecdsa, .rest = wanted.cost.rest};
  return absl::OkStatus();
}

absl::StatusOr<Tried> TryOut(const RecommendOptions& options, const Wanted& wanted,
                             const Setting& setting, const Interrupt& interrupt) {
  const Bearable borne = WhatIsBorne(wanted.fleet, wanted.cores, CoresHere(), DescriptorsHere());
  if (!borne.impossible.empty()) return absl::FailedPreconditionError(borne.impossible);
  Tried tried{.fleet = wanted.fleet, .fewer = borne.fewer, .result = {}};
  tried.fleet.agents = borne.agents;
  Bench bench = options.bench;
  bench.cores = wanted.cores;
  bench.key = options.key;
  bench.limit = std::max(wanted.recovery * 2, kTrialLeast);
  if (absl::Status status = PrepareBench(tried.fleet, bench); !status.ok()) return status;
  const absl::StatusOr<TrialFiles> files = TrialFiles::Make(options.key);
  if (!files.ok()) return files.status();
  absl::StatusOr<TrialResult> result = RunTrial(setting, tried.fleet, bench, *files, interrupt);
  if (!result.ok()) return result.status();
  tried.result = *std::move(result);
  tried.all_in_time = tried.result.all.has_value() && *tried.result.all <= wanted.recovery;
  tried.storm_was_limit = StormWasLimit(tried.result);
  return tried;
}

absl::Status WriteFiles(const std::string& directory, const Wanted& wanted,
                        const Recommendation& recommendation, const std::string& json) {
  absl::Status status =
      WriteFileAtomically(absl::StrCat(directory, "/", kRecommendationFile), json);
  // Files that somebody may install are of settings that do it; those of an earlier question are
  // not of this one.
  if (status.ok() && !recommendation.met) status = RemoveFiles(directory, {kTomlFile, kSysctlFile});
  if (!recommendation.met) return status;
  if (status.ok())
    status = WriteFileAtomically(absl::StrCat(directory, "/", kTomlFile),
                                 TomlFragment(wanted, recommendation));
  if (status.ok())
    status = WriteFileAtomically(absl::StrCat(directory, "/", kSysctlFile),
                                 SysctlFile(wanted, recommendation));
  return status;
}

absl::StatusOr<bool> Run(const RecommendOptions& options, Interrupt& interrupt) {
  Wanted wanted = options.wanted;
  absl::Status status;
  // First: what cannot be written need not be searched for.
  if (!options.out.empty()) status = MakeDirectory(options.out);
  if (status.ok() && options.measure) status = MeasureCosts(options, interrupt, wanted);
  if (!status.ok()) return status;
  const bool text = !options.json;
  const auto say = [&](const std::string& what) {
    if (text && status.ok()) status = Print(what);
  };
  say(RecommendationHeading(wanted));
  const Recommendation recommendation =
      Recommend(wanted, [&](const Judged& judged) { say(RecommendationRow(judged)); });
  say(RecommendationText(wanted, recommendation));
  std::string json = RecommendationJson(wanted, recommendation, nullptr);
  const auto keep = [&] {
    if (status.ok() && !options.out.empty()) {
      status = WriteFiles(options.out, wanted, recommendation, json);
    }
  };
  keep();
  std::optional<Tried> tried;
  if (status.ok() && options.try_out && recommendation.met) {
    interrupt.CatchSignals();
    absl::StatusOr<Tried> result = TryOut(options, wanted, recommendation.best.setting, interrupt);
    if (!result.ok()) return result.status();
    tried = *std::move(result);
    say(TriedText(wanted, *tried));
    json = RecommendationJson(wanted, recommendation, &*tried);
    keep();
  }
  if (status.ok() && options.json) status = Print(json);
  if (!status.ok()) return status;
  return recommendation.met && (!tried.has_value() || tried->all_in_time);
}

}  // namespace

int RunRecommend(const RecommendOptions& options) {
  Interrupt interrupt;
  const absl::StatusOr<bool> met = Run(options, interrupt);
  if (!met.ok()) return FailOrInterrupted(met.status(), interrupt);
  return *met ? 0 : 1;
}

}  // namespace floodgate::tune
