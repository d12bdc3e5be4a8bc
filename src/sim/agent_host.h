// One host for all agents of a fleet, with one thread that works on them in turn, as
// floodgate-storm is: whatever an agent does waits until the thread gets to it.
#ifndef FLOODGATE_SIM_AGENT_HOST_H_
#define FLOODGATE_SIM_AGENT_HOST_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "base/time.h"
#include "sim/world.h"

namespace floodgate::sim {

// CPU time of that thread for each step of an agent.
struct AgentHostCosts {
  Duration connect;  // connect(2)
  Duration hello;    // the connection stands: the client hello is made and sent
  Duration finish;   // the server's flight has come: the finish and the request are
  Duration answer;   // the answer is read, and the connection closed
};

// In its turns it begins at most kEach attempts that are due, then attends to at most kEach events,
// each in their order.
class AgentHost final : public Actor {
 public:
  enum class Work : uint8_t { kBegin, kAttend };
  static constexpr int kEach = 64;  // as tools/storm has it

  // `perform` is called when the thread has done that work for that agent: now it takes effect.
  AgentHost(World& world, std::function<void(Work work, uint32_t agent)> perform);

  // The agent is due for it, which takes `cost`.
  void Post(Work work, uint32_t agent, Duration cost);

  void OnEvent(uint64_t what) override;

 private:
  struct Job {
    uint32_t agent = 0;
    Duration cost;
  };
  // Takes up the next job, if there is one and the thread is free.
  void Next();

  World& world_;
  std::function<void(Work work, uint32_t agent)> perform_;
  std::deque<Job> begins_;
  std::deque<Job> events_;
  Work at_work_ = Work::kBegin;
  int left_ = kEach;  // of this kind in this turn
  bool busy_ = false;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_AGENT_HOST_H_
