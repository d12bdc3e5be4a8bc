// What floodgate-sim is asked to do.
#ifndef FLOODGATE_SIM_COMMAND_LINE_H_
#define FLOODGATE_SIM_COMMAND_LINE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/cold_start.h"
#include "sim/fleet.h"
#include "sim/mutants.h"
#include "sim/overload.h"
#include "sim/recovery.h"
#include "sim/scenario.h"

namespace floodgate::sim {

enum class Experiment : uint8_t { kOverload, kRecovery, kParked, kFleet, kCheck };

// floodgate-sim check
struct CheckCommand {
  uint64_t seeds = 1000;
  uint64_t first = 1;
  std::optional<uint64_t> seed;  // this one alone
  const Mutant* mutant = nullptr;
  bool trace = false;
  bool digest = false;
};

struct Command {
  Experiment experiment = Experiment::kOverload;
  bool json = false;
  ScenarioSetup scenario;
  FleetSetup fleet{.port = kAgentPort};  // patience and retry are set by each run
  std::vector<uint32_t> loads_pct;       // overload
  std::vector<AgentPatience> patiences;  // one run each
  std::vector<RetryPolicy> retries;      // one run each
  std::vector<Hold> holds;               // fleet: one run each
  Duration warm_up;                      // 0: by the patience
  Duration window = Duration::Seconds(20);
  RecoverySetup recovery;
  ParkedSetup parked;
  ColdStartSetup cold_start;
  CheckCommand check;
};

// nullopt: the program is to end with *exit_code; what there was to say has been said.
std::optional<Command> ReadCommandLine(int argc, char** argv, int* exit_code);

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_COMMAND_LINE_H_
