// The cores of the simulated host and who shares them. What a thread decides, it decides at one
// instant; the CPU time of it then passes before the thread goes on, before those it has woken run,
// and while others of the core wait.
//
// After Linux's fair scheduler, roughly (sched(7), EEVDF's forerunner): threads that are ready
// queue for a core, the one that has run least first; one that runs is put back after a slice when
// others wait, and at once when one wakes that has run less by more than a margin.
#ifndef FLOODGATE_SIM_PROCESSOR_H_
#define FLOODGATE_SIM_PROCESSOR_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "sim/world.h"

namespace floodgate::sim {

// A thread, cut into pieces that each decide at one instant.
class Task {
 public:
  virtual ~Task() = default;
  // Whether there is a piece to be done now. Asked when it is awake and has a core.
  virtual bool Runnable() = 0;
  // Does it. The CPU time that it takes. REQUIRES: Runnable().
  virtual Duration Run() = 0;
  // That time has passed.
  virtual void Passed() = 0;
};

struct ProcessorOptions {
  int cores = 1;
  Duration slice = Duration::Milliseconds(3);
  Duration wakeup_margin = Duration::Milliseconds(1);
};

class Processor final : public Actor {
 public:
  Processor(World& world, const ProcessorOptions& options);

  // `task` outlives the processor, or its Remove. The number to wake it by. It is asleep.
  size_t Add(Task& task);
  // It never runs again. REQUIRES: not called from a task.
  void Remove(size_t id);
  // It may have something to do. Called by a task that runs: takes effect when that one's time has
  // passed.
  void Wake(size_t id);

  // CPU time that has passed, of all threads and of one.
  Duration busy() const;
  Duration busy(size_t id) const { return threads_[id].used; }

  void OnEvent(uint64_t what) override;

 private:
  static constexpr size_t kNone = SIZE_MAX;
  // Pieces without cost at one instant: more of them than this is a thread that spins.
  static constexpr int kFreePiecesMax = 100'000;
  enum class State : uint8_t { kAsleep, kQueued, kRunning, kRemoved };

  struct Thread {
    Task* task = nullptr;
    State state = State::kAsleep;
    bool in_piece = false;
    Duration left = {};              // of the piece it is in
    int64_t virtual_ns = 0;          // how much it has run, for the order; catches up at a wake
    uint64_t queued_as = 0;          // ties: first in, first out
    Duration used = {};              // in all
    std::vector<size_t> wakes = {};  // of the piece it is in
  };
  struct Core {
    size_t thread = kNone;
    Instant since = {};  // what has passed until then is booked
    Duration slice_left = {};
    uint32_t generation = 0;  // of that event
  };

  void Enqueue(size_t id);
  void AskForDispatch();
  // Gives free cores to those who wait, and takes cores from those who have run much.
  void Dispatch();
  bool HasRunMore(const Core& core, size_t id) const;
  size_t First() const;  // of the queue; kNone
  void Start(size_t core_index, size_t id);
  // Goes on with the core's thread: the rest of its piece, or the next ones, as long as they are
  // free.
  void Proceed(size_t core_index);
  void Grant(size_t core_index);
  // Books what has passed since the last event.
  void Account(Core& core);
  void OnCore(size_t core_index);
  // The end of a piece.
  void Finish(Thread& thread);
  // Off the core: back into the queue, or asleep.
  void Leave(size_t core_index, bool queue);

  World& world_;
  ProcessorOptions options_;
  std::vector<Thread> threads_;
  std::vector<Core> cores_;
  std::vector<size_t> queue_;  // few: looked through
  size_t current_ = kNone;     // whose Task::Run is on the stack
  int64_t virtual_now_ns_ = 0;
  uint64_t sequence_ = 0;
  bool dispatch_asked_ = false;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_PROCESSOR_H_
