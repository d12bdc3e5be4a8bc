// Slots for objects that completions refer to: handles carry a generation, so one that outlived its
// object is recognised, and addresses stay put while the pool grows.
#ifndef FLOODGATE_BASE_SLOT_POOL_H_
#define FLOODGATE_BASE_SLOT_POOL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"

namespace floodgate {

// Names a slot and one of the lives in it. Packs into 54 bits, so that a token has ten to spare.
struct SlotHandle {
  static constexpr uint32_t kGenerations = 1u << 22;

  uint32_t index = 0;
  uint32_t generation = 0;  // 1..kGenerations-1; 0 names nothing

  constexpr uint64_t Pack() const { return (uint64_t{generation} << 32) | index; }
  static constexpr SlotHandle Unpack(uint64_t packed) {
    return {.index = static_cast<uint32_t>(packed),
            .generation = static_cast<uint32_t>(packed >> 32) & (kGenerations - 1)};
  }
  friend constexpr bool operator==(SlotHandle, SlotHandle) = default;
};

// Not thread-safe. Freed slots are used again, last freed first, so that few are ever touched.
// A handle is mistaken for a later life of its slot only after 4,194,303 lives.
template <typename T>
class SlotPool {
 public:
  // A default-made T in a free slot.
  SlotHandle Insert() {
    uint32_t index = 0;
    if (free_.empty()) {
      index = static_cast<uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    Slot& slot = slots_[index];
    slot.used = true;
    slot.generation = slot.generation + 1 == SlotHandle::kGenerations ? 1 : slot.generation + 1;
    ++size_;
    return {.index = index, .generation = slot.generation};
  }

  // Null if that life is over, or never was.
  T* Get(SlotHandle handle) {
    if (handle.index >= slots_.size()) return nullptr;
    Slot& slot = slots_[handle.index];
    return slot.used && slot.generation == handle.generation ? &slot.value : nullptr;
  }

  // The handle of the life in slot `index` now. REQUIRES: the slot is used.
  SlotHandle HandleAt(uint32_t index) const {
    FG_CHECK(index < slots_.size() && slots_[index].used);
    return {.index = index, .generation = slots_[index].generation};
  }

  // Ends a life: the T is reset to a default-made one. REQUIRES: Get(handle) != null.
  void Erase(SlotHandle handle) {
    FG_CHECK(Get(handle) != nullptr);
    Slot& slot = slots_[handle.index];
    slot.value = T();
    slot.used = false;
    free_.push_back(handle.index);
    --size_;
  }

  size_t size() const { return size_; }
  // How many slots there have ever been at a time; indices are below it.
  size_t slots() const { return slots_.size(); }
  // The handle of the life in slot `index`; nullopt if the slot is free. REQUIRES: index < slots().
  std::optional<SlotHandle> Look(uint32_t index) const {
    if (!slots_[index].used) return std::nullopt;
    return HandleAt(index);
  }

  // Calls `visit(handle, value)` for each life, in the order of slots. `visit` may erase what it is
  // called with; what is inserted meanwhile may or may not be visited.
  template <typename Visit>
  void ForEach(Visit visit) {
    for (uint32_t index = 0; index < slots_.size(); ++index) {
      if (slots_[index].used) visit(HandleAt(index), slots_[index].value);
    }
  }

 private:
  struct Slot {
    T value{};
    uint32_t generation = 0;
    bool used = false;
  };
  std::deque<Slot> slots_;
  std::vector<uint32_t> free_;
  size_t size_ = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_BASE_SLOT_POOL_H_
