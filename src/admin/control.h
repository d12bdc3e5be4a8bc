// What the control interface may ask of a running server. The daemon implements it; the tests of
// this room use a fake. All calls are thread-safe and may block for a moment (until the
// gatekeeper's next turn), never for long: the gatekeeper does not wait for anything but its
// kernel.
#ifndef FLOODGATE_ADMIN_CONTROL_H_
#define FLOODGATE_ADMIN_CONTROL_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/time.h"
#include "front/snapshot.h"

namespace floodgate {

// The addresses really bound, in the form of Endpoint::ToString.
struct BoundPorts {
  std::vector<std::string> controller;
  std::vector<std::string> agent;
  std::vector<std::string> admin;
};

// Server id -> addresses, from a peergrouper signal.
using PeerServers = std::map<std::string, std::vector<std::string>>;

class Control {
 public:
  virtual ~Control() = default;

  virtual StatusSnapshot Status() = 0;
  virtual BoundPorts Ports() = 0;
  // The gate's state afterwards. FailedPrecondition: `servers` lacks gate.self_id (the message
  // names it and what was sent); the gate is untouched.
  virtual absl::StatusOr<GateState> SignalPeergrouper(const PeerServers& servers) = 0;
  // The state afterwards: kStopping where it was so before, and then nothing was done.
  virtual GateState OpenGate() = 0;
  virtual GateState HoldGate() = 0;
  // The `count` sources with most refusals, most first.
  virtual std::vector<SourceSnapshot> TopSources(int count) = 0;
  // Reads the configuration file and the certificates again. `faults` empty: all of it is in force,
  // and `restart_needed` names the keys whose change waits for a restart. Otherwise nothing
  // changed.
  struct ReloadResult {
    std::vector<std::string> faults;
    std::vector<std::string> applied;
    std::vector<std::string> restart_needed;
  };
  virtual ReloadResult Reload() = 0;
  // Begins the graceful stop, as SIGTERM does.
  virtual void Drain() = 0;
  // Blocks until the gate is in `state` or `timeout` is over; the state then.
  virtual GateState WaitForGate(GateState state, Duration timeout) = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_ADMIN_CONTROL_H_
