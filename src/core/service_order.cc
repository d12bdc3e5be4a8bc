#include "core/service_order.h"

#include <iterator>

#include "base/check.h"

namespace floodgate {

void ServiceOrder::Add(uint32_t id, Instant arrived, bool parked) {
  if (id >= members_.size()) members_.resize(size_t{id} + 1);
  Member& member = members_[id];
  FG_CHECK(member.sequence == 0);
  member = {.arrived = arrived, .sequence = ++sequence_, .parked = parked};
  (parked ? parked_ : others_).insert({.arrived = arrived, .sequence = sequence_, .id = id});
}

uint32_t ServiceOrder::Take(Places& places, Places::iterator place) {
  const uint32_t id = place->id;
  places.erase(place);
  members_[id].sequence = 0;
  return id;
}

std::optional<uint32_t> ServiceOrder::Next(std::optional<Duration> horizon, Instant now) {
  if (!parked_.empty()) return Take(parked_, parked_.begin());
  if (others_.empty()) return std::nullopt;
  if (!horizon.has_value()) return Take(others_, others_.begin());
  const auto oldest_within = others_.lower_bound({.arrived = now - *horizon});
  if (oldest_within != others_.end()) return Take(others_, oldest_within);
  return Take(others_, std::prev(others_.end()));
}

void ServiceOrder::Remove(uint32_t id) {
  FG_CHECK(id < members_.size() && members_[id].sequence != 0);
  Member& member = members_[id];
  const size_t erased =
      (member.parked ? parked_ : others_)
          .erase({.arrived = member.arrived, .sequence = member.sequence, .id = id});
  FG_CHECK(erased == 1);
  member.sequence = 0;
}

}  // namespace floodgate
