// floodgate-tune: audits a host, and predicts how it bears a fleet.
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/tune/audit_report.h"
#include "tools/tune/command_line.h"
#include "tools/tune/daemon_facts.h"
#include "tools/tune/handshake_cost.h"
#include "tools/tune/host_facts.h"
#include "tools/tune/key_names.h"
#include "tools/tune/predict.h"
#include "tools/tune/rules.h"

namespace {

using namespace floodgate::tune;

constexpr char kProc[] = "/proc";

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "floodgate-tune: %s\n", std::string(status.message()).c_str());
  return 1;
}

absl::Status Print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (written && std::fflush(stdout) == 0) return absl::OkStatus();
  return absl::UnavailableError("cannot write to standard output; is there room on its device?");
}

int RunAudit(const CommandLine& line) {
  Facts facts;
  facts.agents = line.agents;
  facts.unix_backend = line.unix_backend;
  facts.host = ReadHost(kProc);
  if (line.admin.has_value()) {
    if (absl::Status status = ReadDaemon(*line.admin, kProc, facts); !status.ok()) {
      return Fail(status);
    }
  }
  const std::vector<Finding> findings = Audit(facts);
  const absl::Status printed =
      Print(line.json ? AuditJson(facts, findings) : AuditText(facts, findings));
  if (!printed.ok()) return Fail(printed);
  return LosesAgents(findings) ? 1 : 0;
}

int RunPredict(const CommandLine& line) {
  Question question = line.question;
  std::string key;
  if (line.measure) {
    const absl::StatusOr<HandshakeCost> cost = MeasureHandshake(line.key);
    if (!cost.ok()) return Fail(cost.status());
    question.handshake = *cost;
    key = KeyName(line.key);
  }
  absl::Status printed = line.json ? absl::OkStatus() : Print(PredictionHeading(question));
  std::vector<Prediction> predictions;
  for (const int backlog : line.backlogs) {
    if (!printed.ok()) return Fail(printed);
    predictions.push_back(Predict(question, backlog));
    if (!line.json) printed = Print(PredictionRow(predictions.back()));
  }
  if (line.json) printed = Print(PredictionsJson(question, key, predictions));
  return printed.ok() ? 0 : Fail(printed);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // A closed pipe is an error of write(2), with a message.
  int exit_code = 0;
  const std::optional<CommandLine> line = ReadCommandLine(argc, argv, &exit_code);
  if (!line.has_value()) return exit_code;
  return line->command == Command::kAudit ? RunAudit(*line) : RunPredict(*line);
}
