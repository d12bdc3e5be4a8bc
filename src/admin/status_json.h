// The documents of the control interface, as JSON on one line without a newline at the end.
// Pure functions of their arguments; names and shape are told in docs/control-interface.md.
#ifndef FLOODGATE_ADMIN_STATUS_JSON_H_
#define FLOODGATE_ADMIN_STATUS_JSON_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "admin/control.h"
#include "front/snapshot.h"

namespace floodgate {

// `GET /v1/status`.
std::string StatusJson(const StatusSnapshot& status);
// `GET /v1/status?wait=STATE`: the same with "wait":{"state":STATE,"reached":...} added.
std::string WaitJson(const StatusSnapshot& status, GateState wanted, bool reached);
// `GET /v1/ports`, --ports-file, --notify-fd.
std::string BoundPortsJson(const BoundPorts& ports);
// `GET /v1/sources`: {"sources":[...]} in the order given.
std::string SourcesJson(const std::vector<SourceSnapshot>& sources);
// `POST /v1/reload`: {"applied":[...],"restart_needed":[...]}, or with faults
// {"error":...,"remedy":...,"faults":[...]}.
std::string ReloadJson(const Control::ReloadResult& result);
// What `POST /v1/gate` and `/v1/signal` answer: {"gate":"open"}.
std::string GateJson(GateState state);
// {"error":...,"remedy":...}. Bytes that are not UTF-8 become U+FFFD.
std::string ErrorJson(absl::string_view error, absl::string_view remedy);

// RFC 3339 in UTC, "2026-01-02T03:04:05Z"; the fraction ".250" only where it is not zero.
std::string FormatUnixMs(int64_t unix_ms);

}  // namespace floodgate

#endif  // FLOODGATE_ADMIN_STATUS_JSON_H_
