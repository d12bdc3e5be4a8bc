// What floodgate-tune was asked to do.
#ifndef FLOODGATE_TOOLS_TUNE_COMMAND_LINE_H_
#define FLOODGATE_TOOLS_TUNE_COMMAND_LINE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "base/endpoint.h"
#include "front/self_signed.h"
#include "tools/tune/predict.h"

namespace floodgate::tune {

enum class Command { kAudit, kPredict };

struct CommandLine {
  Command command = Command::kAudit;
  bool json = false;
  // audit
  int64_t agents = 1;             // also of predict
  std::optional<Endpoint> admin;  // nullopt: no daemon is asked
  bool unix_backend = false;
  // predict
  Question question;     // all but the handshake, if that is measured
  bool measure = false;  // the handshake's cost, with a certificate of
  KeyKind key = KeyKind::kEcdsaP256;
  std::vector<int> backlogs;  // one run each; never empty for predict
};

// nullopt: there is nothing to do, and `exit_code` says how to end (0 after --help and --version,
// 2 after bad usage, which has been told on standard error).
std::optional<CommandLine> ReadCommandLine(int argc, char** argv, int* exit_code);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_COMMAND_LINE_H_
