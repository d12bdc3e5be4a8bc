// The gate: when the agent port may be served. A state machine of plain values; time walks in.
#ifndef FLOODGATE_CORE_GATE_H_
#define FLOODGATE_CORE_GATE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/time.h"
#include "core/options.h"
#include "core/states.h"

namespace floodgate {

// "peergrouper", "self-connection", "quorum", "manual".
absl::string_view Name(Condition condition);

// Rules
//  * Holding until every condition of `open_on` holds; settling for `open_delay`; then draining, and open
//    when the caller says that the parked queue has been taken. A delay of 0 passes settling at once.
//  * While settling, a live condition (self-connection, quorum) that is lost leads back to holding.
//    Further signals do not start the delay again.
//  * Once it admits, it stays open through further signals and through the loss of conditions; with
//    `rehold` a condition lost for longer than `rehold_after` holds it again, until all hold once more.
//    What never held since it opened (it was opened anyway) is not lost.
//  * `open_anyway_after` > 0 opens it that long after it was shut, without the conditions; settling and
//    falling back does not start that time again. Not after an operator's hold.
//  * Open (an operator) opens at once, whatever the conditions, and counts as the condition "manual".
//  * Hold (an operator) forgets the conditions that are events (peergrouper, manual), and live ones alone
//    do not open it again: it waits for a new peergrouper signal where `open_on` names that, else for Open.
//  * Stop is final.
// Not thread-safe. REQUIRES everywhere: `now` never goes back.
class Gate {
 public:
  // `two_phase` false: there is no controller port, the gate begins draining, and only Hold shuts it.
  Gate(const GateOptions& options, bool two_phase, Instant now);

  // The controller set has formed and has these members. FailedPrecondition, and nothing changed, when
  // gate.self_id is not among them.
  absl::Status SignalPeergrouper(absl::Span<const std::string> server_ids, Instant now);
  void SetSelfConnection(bool present, Instant now);
  // Distinct controllers connected, this one counted.
  void SetControllers(int count, Instant now);
  void Open(Instant now);
  void Hold(Instant now);
  // Those that were parked when it opened have been taken: draining becomes open.
  void DrainFinished(Instant now);
  void Stop(Instant now);
  void Reconfigure(const GateOptions& options, Instant now);

  // Carries out what has become due. REQUIRES: called at or soon after NextDeadline().
  void Advance(Instant now);
  // The state does not change by time alone before this. Never() if no time runs.
  Instant NextDeadline() const;

  GateState state() const { return state_; }
  bool admits() const { return state_ == GateState::kDraining || state_ == GateState::kOpen; }
  Instant since() const { return since_; }  // of the state
  // What is missing while holding; empty otherwise.
  std::vector<Condition> WaitingFor() const;
  // Settling: the time left.
  std::optional<Duration> OpensIn(Instant now) const;
  // How long it has admitted in all.
  Duration OpenTotal(Instant now) const;

 private:
  bool Holds(Condition condition) const;
  bool AllHold() const;
  void Enter(GateState state, Instant now);
  // Moves on as the conditions stand.
  void Reconsider(Instant now);

  GateOptions options_;
  bool two_phase_;
  GateState state_ = GateState::kHolding;
  Instant since_;
  bool peergrouper_ = false;
  bool manual_ = false;
  bool self_connection_ = false;
  int controllers_ = 1;
  bool operator_hold_ = false;           // held by an operator and not released since
  Instant shut_since_;  // since when it does not admit, settling and back included
  bool complete_ = false;                  // all conditions have held at some time since it opened
  Instant lost_since_ = Instant::Never();  // rehold: since when one of them is missing
  Duration open_before_;                   // of earlier openings
  Instant opened_at_;                      // while it admits
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_GATE_H_
