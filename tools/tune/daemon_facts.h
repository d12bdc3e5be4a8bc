// What a running floodgated says of itself over its control interface.
#ifndef FLOODGATE_TOOLS_TUNE_DAEMON_FACTS_H_
#define FLOODGATE_TOOLS_TUNE_DAEMON_FACTS_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/endpoint.h"
#include "tools/tune/facts.h"

namespace floodgate::tune {

// From the document of GET /v1/status (docs/control-interface.md). InvalidArgument: not one.
absl::StatusOr<DaemonFacts> ReadStatus(absl::string_view status_json);

// The sample `name`, without labels, in Prometheus' text format. nullopt: it is not there.
std::optional<int64_t> FindMetric(absl::string_view metrics, absl::string_view name);

// Asks the daemon at `admin` and fills in `facts.daemon`, and of `facts.host` what is the daemon's
// own: its limit of descriptors, from PROC/PID/limits if its PID is known, else as its metrics tell
// it; and the memory that its control groups leave, which is not known without its PID. Errors say
// why nobody answered.
absl::Status ReadDaemon(const Endpoint& admin, const std::string& proc, Facts& facts);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_DAEMON_FACTS_H_
