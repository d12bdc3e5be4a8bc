// When the agent port may be served, as docs/configuration.md promises it to operators: a model of
// a few lines beside the gate of src/core, with which it shares nothing. Live conditions are not in
// it.
#ifndef FLOODGATE_SIM_GATE_MODEL_H_
#define FLOODGATE_SIM_GATE_MODEL_H_

#include "base/time.h"
#include "core/options.h"

namespace floodgate::sim {

enum class OperatorAct : uint8_t { kSignal, kOpen, kHold, kReload, kStop };

// REQUIRES: gate.open_on is {manual} or {peergrouper}; time does not go back.
class GateModel {
 public:
  // The daemon has started.
  GateModel(const Options& options, Instant now);

  void On(OperatorAct act, Instant now);
  // False: nobody may be taken from the agent port.
  bool Admits(Instant now) const { return opens_at_ <= now || opens_anyway_at_ <= now; }

 private:
  bool two_phase_;
  bool by_signal_;
  Duration delay_;
  Instant opens_at_ = Instant::Never();
  Instant opens_anyway_at_ = Instant::Never();
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_GATE_MODEL_H_
