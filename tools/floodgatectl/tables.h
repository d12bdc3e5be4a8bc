// The control interface's documents as text for people. Pure: JSON in, text out. The text ends with
// a newline. InvalidArgument: the document is not what this version understands.
#ifndef FLOODGATE_FLOODGATECTL_TABLES_H_
#define FLOODGATE_FLOODGATECTL_TABLES_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace floodgate {

// `earlier`: a status from `elapsed_s` seconds before, for rates; absent: totals only.
struct EarlierStatus {
  std::string json;
  double elapsed_s = 1;
};
absl::StatusOr<std::string> StatusTable(absl::string_view status_json,
                                        const std::optional<EarlierStatus>& earlier = std::nullopt);
absl::StatusOr<std::string> PortsTable(absl::string_view ports_json);
absl::StatusOr<std::string> SourcesTable(absl::string_view sources_json);
absl::StatusOr<std::string> ReloadTable(absl::string_view reload_json);
// "gate settling"
absl::StatusOr<std::string> GateLine(absl::string_view gate_json);

// What an answer with an HTTP error says: "ERROR; REMEDY", and the faults one a line below it.
std::string ErrorText(int status, absl::string_view error_json);

// Of an answer to `wait`.
struct WaitOutcome {
  bool reached = false;
  std::string gate;         // the state then
  std::string waiting_for;  // "peergrouper, quorum"; empty = nothing
};
absl::StatusOr<WaitOutcome> ReadWaitOutcome(absl::string_view status_json);

}  // namespace floodgate

#endif  // FLOODGATE_FLOODGATECTL_TABLES_H_
