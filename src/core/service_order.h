// In what order connections that are ready get a handshake slot. One replaceable piece: nothing else
// knows the order.
#ifndef FLOODGATE_CORE_SERVICE_ORDER_H_
#define FLOODGATE_CORE_SERVICE_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/time.h"

namespace floodgate {

// First in, first out. Those who have left are skipped by the caller, who alone can look, and reported
// here, so that an order which learns how long clients wait can learn it.
// Not thread-safe. Add, Next, Remove: O(1) amortised.
class ServiceOrder {
 public:
  // `id`: small numbers, used again after Next or Remove. `arrived`: when its connection was established.
  void Add(uint32_t id, Instant arrived, Instant now);
  // Takes the next one out; nullopt if there is none.
  std::optional<uint32_t> Next(Instant now);
  // It has ended otherwise. REQUIRES: added and not taken out.
  void Remove(uint32_t id);
  // One that was established at `arrived` was found gone at `now`.
  void Gone(Instant arrived, Instant now);

  size_t size() const { return size_; }

 private:
  struct Entry {
    uint32_t id = 0;
    uint32_t life = 0;
  };
  std::deque<Entry> queue_;
  std::vector<uint32_t> lives_;  // by id; an entry of another life has been removed
  size_t size_ = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_SERVICE_ORDER_H_
