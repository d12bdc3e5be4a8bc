#include "tools/tune/measured_cost.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tools/tune/console.h"
#include "tools/tune/trial_run.h"

namespace floodgate::tune {
namespace {

constexpr Duration kTrialTime = Duration::Seconds(2);
constexpr int64_t kAgentsLeast = 200;
constexpr int64_t kAgentsMost = 4000;
constexpr Duration kRestLeast = Duration::Microseconds(20);

absl::StatusOr<TrialResult> RunSample(KeyKind key, const HandshakeCost& handshake, Bench bench,
                                      const Interrupt& interrupt) {
  Fleet fleet;
  fleet.agents =
      std::clamp(kTrialTime.ns / (handshake.whole() + kUsualRest).ns, kAgentsLeast, kAgentsMost);
  fleet.patience.time = Duration::Seconds(60);
  fleet.retry = RetryPolicy::kNone;
  bench.cores = 1;
  bench.key = key;
  if (absl::Status status = PrepareBench(fleet, bench); !status.ok()) return status;
  const absl::StatusOr<TrialFiles> files = TrialFiles::Make(key);
  if (!files.ok()) return files.status();
  const Setting setting{.backlog = static_cast<int>(fleet.agents)};
  return RunTrial(setting, fleet, bench, *files, interrupt);
}

struct MeasuredCost {
  AdmissionCost cost;
  std::string rest_unmeasured;  // why `cost.rest` is kUsualRest; "": it has been measured
};

// That the rest has not been measured, why, and what is reckoned with.
std::string RestUnmeasured(const MeasuredCost& measured) {
  return absl::StrCat("only the handshake was measured; ", measured.cost.rest.ns / 1000,
                      " us are reckoned for all else, as on the machine of docs/benchmarks.md: ",
                      measured.rest_unmeasured);
}

absl::StatusOr<MeasuredCost> Measure(KeyKind key, Bench bench, const Interrupt& interrupt) {
  const absl::StatusOr<HandshakeCost> handshake = MeasureHandshake(key);
  if (!handshake.ok()) return handshake.status();
  MeasuredCost measured{.cost = {.handshake = *handshake, .rest = kUsualRest},
                        .rest_unmeasured = ""};
  const absl::StatusOr<TrialResult> result =
      RunSample(key, *handshake, std::move(bench), interrupt);
  if (absl::IsCancelled(result.status())) return result.status();
  if (!result.ok()) {
    measured.rest_unmeasured = std::string(result.status().message());
    return measured;
  }
  const Duration rest = RestOf(*result, *handshake);
  if (rest > Duration()) {
    measured.cost.rest = rest;
  } else {
    measured.rest_unmeasured = "this host does not tell what CPU time floodgated used";
  }
  return measured;
}

}  // namespace

Duration RestOf(const TrialResult& result, const HandshakeCost& handshake) {
  const auto served = static_cast<int64_t>(result.served + result.controller_tries.value_or(0));
  if (!result.daemon_cpu.has_value() || served == 0) return {};
  return std::max(*result.daemon_cpu / served - handshake.whole(), kRestLeast);
}

absl::StatusOr<AdmissionCost> MeasureAdmission(KeyKind key, Bench bench, Interrupt& interrupt) {
  interrupt.CatchSignals();
  const absl::StatusOr<MeasuredCost> measured = Measure(key, std::move(bench), interrupt);
  interrupt.ReleaseSignals();
  if (!measured.ok()) return measured.status();
  if (interrupt.came()) return absl::CancelledError("interrupted");
  if (!measured->rest_unmeasured.empty()) Remark(RestUnmeasured(*measured));
  return measured->cost;
}

}  // namespace floodgate::tune
