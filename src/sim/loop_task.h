// A thread that runs a loop of the daemon, the gatekeeper's or a worker's, on the simulated kernel:
// its turn in the two halves that a real thread has, up to the wait and from the wait on.
#ifndef FLOODGATE_SIM_LOOP_TASK_H_
#define FLOODGATE_SIM_LOOP_TASK_H_

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/time.h"
#include "sim/processor.h"
#include "sim/sim_kernel.h"
#include "sim/world.h"

namespace floodgate::sim {

// The halves of a turn (front/gatekeeper.h, front/worker.h).
struct LoopTurn {
  std::function<Instant(Instant until)> begin;
  std::function<void(Instant until)> end;
};

// Lives as long as the world runs: timers that have lost their meaning come back to it.
class LoopTask final : public Task, public Actor {
 public:
  // All of them outlive the task. Joins the processor and begins with its first turn.
  LoopTask(World& world, Processor& processor, SimKernel& kernel, LoopTurn turn);

  // Never runs again.
  void Stop();
  // CPU time that it has had.
  Duration used() const { return processor_.busy(id_); }

  bool Runnable() override;
  Duration Run() override;
  void Passed() override;
  void OnEvent(uint64_t what) override;

 private:
  // Sees to it that an event comes when the wait is over. Events are not taken back, so an earlier
  // one that is coming anyway does.
  void SetAlarm();

  World& world_;
  Processor& processor_;
  SimKernel& kernel_;
  LoopTurn turn_;
  size_t id_;
  bool at_wait_ = false;              // the next half begins with the wait
  Instant until_;                     // how long that may last
  Instant alarm_ = Instant::Never();  // the nearest event that is coming to us
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_LOOP_TASK_H_
