// The findings of an audit, for people and as JSON.
#ifndef FLOODGATE_TOOLS_TUNE_AUDIT_REPORT_H_
#define FLOODGATE_TOOLS_TUNE_AUDIT_REPORT_H_

#include <string>
#include <vector>

#include "tools/tune/facts.h"
#include "tools/tune/rules.h"

namespace floodgate::tune {

// What is wrong first, each with its reason and what to set; then the rest, a line each.
std::string AuditText(const Facts& facts, const std::vector<Finding>& findings);
// One object; its keys are in docs/tuning.md.
std::string AuditJson(const Facts& facts, const std::vector<Finding>& findings);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_AUDIT_REPORT_H_
