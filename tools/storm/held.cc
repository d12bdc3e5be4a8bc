// A served agent that stays: heartbeats, and being cut off.
#include <sys/epoll.h>

#include <algorithm>

#include "tools/storm/storm.h"

namespace floodgate::storm {
namespace {

constexpr absl::string_view kPing = "ping\n";

}  // namespace

void Storm::Stay(uint32_t index) {
  Agent& agent = agents_[index];
  agent.backoff.Reset();  // It got in: if it is cut off, that is a first failure.
  agent.answer.reset();
  agent.hold_end = options_.hold_until_end ? Instant::Never() : now_ + options_.hold;
  // The event that served it may have told of the server's end, too: it is not told again.
  read_again_.push_back(index);
  Instant next = agent.hold_end;
  if (options_.heartbeat.ns > 0) next = std::min(next, now_ + options_.heartbeat);
  agent.timer = timers_.Arm(next, index);
}

void Storm::OnHeldTimer(uint32_t index) {
  if (now_ >= agents_[index].hold_end) return EndHold(index);
  SayHeartbeat(index);
}

// An agent that gets no answer within a heartbeat takes its connection for dead, as those in the
// field do.
void Storm::SayHeartbeat(uint32_t index) {
  Agent& agent = agents_[index];
  if (!agent.heartbeat_open) {
    ++results_.heartbeats_sent;
    agent.heartbeat_open = true;
    agent.phase_begun = now_;
    agent.timer = timers_.Arm(std::min(agent.hold_end, now_ + options_.heartbeat), index);
    // Where it cannot be said the server does not read, or is gone: the read tells, or the timer.
    Say(agent, options_.http() ? absl::string_view(request_) : kPing);
    return ReadWhileHeld(index);
  }
  ++results_.heartbeats_missed;
  CutOff(index);
}

void Storm::ReadWhileHeld(uint32_t index) {
  Agent& agent = agents_[index];
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const int result = ReadSome(agent);
    if (result == kNothingYet) return;
    if (result < 0) return CutOff(index);
    results_.bytes_received += static_cast<uint64_t>(result);
    if (!TakeHeartbeat(agent, {buffer_.data(), static_cast<size_t>(result)})) return CutOff(index);
  }
  read_again_.push_back(index);
}

// False: what came is no answer to stay for.
bool Storm::TakeHeartbeat(Agent& agent, absl::string_view bytes) {
  if (!agent.heartbeat_open) return true;
  if (options_.http()) {
    if (agent.answer == nullptr) agent.answer = std::make_unique<HttpAnswer>();
    const HttpAnswer::State state = agent.answer->Feed(bytes);
    const bool bad = state == HttpAnswer::State::kBad ||
                     (state == HttpAnswer::State::kDone && agent.answer->status() >= 400);
    if (bad) {
      ++results_.heartbeats_missed;
      return false;
    }
    if (state != HttpAnswer::State::kDone) return true;
    agent.close_expected = agent.answer->says_close();
    agent.answer.reset();
  }
  now_ = ReadClock();
  agent.heartbeat_open = false;
  ++results_.heartbeats_answered;
  results_.heartbeat.Add(now_ - agent.phase_begun);
  return true;
}

// The connection is over before the agent wanted to leave.
void Storm::CutOff(uint32_t index) {
  Agent& agent = agents_[index];
  if (!agent.close_expected) {
    ++results_.closed_while_held;
    ++Row().cut_off;
  }
  if (!options_.reconnect) return EndHold(index);
  --held_;
  Close(agent);
  agent.attempts = 0;
  agent.reconnecting = true;
  agent.arrival = now_;
  // With no retries it comes back at once: to stay is what it is here for.
  BeginAfter(index, agent.backoff.NextDelayNs().value_or(0));
}

void Storm::EndHold(uint32_t index) {
  --held_;
  Close(agents_[index]);
  NextLife(index, true);
}

}  // namespace floodgate::storm
