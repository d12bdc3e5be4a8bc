// floodgate-sim: runs the experiments of the simulation and prints what they found.
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/standard_output.h"
#include "floodgate/backoff.h"
#include "tools/sim/checks.h"
#include "tools/sim/command_line.h"
#include "tools/sim/report.h"

namespace {

using namespace floodgate::sim;
using floodgate::Hold;
using floodgate::RetryPolicy;

void Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

FleetSetup FleetOf(const Command& command, const AgentPatience& patience, RetryPolicy retry) {
  FleetSetup fleet = command.fleet;
  fleet.patience = patience;
  fleet.retry = retry;
  return fleet;
}

void RunOverloads(const Command& command) {
  const ServerCapacity capacity = MeasureCapacity(command.scenario);
  if (!command.json) Print(OverloadHeading(capacity));
  std::vector<OverloadResult> results;
  for (const RetryPolicy retry : command.retries) {
    for (const AgentPatience& patience : command.patiences) {
      for (const uint32_t load_pct : command.loads_pct) {
        results.push_back(RunOverload({.scenario = command.scenario,
                                       .fleet = FleetOf(command, patience, retry),
                                       .load_pct = load_pct,
                                       .warm_up = command.warm_up,
                                       .window = command.window},
                                      capacity));
        if (!command.json) Print(OverloadRow(results.back()));
      }
    }
  }
  if (command.json) Print(OverloadJson(capacity, results));
}

// One run for each patience and retry policy. `run` makes its result.
template <typename Result, typename Make>
std::vector<Run<Result>> RunEach(const Command& command, std::string (*row)(const Run<Result>&),
                                 Make make) {
  std::vector<Run<Result>> runs;
  for (const RetryPolicy retry : command.retries) {
    for (const AgentPatience& patience : command.patiences) {
      runs.push_back({.patience = patience,
                      .retry = retry,
                      .result = make(FleetOf(command, patience, retry))});
      if (!command.json) Print(row(runs.back()));
    }
  }
  return runs;
}

void RunRecoveries(const Command& command) {
  const ServerCapacity capacity = MeasureCapacity(command.scenario);
  if (!command.json) Print(RecoveryHeading());
  const auto make = [&](const FleetSetup& fleet) {
    RecoverySetup setup = command.recovery;
    setup.scenario = command.scenario;
    setup.fleet = fleet;
    return RunRecovery(setup, capacity);
  };
  const auto runs = RunEach<RecoveryResult>(command, RecoveryRow, make);
  if (command.json) Print(RecoveryJson(runs));
}

void RunParkings(const Command& command) {
  if (!command.json) Print(ParkedHeading());
  const auto make = [&](const FleetSetup& fleet) {
    ParkedSetup setup = command.parked;
    setup.scenario = command.scenario;
    setup.fleet = fleet;
    return RunParked(setup);
  };
  const auto runs = RunEach<ParkedResult>(command, ParkedRow, make);
  if (command.json) Print(ParkedJson(runs));
}

void RunFleets(const Command& command) {
  if (!command.json) Print(ColdStartHeading());
  std::vector<Run<ColdStartResult>> all;
  for (const Hold hold : command.holds) {
    const auto make = [&](const FleetSetup& fleet) {
      ColdStartSetup setup = command.cold_start;
      setup.scenario = command.scenario;
      setup.scenario.daemon.options.agent.hold = hold;
      setup.fleet = fleet;
      return RunColdStart(setup);
    };
    for (const RetryPolicy retry : command.retries) {
      for (const AgentPatience& patience : command.patiences) {
        all.push_back({.patience = patience,
                       .retry = retry,
                       .hold = hold,
                       .result = make(FleetOf(command, patience, retry))});
        if (!command.json) Print(ColdStartRow(all.back()));
      }
    }
  }
  if (command.json) Print(ColdStartJson(all));
}

// Gives the exit status.
int RunExperiment(const Command& command) {
  switch (command.experiment) {
    case Experiment::kOverload:
      RunOverloads(command);
      break;
    case Experiment::kRecovery:
      RunRecoveries(command);
      break;
    case Experiment::kParked:
      RunParkings(command);
      break;
    case Experiment::kFleet:
      RunFleets(command);
      break;
    case Experiment::kCheck:
      return RunChecks(command.check);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code = 0;
  const std::optional<Command> command = ReadCommandLine(argc, argv, &exit_code);
  if (!command.has_value()) return exit_code;
  exit_code = RunExperiment(*command);
  if (const absl::Status printed = floodgate::FlushStandardOutput(); !printed.ok()) {
    std::fprintf(stderr, "floodgate-sim: %s\n", std::string(printed.message()).c_str());
    return 1;
  }
  return exit_code;
}
