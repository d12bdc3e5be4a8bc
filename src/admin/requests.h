// Reads the JSON bodies that the control interface takes. Pure.
#ifndef FLOODGATE_ADMIN_REQUESTS_H_
#define FLOODGATE_ADMIN_REQUESTS_H_

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "admin/control.h"
#include "core/states.h"

namespace floodgate {

// What a signal looks like, for error messages.
inline constexpr char kSignalRemedy[] =
    R"(send {"kind":"peergrouper","servers":{"0":{"addresses":["10.0.0.1:17070"]}}})";

// {"kind":"peergrouper","servers":{ID:{"addresses":[...]},...}}; `addresses` may be absent, and
// members that are not known are not looked at. InvalidArgument: what is wrong and where.
absl::StatusOr<PeerServers> ParseSignal(absl::string_view body);

enum class GateAction { kOpen, kHold };

// {"action":"open"} or {"action":"hold"}. InvalidArgument: what is wrong and where.
absl::StatusOr<GateAction> ParseGateAction(absl::string_view body);

// "holding" and so on; nullopt if it is none.
std::optional<GateState> ParseGateState(absl::string_view name);

}  // namespace floodgate

#endif  // FLOODGATE_ADMIN_REQUESTS_H_
