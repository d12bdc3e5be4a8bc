// What an agent costs floodgated on this host, measured.
#ifndef FLOODGATE_TOOLS_TUNE_MEASURED_COST_H_
#define FLOODGATE_TOOLS_TUNE_MEASURED_COST_H_

#include <string>

#include "absl/status/statusor.h"
#include "front/self_signed.h"
#include "tools/tune/admission_cost.h"
#include "tools/tune/interrupt.h"
#include "tools/tune/trial.h"

namespace floodgate::tune {

struct MeasuredCost {
  AdmissionCost cost;
  std::string rest_unmeasured;  // why `cost.rest` is kUsualRest; "": it has been measured
};

// The handshake in process (handshake_cost.h). All else by a trial: some hundreds of agents who all
// are served, on one core; the CPU time of floodgated, with the backend that it brings along, by
// all who were served, less the handshake. `bench`: the paths of the programs, if they are given;
// where they are not found, or the trial fails, the rest is the usual one. Takes about four
// seconds.
//
// Internal: OpenSSL refused. Cancelled: the interrupt came.
absl::StatusOr<MeasuredCost> MeasureAdmission(KeyKind key, Bench bench, const Interrupt& interrupt);

// For people: that the rest has not been measured, why, and what is reckoned with.
std::string RestUnmeasured(const MeasuredCost& measured);

// Of `result`, a trial without retries: the CPU time of all else than the handshake, at least
// 20 us. 0: it says nothing.
Duration RestOf(const TrialResult& result, const HandshakeCost& handshake);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_MEASURED_COST_H_
