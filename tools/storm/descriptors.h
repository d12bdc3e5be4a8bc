// How many descriptors a storm takes: asked by the storm before it begins, and by floodgate-tune
// before it starts one.
#ifndef FLOODGATE_TOOLS_STORM_DESCRIPTORS_H_
#define FLOODGATE_TOOLS_STORM_DESCRIPTORS_H_

#include <cstdint>

namespace floodgate::storm {

// epoll, standard streams, what a resolver opens.
inline constexpr uint64_t kOwnDescriptors = 16;

// The least limit under which a storm of so many connections at a time begins.
constexpr uint64_t DescriptorsNeeded(uint64_t connections) {
  return connections + kOwnDescriptors;
}

// How many connections at a time that limit allows.
constexpr uint64_t ConnectionsAllowed(uint64_t descriptors) {
  return descriptors > kOwnDescriptors ? descriptors - kOwnDescriptors : 0;
}

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_DESCRIPTORS_H_
