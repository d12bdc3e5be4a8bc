#include "core/service_order.h"

#include <algorithm>

#include "base/check.h"

namespace floodgate {

void ServiceOrder::Add(uint32_t id, Instant arrived, Instant not_before) {
  if (id >= members_.size()) members_.resize(size_t{id} + 1);
  Member& member = members_[id];
  FG_CHECK(member.sequence == 0);
  const bool early = not_before > seen_;
  member = {.arrived = arrived, .not_before = not_before, .sequence = ++sequence_, .early = early};
  (early ? early_ : ready_)
      .insert({.key = early ? not_before : arrived, .sequence = member.sequence, .id = id});
}

std::optional<uint32_t> ServiceOrder::Next(Instant now) {
  seen_ = std::max(seen_, now);
  while (!early_.empty() && early_.begin()->key <= seen_) {
    const Place place = *early_.begin();
    early_.erase(early_.begin());
    Member& member = members_[place.id];
    member.early = false;
    ready_.insert({.key = member.arrived, .sequence = place.sequence, .id = place.id});
  }
  if (ready_.empty()) return std::nullopt;
  const uint32_t id = ready_.begin()->id;
  ready_.erase(ready_.begin());
  members_[id].sequence = 0;
  return id;
}

void ServiceOrder::Remove(uint32_t id) {
  FG_CHECK(id < members_.size() && members_[id].sequence != 0);
  Member& member = members_[id];
  const Place place{.key = member.early ? member.not_before : member.arrived,
                    .sequence = member.sequence,
                    .id = id};
  const size_t erased = (member.early ? early_ : ready_).erase(place);
  FG_CHECK(erased == 1);
  member.sequence = 0;
}

Instant ServiceOrder::NextDue() const {
  if (!ready_.empty()) return seen_;
  return early_.empty() ? Instant::Never() : early_.begin()->key;
}

}  // namespace floodgate
