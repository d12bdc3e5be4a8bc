#include "tools/tune/audit_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/version.h"
#include "tools/tune/wrapped_text.h"

namespace floodgate::tune {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kIndent[] = "    ";

absl::string_view Name(Severity severity) {
  return kSeverityNames[static_cast<size_t>(severity)];
}

constexpr std::array<absl::string_view, 3> kKindNames = {"sysctl", "configuration", "unit"};

int64_t Count(const std::vector<Finding>& findings, Severity severity) {
  return std::count_if(findings.begin(), findings.end(),
                       [severity](const Finding& finding) { return finding.severity == severity; });
}

std::string Row(const Finding& finding) {
  return absl::StrFormat("%-12s %s\n", Name(finding.severity), finding.is);
}

std::string Heading(const Facts& facts) {
  std::string text = absl::StrCat(facts.agents, facts.agents == 1 ? " agent" : " agents at once");
  if (!facts.daemon.has_value()) return absl::StrCat(text, "; no running floodgated was asked\n\n");
  return absl::StrCat(text, "; floodgated ", facts.daemon->version, ", gate ", facts.daemon->gate,
                      ", ", facts.daemon->active, " connections\n\n");
}

std::string Tally(const std::vector<Finding>& findings) {
  return absl::StrFormat("%d would lose agents, %d to note, %d ok\n",
                         Count(findings, Severity::kLosesAgents), Count(findings, Severity::kNote),
                         Count(findings, Severity::kOk));
}

Json OrNull(const std::optional<int64_t>& value) {
  return value.has_value() ? Json(*value) : Json();
}

Json ChangesDocument(const std::vector<Change>& changes) {
  Json rows = Json::array();
  for (const Change& change : changes) {
    rows.push_back({{"kind", std::string(kKindNames[static_cast<size_t>(change.kind)])},
                    {"key", change.key},
                    {"value", change.value},
                    {"line", change.Line()}});
  }
  return rows;
}

}  // namespace

std::string AuditText(const Facts& facts, const std::vector<Finding>& findings) {
  std::string text = Heading(facts);
  bool sysctls = false;
  for (const Severity severity : {Severity::kLosesAgents, Severity::kNote}) {
    for (const Finding& finding : findings) {
      if (finding.severity != severity) continue;
      absl::StrAppend(&text, Row(finding), Wrapped(finding.why, kIndent));
      for (const Change& change : finding.changes) {
        absl::StrAppend(&text, kIndent, "set: ", change.Line(), "\n");
        sysctls = sysctls || change.kind == Change::Kind::kSysctl;
      }
      absl::StrAppend(&text, "\n");
    }
  }
  for (const Finding& finding : findings) {
    if (finding.severity == Severity::kOk) absl::StrAppend(&text, Row(finding));
  }
  absl::StrAppend(&text, "\n", Tally(findings));
  if (sysctls) {
    absl::StrAppend(&text,
                    "sysctl -w lasts until the next boot; KEY = VALUE in a file of "
                    "/etc/sysctl.d lasts.\n");
  }
  return text;
}

std::string AuditJson(const Facts& facts, const std::vector<Finding>& findings) {
  Json rows = Json::array();
  for (const Finding& finding : findings) {
    rows.push_back({{"check", finding.check},
                    {"severity", std::string(Name(finding.severity))},
                    {"is", finding.is},
                    {"value", OrNull(finding.value)},
                    {"needed", OrNull(finding.needed)},
                    {"why", finding.why},
                    {"set", ChangesDocument(finding.changes)}});
  }
  const Json whole = {{"version", Version()},
                      {"agents", facts.agents},
                      {"daemon_asked", facts.daemon.has_value()},
                      {"loses_agents", LosesAgents(findings)},
                      {"findings", rows}};
  return whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace floodgate::tune
