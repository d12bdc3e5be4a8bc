#include "core/service_order.h"

#include "base/check.h"

namespace floodgate {

void ServiceOrder::Add(uint32_t id, Instant /*arrived*/, Instant /*now*/) {
  if (id >= lives_.size()) lives_.resize(id + 1, 0);
  queue_.push_back({.id = id, .life = lives_[id]});
  ++size_;
}

std::optional<uint32_t> ServiceOrder::Next(Instant /*now*/) {
  while (!queue_.empty()) {
    const Entry entry = queue_.front();
    queue_.pop_front();
    if (lives_[entry.id] != entry.life) continue;
    ++lives_[entry.id];
    --size_;
    return entry.id;
  }
  return std::nullopt;
}

void ServiceOrder::Remove(uint32_t id) {
  FG_CHECK(id < lives_.size() && size_ > 0);
  ++lives_[id];
  --size_;
}

void ServiceOrder::Gone(Instant /*arrived*/, Instant /*now*/) {}

}  // namespace floodgate
