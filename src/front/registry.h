// The admitted connections as the gatekeeper knows them: who they are and how far they have come.
// It keeps the second half of the counter equation and what the gate wants to know of controllers.
#ifndef FLOODGATE_FRONT_REGISTRY_H_
#define FLOODGATE_FRONT_REGISTRY_H_

#include <array>
#include <cstdint>
#include <map>

#include "base/ip.h"
#include "base/slot_pool.h"
#include "base/time.h"
#include "core/states.h"
#include "front/messages.h"
#include "front/snapshot.h"

namespace floodgate {

struct Admitted {
  enum class State : uint8_t { kHandshaking, kConnecting, kEstablished };
  PeerAddress peer = {};
  Port port = Port::kAgent;
  State state = State::kHandshaking;
  bool slot_held = true;  // counts among the handshakes in flight
  bool begun = false;     // the worker has made the first step of its handshake, or needs none
  bool own = false;       // from one of this host's own addresses
  uint8_t worker = 0;
  Instant arrived = {};  // when the connection was established; agents'
};

// Established connections on the controller port, by where they come from.
class ControllerPresence {
 public:
  void Add(const Admitted& controller);
  void Remove(const Admitted& controller);

  bool self_connected() const { return own_ > 0; }
  // Distinct controllers, this one counted.
  int controllers() const { return 1 + static_cast<int>(others_.size()); }

 private:
  int own_ = 0;
  std::map<IpAddress, int> others_;
};

class Registry {
 public:
  explicit Registry(std::array<PortCounters, 2>& counters) : counters_(counters) {}

  // Counts and remembers an admitted connection: peer, port, own, worker and arrived of `admitted`
  // are the caller's. `tls`: it begins with a handshake. The handle to give to the worker.
  uint64_t Admit(const Admitted& admitted, bool tls);

  // Takes a worker's report. `ended`: the connection is gone, and forgotten after this call.
  // `slot_freed`: it no longer counts among the handshakes in flight. `begun`: nor among those that
  // the worker has still to begin.
  struct Change {
    Admitted admitted;
    bool slot_freed = false;
    bool begun = false;
    bool ended = false;
  };
  Change OnReport(const Report& report);

  size_t size() const { return admitted_.size(); }
  const ControllerPresence& presence() const { return presence_; }

 private:
  PortCounters& Counters(Port port) { return counters_[static_cast<size_t>(port)]; }
  void CountEnd(const Admitted& admitted, Report::Kind kind);

  std::array<PortCounters, 2>& counters_;
  SlotPool<Admitted> admitted_;
  ControllerPresence presence_;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_REGISTRY_H_
