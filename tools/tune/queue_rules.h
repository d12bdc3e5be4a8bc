// The rules about getting into a listener's queue: the accept queue, SYN queue and SYN cookies.
// After Linux's tcp_conn_request and tcp_check_req (net/ipv4/tcp_input.c, tcp_minisocks.c).
#ifndef FLOODGATE_TOOLS_TUNE_QUEUE_RULES_H_
#define FLOODGATE_TOOLS_TUNE_QUEUE_RULES_H_

#include <vector>

#include "tools/tune/rules.h"

namespace floodgate::tune {

// Appends to `findings`. Part of Audit.
void AuditQueues(const Facts& facts, std::vector<Finding>& findings);

// A setting that could not be read: a note.
Finding Unreadable(std::string check, const std::string& key);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_QUEUE_RULES_H_
