// What an agent costs floodgated on this host, measured.
#ifndef FLOODGATE_TOOLS_TUNE_MEASURED_COST_H_
#define FLOODGATE_TOOLS_TUNE_MEASURED_COST_H_

#include "absl/status/statusor.h"
#include "front/self_signed.h"
#include "tools/tune/admission_cost.h"
#include "tools/tune/interrupt.h"
#include "tools/tune/trial.h"

namespace floodgate::tune {

// The handshake in process (handshake_cost.h). All else by a trial: some hundreds of agents who all
// are served, on one core; the CPU time of floodgated, with the backend that it brings along, by
// all who were served, less the handshake. `bench`: the paths of the programs, if they are given;
// where they are not found, or the trial fails, the rest is the usual one, which is told on
// standard error. Takes about four seconds, in which signals raise `interrupt`.
//
// Internal: OpenSSL refused. Cancelled: the interrupt came.
absl::StatusOr<AdmissionCost> MeasureAdmission(KeyKind key, Bench bench, Interrupt& interrupt);

// Of `result`, a trial without retries: the CPU time of all else than the handshake, at least
// 20 us. 0: it says nothing.
Duration RestOf(const TrialResult& result, const HandshakeCost& handshake);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_MEASURED_COST_H_
