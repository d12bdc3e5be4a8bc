// floodgate-tune: audits a host, tries out settings, predicts how it bears a fleet, and recommends
// settings.
#include <csignal>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "tools/tune/audit_report.h"
#include "tools/tune/command_line.h"
#include "tools/tune/console.h"
#include "tools/tune/daemon_facts.h"
#include "tools/tune/host_facts.h"
#include "tools/tune/predict_command.h"
#include "tools/tune/recommend_command.h"
#include "tools/tune/report_command.h"
#include "tools/tune/rules.h"
#include "tools/tune/sweep_command.h"

namespace {

using namespace floodgate::tune;

constexpr char kProc[] = "/proc";

int RunAudit(const AuditOptions& options) {
  Facts facts;
  facts.agents = options.agents;
  facts.unix_backend = options.unix_backend;
  facts.host = ReadHost(kProc);
  if (options.admin.has_value()) {
    if (absl::Status status = ReadDaemon(*options.admin, kProc, facts); !status.ok()) {
      return Fail(status);
    }
  }
  const std::vector<Finding> findings = Audit(facts);
  const absl::Status printed =
      Print(options.json ? AuditJson(facts, findings) : AuditText(facts, findings));
  if (!printed.ok()) return Fail(printed);
  return LosesAgents(findings) ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // A closed pipe is an error of write(2), with a message.
  int exit_code = 0;
  const std::optional<CommandLine> line = ReadCommandLine(argc, argv, &exit_code);
  if (!line.has_value()) return exit_code;
  switch (line->command) {
    case Command::kAudit:
      return RunAudit(line->audit);
    case Command::kPredict:
      return RunPredict(line->predict);
    case Command::kReport:
      return RunReport(line->report);
    case Command::kRecommend:
      return RunRecommend(line->recommend);
    case Command::kSweep:
      return RunSweep(line->sweep);
  }
  return 2;
}
