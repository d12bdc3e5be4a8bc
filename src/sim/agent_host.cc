#include "sim/agent_host.h"

namespace floodgate::sim {

AgentHost::AgentHost(World& world, std::function<void(Work work, uint32_t agent)> perform)
    : world_(world), perform_(std::move(perform)) {}

void AgentHost::Post(Work work, uint32_t agent, Duration cost) {
  (work == Work::kBegin ? begins_ : events_).push_back({.agent = agent, .cost = cost});
  if (!busy_) Next();
}

void AgentHost::Next() {
  if (begins_.empty() && events_.empty()) return;
  const auto queue = [this]() -> std::deque<Job>& {
    return at_work_ == Work::kBegin ? begins_ : events_;
  };
  if (left_ == 0 || queue().empty()) {
    at_work_ = at_work_ == Work::kBegin ? Work::kAttend : Work::kBegin;
    left_ = kEach;
    // The other kind has none: this one goes on in a new turn.
    if (queue().empty()) at_work_ = at_work_ == Work::kBegin ? Work::kAttend : Work::kBegin;
  }
  const Job job = queue().front();
  queue().pop_front();
  --left_;
  busy_ = true;
  world_.At(world_.now() + job.cost, *this, job.agent);
}

void AgentHost::OnEvent(uint64_t what) {
  perform_(at_work_, static_cast<uint32_t>(what));
  busy_ = false;
  Next();
}

}  // namespace floodgate::sim
