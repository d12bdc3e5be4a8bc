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
    : options_(options), two_phase_(two_phase), since_(now), shut_at_(now) {
  lost_at_.fill(Instant::Never());
  if (two_phase_) {
    Reconsider(now);
  } else {
    Admit(now);
  }
}

// --- Events

absl::Status Gate::SignalPeergrouper(absl::Span<const std::string> server_ids, Instant now) {
  Advance(now);
  if (std::find(server_ids.begin(), server_ids.end(), options_.self_id) == server_ids.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the servers signalled (", absl::StrJoin(server_ids, ", "),
                     ") do not include this one, gate.self_id = \"", options_.self_id, "\""));
  }
  peergrouper_ = true;
  if (Names(Condition::kPeergrouper)) needs_signal_ = false;
  Reconsider(now);
  return absl::OkStatus();
}

void Gate::SetSelfConnection(bool present, Instant now) {
  Advance(now);
  self_connection_ = present;
  Reconsider(now);
}

void Gate::SetControllers(int count, Instant now) {
  Advance(now);
  controllers_ = count;
  Reconsider(now);
}

void Gate::Open(Instant now) {
  Advance(now);
  if (state_ == GateState::kStopping) return;
  manual_ = true;
  if (!admits()) Admit(now);
}

void Gate::Hold(Instant now) {
  Advance(now);
  if (state_ == GateState::kStopping) return;
  peergrouper_ = false;
  manual_ = false;
  Shut(/*by_operator=*/true, now);
}

void Gate::DrainFinished(Instant now) {
  Advance(now);
  if (state_ == GateState::kDraining) Enter(GateState::kOpen, now);
}

void Gate::Stop(Instant now) {
  Advance(now);
  if (state_ == GateState::kStopping) return;
  if (admits()) open_before_ = OpenTotal(now);
  Enter(GateState::kStopping, now);
}

void Gate::Reconfigure(const GateOptions& options, Instant now) {
  Advance(now);
  if (options.self_id != options_.self_id) peergrouper_ = false;
  options_ = options;
  Reconsider(now);
  Advance(now);  // A delay that runs may be over by the new options.
}

void Gate::Advance(Instant now) {
  // Each step is taken as of the instant when it was due, so that a late call gives what punctual
  // ones would have given. It ends: what shuts by time needs an event before it can shut by time
  // again.
  for (Instant due = NextDeadline(); due <= now && due != Instant::Never(); due = NextDeadline()) {
    if (admits()) {
      Shut(/*by_operator=*/false, due);
      Reconsider(due);
    } else {
      Admit(due);
    }
  }
}

// --- Transitions

void Gate::Enter(GateState state, Instant now) {
  state_ = state;
  since_ = now;
}

void Gate::Admit(Instant now) {
  Enter(GateState::kDraining, now);
  opened_at_ = now;
  held_ = false;
  needs_signal_ = false;
  seen_.fill(false);
  lost_at_.fill(Instant::Never());
  NoteLosses(now);
}

void Gate::Shut(bool by_operator, Instant now) {
  if (admits()) {
    open_before_ = OpenTotal(now);
    shut_at_ = now;
  }
  if (by_operator) {
    held_ = true;
    needs_signal_ = true;
  }
  if (state_ != GateState::kHolding) Enter(GateState::kHolding, now);
}

void Gate::Reconsider(Instant now) {
  if (admits()) return NoteLosses(now);
  if (state_ == GateState::kHolding && ConditionsSuffice()) {
    Enter(GateState::kSettling, now);
    if (options_.open_delay <= Duration{}) Admit(now);
  } else if (state_ == GateState::kSettling && !ConditionsSuffice()) {
    Enter(GateState::kHolding, now);
  }
}

void Gate::NoteLosses(Instant now) {
  for (size_t i = 0; i < kLiveConditions.size(); ++i) {
    if (Holds(kLiveConditions[i])) {
      seen_[i] = true;
      lost_at_[i] = Instant::Never();
    } else if (seen_[i]) {
      lost_at_[i] = std::min(lost_at_[i], now);
    }
  }
}

// --- Conditions

bool Gate::Names(Condition condition) const {
  return std::find(options_.open_on.begin(), options_.open_on.end(), condition) !=
         options_.open_on.end();
}

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

bool Gate::ConditionsSuffice() const {
  return two_phase_ && !needs_signal_ &&
         std::all_of(options_.open_on.begin(), options_.open_on.end(),
                     [this](Condition condition) { return Holds(condition); });
}

std::vector<Condition> Gate::WaitingFor() const {
  if (state_ != GateState::kHolding) return {};
  if (!two_phase_ || (needs_signal_ && !Names(Condition::kPeergrouper))) {
    return {Condition::kManual};
  }
  std::vector<Condition> missing;
  for (const Condition condition : options_.open_on) {
    const bool waits_for_signal = needs_signal_ && condition == Condition::kPeergrouper;
    if (waits_for_signal || !Holds(condition)) missing.push_back(condition);
  }
  return missing;
}

// --- Time

Instant Gate::SettledAt() const {
  return state_ == GateState::kSettling ? since_ + options_.open_delay : Instant::Never();
}

Instant Gate::OpensAnyway() const {
  const bool applies = two_phase_ && !held_ && options_.open_anyway_after > Duration{};
  return applies ? shut_at_ + options_.open_anyway_after : Instant::Never();
}

Instant Gate::ReholdsAt() const {
  Instant at = Instant::Never();
  if (!two_phase_ || !options_.rehold) return at;
  for (size_t i = 0; i < kLiveConditions.size(); ++i) {
    if (lost_at_[i] == Instant::Never() || !Names(kLiveConditions[i])) continue;
    // "Longer than": the first nanosecond at which that is so.
    at = std::min(at, lost_at_[i] + options_.rehold_after + Duration::Nanoseconds(1));
  }
  return at;
}

Instant Gate::NextDeadline() const {
  if (state_ == GateState::kStopping) return Instant::Never();
  return admits() ? ReholdsAt() : std::min(SettledAt(), OpensAnyway());
}

std::optional<Duration> Gate::OpensIn(Instant now) const {
  if (state_ != GateState::kSettling) return std::nullopt;
  return std::max(Duration{}, NextDeadline() - now);
}

Duration Gate::OpenTotal(Instant now) const {
  return admits() ? open_before_ + (now - opened_at_) : open_before_;
}

}  // namespace floodgate
