// The gate: when the agent port may be served. A state machine of plain values; time walks in.
#ifndef FLOODGATE_CORE_GATE_H_
#define FLOODGATE_CORE_GATE_H_

#include <array>
#include <cstdint>
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

// Conditions. Peergrouper and manual are events: once they have happened they hold until Hold()
// forgets them. Self-connection and quorum are live: they hold while the caller says so.
//
//              all hold           open_delay over         DrainFinished
//   holding ─────────────→ settling ─────────────→ draining ─────────────→ open
//      ↑ ↑────one is lost─────┘                        │                     │
//      └──────── Hold, rehold ─────────────────────────┴─────────────────────┘
//   any ──Stop──→ stopping
//
// 1. Holding until every condition of `open_on` holds, then settling for `open_delay` (0 passes at
//    once), then draining, then open. A condition lost while settling leads back to holding; a
//    further signal while settling does not start the delay again.
// 2. Once it admits (draining or open) it does so through further signals and through the loss of
//    conditions, unless `rehold`: then a live condition of `open_on` that has held since the
//    opening and is lost for longer than `rehold_after` shuts it. One that comes back in time was
//    not lost. It opens again by rule 1. A condition that did not hold at the opening (rules 3 and
//    4) cannot be lost.
// 3. `open_anyway_after` > 0: it drains, whatever the conditions, when it has not admitted for so
//    long since it was started or shut by rule 2; settling in between does not start that time
//    again.
// 4. Open (an operator) drains at once, whatever the conditions, and makes "manual" hold.
// 5. Hold (an operator) shuts it, also when it was not open, and forgets the events. From then on
//    until it admits again, rule 3 does not apply, and rule 1 only after a new peergrouper signal,
//    if `open_on` names peergrouper: live conditions alone do not undo what an operator did.
//    Without it, only Open does.
// 6. One-phase (no controller port): it begins draining, and rules 1 to 3 do not apply: only Hold
//    shuts it and only Open opens it again.
// 7. Stop is final.
//
// What is due at the instant of an event happens before that event, and as of the instant when it
// was due: how late or how often Advance is called changes nothing but what is told meanwhile.
// Not thread-safe. REQUIRES everywhere: `now` never goes back.
class Gate {
 public:
  Gate(const GateOptions& options, bool two_phase, Instant now);

  // The controller set has formed and has these members. FailedPrecondition, and nothing changed,
  // when gate.self_id is not among them; the message names both.
  absl::Status SignalPeergrouper(absl::Span<const std::string> server_ids, Instant now);
  void SetSelfConnection(bool present, Instant now);
  // Distinct controllers connected, this one counted. 1 until told otherwise.
  void SetControllers(int count, Instant now);
  void Open(Instant now);
  void Hold(Instant now);
  // Those that were parked when it opened have been taken. Ignored unless draining.
  void DrainFinished(Instant now);
  void Stop(Instant now);
  // New options, in force at once and for delays that run already. Another self_id forgets the
  // peergrouper signal, which was about the former one.
  void Reconfigure(const GateOptions& options, Instant now);

  // Carries out what has become due.
  void Advance(Instant now);
  // The state does not change by time alone before this, and does at this. Never() if no time runs.
  Instant NextDeadline() const;

  GateState state() const { return state_; }
  bool admits() const { return state_ == GateState::kDraining || state_ == GateState::kOpen; }
  Instant since() const { return since_; }  // of the state
  // Holding: what it waits for, in the order of `open_on`; after Hold, peergrouper is among them or
  // manual is the only one. Empty in other states.
  std::vector<Condition> WaitingFor() const;
  // Settling: the time left, 0 or more. Otherwise nullopt.
  std::optional<Duration> OpensIn(Instant now) const;
  // How long it has admitted in all.
  Duration OpenTotal(Instant now) const;

 private:
  static constexpr std::array<Condition, 2> kLiveConditions = {Condition::kSelfConnection,
                                                               Condition::kQuorum};

  bool Names(Condition condition) const;  // in open_on
  bool Holds(Condition condition) const;
  // The conditions are what opens it, and they all hold.
  bool ConditionsSuffice() const;
  void Enter(GateState state, Instant now);
  void Admit(Instant now);
  void Shut(bool by_operator, Instant now);
  // Between holding and settling, as the conditions stand.
  void Reconsider(Instant now);
  // While it admits: which live conditions have gone or come back.
  void NoteLosses(Instant now);
  Instant SettledAt() const;    // Never() unless settling
  Instant OpensAnyway() const;  // rule 3
  Instant ReholdsAt() const;    // rule 2

  GateOptions options_;
  bool two_phase_;
  GateState state_ = GateState::kHolding;
  Instant since_;
  Instant shut_at_;  // started or last shut

  bool peergrouper_ = false;
  bool manual_ = false;
  bool self_connection_ = false;
  int controllers_ = 1;
  bool held_ = false;          // by an operator, and not opened since
  bool needs_signal_ = false;  // held, and no new signal since

  // By position in kLiveConditions, while it admits.
  std::array<bool, 2> seen_{};      // has held since the opening
  std::array<Instant, 2> lost_at_;  // Never(): not lost

  Duration open_before_;  // of earlier openings
  Instant opened_at_;     // while it admits
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_GATE_H_
