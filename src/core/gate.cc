#include "core/gate.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace floodgate {

absl::string_view Name(Condition condition) {
  switch (condition) {
    case Condition::kPeergrouper:
      return "peergrouper";
    case Condition::kSelfConnection:
      return "self-connection";
    case Condition::kQuorum:
      return "quorum";
    case Condition::kManual:
      return "manual";
  }
  return "";
}

Gate::Gate(const GateOptions& options, bool two_phase, Instant now)
    : options_(options), two_phase_(two_phase), since_(now), shut_since_(now) {
  if (!two_phase_) {
    Enter(GateState::kDraining, now);
  } else {
    Reconsider(now);  // open_on may be empty.
  }
}

absl::Status Gate::SignalPeergrouper(absl::Span<const std::string> server_ids, Instant now) {
  if (std::find(server_ids.begin(), server_ids.end(), options_.self_id) == server_ids.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the servers signalled (", absl::StrJoin(server_ids, ", "),
                     ") do not include this one, gate.self_id = \"", options_.self_id, "\""));
  }
  peergrouper_ = true;
  const bool named = std::find(options_.open_on.begin(), options_.open_on.end(),
                               Condition::kPeergrouper) != options_.open_on.end();
  if (two_phase_ && named) operator_hold_ = false;
  Reconsider(now);
  return absl::OkStatus();
}

void Gate::SetSelfConnection(bool present, Instant now) {
  self_connection_ = present;
  Reconsider(now);
}

void Gate::SetControllers(int count, Instant now) {
  controllers_ = count;
  Reconsider(now);
}

void Gate::Open(Instant now) {
  if (state_ == GateState::kStopping) return;
  manual_ = true;
  operator_hold_ = false;
  if (!admits()) Enter(GateState::kDraining, now);
}

void Gate::Hold(Instant now) {
  if (state_ == GateState::kStopping) return;
  peergrouper_ = false;
  manual_ = false;
  operator_hold_ = true;
  if (state_ != GateState::kHolding) Enter(GateState::kHolding, now);
}

void Gate::DrainFinished(Instant now) {
  if (state_ == GateState::kDraining) Enter(GateState::kOpen, now);
}

void Gate::Stop(Instant now) {
  if (state_ != GateState::kStopping) Enter(GateState::kStopping, now);
}

void Gate::Reconfigure(const GateOptions& options, Instant now) {
  options_ = options;
  Reconsider(now);
}

void Gate::Advance(Instant now) { Reconsider(now); }

bool Gate::Holds(Condition condition) const {
  switch (condition) {
    case Condition::kPeergrouper:
      return peergrouper_;
    case Condition::kSelfConnection:
      return self_connection_;
    case Condition::kQuorum:
      return controllers_ >= options_.quorum;
    case Condition::kManual:
      return manual_;
  }
  return false;
}

bool Gate::AllHold() const {
  return std::all_of(options_.open_on.begin(), options_.open_on.end(),
                     [this](Condition condition) { return Holds(condition); });
}

void Gate::Enter(GateState state, Instant now) {
  const bool admitted = admits();
  state_ = state;
  since_ = now;
  lost_since_ = Instant::Never();
  if (admits() && !admitted) opened_at_ = now;
  if (admits() && !admitted) complete_ = false;
  if (!admits() && admitted) {
    open_before_ = open_before_ + (now - opened_at_);
    shut_since_ = now;
  }
}

void Gate::Reconsider(Instant now) {
  if (state_ == GateState::kHolding && two_phase_ && !operator_hold_) {
    const bool anyway = options_.open_anyway_after > Duration{} &&
                        now - shut_since_ >= options_.open_anyway_after;
    if (AllHold()) {
      Enter(GateState::kSettling, now);
    } else if (anyway) {
      Enter(GateState::kDraining, now);
    }
  }
  if (state_ == GateState::kSettling) {
    if (!AllHold()) {
      Enter(GateState::kHolding, now);
    } else if (now - since_ >= options_.open_delay) {
      Enter(GateState::kDraining, now);
    }
  }
  if (!admits() || !two_phase_) return;
  const bool all = AllHold();
  complete_ = complete_ || all;
  if (!options_.rehold || all || !complete_) {
    lost_since_ = Instant::Never();
    return;
  }
  if (lost_since_ == Instant::Never()) lost_since_ = now;
  if (now - lost_since_ > options_.rehold_after) Enter(GateState::kHolding, now);
}

Instant Gate::NextDeadline() const {
  switch (state_) {
    case GateState::kHolding:
      if (two_phase_ && !operator_hold_ && options_.open_anyway_after > Duration{}) {
        return shut_since_ + options_.open_anyway_after;
      }
      return Instant::Never();
    case GateState::kSettling:
      return since_ + options_.open_delay;
    case GateState::kDraining:
    case GateState::kOpen:
      if (lost_since_ == Instant::Never()) return Instant::Never();
      return lost_since_ + options_.rehold_after + Duration::Nanoseconds(1);
    case GateState::kStopping:
      return Instant::Never();
  }
  return Instant::Never();
}

std::vector<Condition> Gate::WaitingFor() const {
  std::vector<Condition> missing;
  if (state_ != GateState::kHolding) return missing;
  for (const Condition condition : options_.open_on) {
    if (!Holds(condition)) missing.push_back(condition);
  }
  const bool releasable = std::find(options_.open_on.begin(), options_.open_on.end(),
                                    Condition::kPeergrouper) != options_.open_on.end();
  if (operator_hold_ && !(two_phase_ && releasable) &&
      std::find(missing.begin(), missing.end(), Condition::kManual) == missing.end()) {
    missing.push_back(Condition::kManual);
  }
  return missing;
}

std::optional<Duration> Gate::OpensIn(Instant now) const {
  if (state_ != GateState::kSettling) return std::nullopt;
  return std::max(Duration{}, since_ + options_.open_delay - now);
}

Duration Gate::OpenTotal(Instant now) const {
  return admits() ? open_before_ + (now - opened_at_) : open_before_;
}

}  // namespace floodgate
