// Splicing through pipes that are byte strings.
#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "sim/sim_kernel_state.h"

namespace floodgate::sim {

int SimKernel::OpenPipe(size_t capacity, int* read_end, int* write_end) {
  FG_CHECK(capacity > 0);
  State& state = *state_;
  *read_end = state.network.Open();
  *write_end = state.network.Open();
  auto pipe = std::make_shared<State::Pipe>();
  pipe->capacity = capacity;
  state.HandleOf(*read_end).pipe = pipe;
  state.HandleOf(*write_end).pipe = pipe;
  return 0;
}

int64_t SimKernel::Splice(int from, int to, size_t size) {
  State& state = *state_;
  Network& network = state.network;
  const std::shared_ptr<State::Pipe> source = state.HandleOf(from).pipe;
  const std::shared_ptr<State::Pipe> sink = state.HandleOf(to).pipe;
  FG_CHECK((source == nullptr) != (sink == nullptr) && size > 0);
  if (source != nullptr) {
    if (source->bytes.empty()) return -EAGAIN;
    Charge(state.costs.send);
    const int64_t sent = network.Send(to, absl::string_view(source->bytes).substr(0, size));
    if (sent == 0) return -EAGAIN;
    if (sent > 0) source->bytes.erase(0, static_cast<size_t>(sent));
    return sent;
  }
  const size_t room = sink->capacity - std::min(sink->capacity, sink->bytes.size());
  Charge(state.costs.receive);
  const size_t unread = network.received_unread(from);
  if (unread > 0) {
    if (room == 0) return -EAGAIN;
    const std::string bytes = network.Receive(from, std::min(size, room));
    sink->bytes += bytes;
    return static_cast<int64_t>(bytes.size());
  }
  if (!network.Look(from).readable) return -EAGAIN;
  return -network.TakeError(from);
}

}  // namespace floodgate::sim
