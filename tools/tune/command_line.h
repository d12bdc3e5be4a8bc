// What floodgate-tune was asked to do. Each command's options are read in a file of their own.
#ifndef FLOODGATE_TOOLS_TUNE_COMMAND_LINE_H_
#define FLOODGATE_TOOLS_TUNE_COMMAND_LINE_H_

#include <cstdint>
#include <optional>

#include "base/endpoint.h"
#include "tools/tune/predict_options.h"
#include "tools/tune/recommend_options.h"
#include "tools/tune/report_options.h"
#include "tools/tune/sweep_options.h"

namespace floodgate::tune {

enum class Command { kAudit, kPredict, kRecommend, kReport, kSweep };

struct AuditOptions {
  int64_t agents = 1;
  std::optional<Endpoint> admin;  // nullopt: no daemon is asked
  bool unix_backend = false;
  bool json = false;
};

struct CommandLine {
  Command command = Command::kAudit;
  // Those of the command are set.
  AuditOptions audit;
  PredictOptions predict;
  RecommendOptions recommend;
  ReportOptions report;
  SweepOptions sweep;
};

// nullopt: there is nothing to do, and `exit_code` says how to end (0 after --help and --version,
// 2 after bad usage, which has been told on standard error).
std::optional<CommandLine> ReadCommandLine(int argc, char** argv, int* exit_code);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_COMMAND_LINE_H_
