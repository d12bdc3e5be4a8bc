// In what order connections that are ready get a handshake slot. One replaceable piece: nothing
// else knows the order.
#ifndef FLOODGATE_CORE_SERVICE_ORDER_H_
#define FLOODGATE_CORE_SERVICE_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/btree_set.h"
#include "base/time.h"

namespace floodgate {

// First those who were parked behind the gate, the oldest first. Then, of the others, the oldest of
// those who are not older than the horizon; when all are, the newest, who has most of its patience
// left. Without a horizon the oldest. Those of one age come in the order of Add (the newest first:
// the last added first). Ages count from when the connection was established.
//
// Guarantee: while there is no horizon, nobody overtakes. Not thread-safe. Add, Next, Remove:
// O(log n).
class ServiceOrder {
 public:
  // `id`: small numbers, free to be used again after Next or Remove. REQUIRES: not in the order.
  void Add(uint32_t id, Instant arrived, bool parked);
  // Takes the next one out; nullopt if there is none.
  std::optional<uint32_t> Next(std::optional<Duration> horizon, Instant now);
  // It has ended otherwise. REQUIRES: in the order.
  void Remove(uint32_t id);

  size_t size() const { return parked_.size() + others_.size(); }

 private:
  struct Place {
    Instant arrived;
    uint64_t sequence = 0;  // of Add; unique
    uint32_t id = 0;
    friend constexpr bool operator<(const Place& a, const Place& b) {
      return a.arrived != b.arrived ? a.arrived < b.arrived : a.sequence < b.sequence;
    }
  };
  struct Member {
    Instant arrived;
    uint64_t sequence = 0;  // 0: not in the order
    bool parked = false;
  };
  using Places = absl::btree_set<Place>;

  uint32_t Take(Places& places, Places::iterator place);

  Places parked_;
  Places others_;
  std::vector<Member> members_;  // by id
  uint64_t sequence_ = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_SERVICE_ORDER_H_
