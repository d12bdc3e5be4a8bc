// The results of floodgate-sim, as tables for people and as JSON.
#ifndef FLOODGATE_SIM_REPORT_H_
#define FLOODGATE_SIM_REPORT_H_

#include <string>
#include <vector>

#include "core/options.h"
#include "sim/cold_start.h"
#include "sim/fleet.h"
#include "sim/overload.h"
#include "sim/recovery.h"

namespace floodgate::sim {

// One run of those experiments that do not say in their result how they were set up.
template <typename Result>
struct Run {
  AgentPatience patience;
  RetryPolicy retry = RetryPolicy::kNone;
  Hold hold = Hold::kPark;
  Result result;
};

// A table is its heading and then a row for each run.
std::string OverloadHeading(const ServerCapacity& capacity);
std::string OverloadRow(const OverloadResult& result);
std::string RecoveryHeading();
std::string RecoveryRow(const Run<RecoveryResult>& run);
std::string ParkedHeading();
std::string ParkedRow(const Run<ParkedResult>& run);
std::string ColdStartHeading();
std::string ColdStartRow(const Run<ColdStartResult>& run);

// One object; times in milliseconds.
std::string OverloadJson(const ServerCapacity& capacity, const std::vector<OverloadResult>& runs);
std::string RecoveryJson(const std::vector<Run<RecoveryResult>>& runs);
std::string ParkedJson(const std::vector<Run<ParkedResult>>& runs);
std::string ColdStartJson(const std::vector<Run<ColdStartResult>>& runs);

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_REPORT_H_
