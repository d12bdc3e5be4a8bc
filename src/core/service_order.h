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

// The oldest connection first: by the time when it was established, then in the order of Add. One
// that is not to be served before `not_before` is passed over until then and takes its place by age
// from then on. Those who have left are found by the caller, who alone can look, and told here, for
// orders that learn how long clients wait; this one does not. Not thread-safe. Add, Next, Remove:
// O(log n). REQUIRES: `now` never goes back.
class ServiceOrder {
 public:
  // `id`: small numbers, free to be used again after Next or Remove. REQUIRES: not in the order.
  void Add(uint32_t id, Instant arrived, Instant not_before);
  // Takes the next one out; nullopt if none may be served now.
  std::optional<uint32_t> Next(Instant now);
  // It has ended otherwise. REQUIRES: in the order.
  void Remove(uint32_t id);
  // A connection that was established at `arrived` was found at `now` to have left.
  void Gone(Instant /*arrived*/, Instant /*now*/) {}

  // When Next has someone to give; in the past if it has now, Never() if the order is empty.
  Instant NextDue() const;
  size_t size() const { return ready_.size() + early_.size(); }

 private:
  struct Place {
    Instant key;            // in ready_: arrived; in early_: not_before
    uint64_t sequence = 0;  // of Add; unique
    uint32_t id = 0;
    friend constexpr bool operator<(const Place& a, const Place& b) {
      return a.key != b.key ? a.key < b.key : a.sequence < b.sequence;
    }
  };
  struct Member {
    Instant arrived;
    Instant not_before;
    uint64_t sequence = 0;  // 0: not in the order
    bool early = false;     // in early_, else in ready_
  };

  absl::btree_set<Place> ready_;
  absl::btree_set<Place> early_;  // not_before has not come, as far as Next has seen
  std::vector<Member> members_;   // by id
  uint64_t sequence_ = 0;
  Instant seen_;  // the latest `now`
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_SERVICE_ORDER_H_
