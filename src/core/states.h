// The names that policy, status and metrics share.
#ifndef FLOODGATE_CORE_STATES_H_
#define FLOODGATE_CORE_STATES_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace floodgate {

// holding -> settling (conditions met, the delay runs) -> draining (the parked queue is being
// taken)
// -> open; stopping after SIGTERM.
enum class GateState : uint8_t { kHolding, kSettling, kDraining, kOpen, kStopping };
inline constexpr std::array<GateState, 5> kGateStates = {GateState::kHolding, GateState::kSettling,
                                                         GateState::kDraining, GateState::kOpen,
                                                         GateState::kStopping};
inline constexpr std::array<absl::string_view, 5> kGateStateNames = {
    "holding", "settling", "draining", "open", "stopping"};
constexpr absl::string_view Name(GateState state) {
  return kGateStateNames[static_cast<size_t>(state)];
}

// parked: the gate is shut; paused: backpressure.
enum class ListenerState : uint8_t { kParked, kAccepting, kPaused, kClosed };
inline constexpr std::array<absl::string_view, 4> kListenerStateNames = {"parked", "accepting",
                                                                         "paused", "closed"};
constexpr absl::string_view Name(ListenerState state) {
  return kListenerStateNames[static_cast<size_t>(state)];
}

enum class Port : uint8_t { kController, kAgent };
inline constexpr std::array<Port, 2> kPorts = {Port::kController, Port::kAgent};
inline constexpr std::array<absl::string_view, 2> kPortNames = {"controller", "agent"};
constexpr absl::string_view Name(Port port) {
  return kPortNames[static_cast<size_t>(port)];
}

// Why a connection was turned away. All but kHandshake and kBackend happen before admission.
enum class RefusalReason : uint8_t {
  kSourceRate,
  kSourceConnections,
  kConnections,
  kDenied,
  kOverload,
  kHandshake,
  kBackend,
};
inline constexpr std::array<absl::string_view, 7> kRefusalReasonNames = {
    "source_rate", "source_connections", "connections", "denied",
    "overload",    "handshake",          "backend"};
constexpr absl::string_view Name(RefusalReason reason) {
  return kRefusalReasonNames[static_cast<size_t>(reason)];
}

}  // namespace floodgate

#endif  // FLOODGATE_CORE_STATES_H_
