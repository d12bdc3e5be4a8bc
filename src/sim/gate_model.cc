#include "sim/gate_model.h"

#include <algorithm>

namespace floodgate::sim {

GateModel::GateModel(const Options& options, Instant now)
    : two_phase_(options.controller.has_value()),
      by_signal_(options.gate.open_on.front() == Condition::kPeergrouper),
      delay_(options.gate.open_delay) {
  if (!two_phase_) {
    opens_at_ = now;
  } else if (options.gate.open_anyway_after > Duration{}) {
    opens_anyway_at_ = now + options.gate.open_anyway_after;
  }
}

void GateModel::On(OperatorAct act, Instant now) {
  switch (act) {
    case OperatorAct::kSignal:
      if (two_phase_ && by_signal_) opens_at_ = std::min(opens_at_, now + delay_);
      return;
    case OperatorAct::kOpen:
      opens_at_ = std::min(opens_at_, now);
      return;
    case OperatorAct::kHold:
    case OperatorAct::kStop:
      opens_at_ = Instant::Never();
      opens_anyway_at_ = Instant::Never();
      return;
    case OperatorAct::kReload:
      return;
  }
}

}  // namespace floodgate::sim
