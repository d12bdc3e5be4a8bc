// The inside of the fake kernel (sim_kernel.h).
#ifndef FLOODGATE_SIM_SIM_KERNEL_STATE_H_
#define FLOODGATE_SIM_SIM_KERNEL_STATE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "io/kernel.h"
#include "sim/sim_kernel.h"

namespace floodgate::sim {

// Calls do their work at once. Operations are started by Wait, in the order in which they were
// submitted, and are tried then and whenever the network says that their end has changed, until
// one attempt completes them. Only a multishot accept is served by Wait alone.
struct SimKernel::State final : public Waker {
  static constexpr int32_t kNone = -1;

  // An operation that has started and not completed.
  struct Pending {
    Op op;
    uint64_t content = 0;  // digest of what the caller must leave as it is
    uint32_t done = 0;     // bytes of a send
    uint32_t generation = 0;
    bool active = false;
    bool attempt_due = false;  // an event for it is under way
    bool in_ready = false;     // multishot: in ready_multishots
  };
  struct Submitted {
    Op op;
    uint64_t content = 0;
  };
  struct Pipe {
    std::string bytes;
    size_t capacity = 0;
  };
  struct Handle {
    int32_t reader = kNone;  // in `pending`
    int32_t writer = kNone;
    // In flight as its owner sees it: from Submit until Wait hands over the completion.
    uint32_t readers = 0;
    uint32_t writers = 0;
    uint32_t accepts = 0;
    bool observed = false;
    std::shared_ptr<Pipe> pipe;
  };
  struct Done {
    Completion completion;
    OpKind kind = OpKind::kPoll;
    bool is_writer = false;
    int fd = -1;
  };
  struct Buffer {
    std::unique_ptr<std::byte[]> bytes;
    uint32_t used = 0;
    bool held = false;
  };

  State(SimKernel& owner, Network& network, const KernelOptions& options, Drive drive);
  ~State() override;

  void Wake() override;

  // --- Handles (sim_kernel.cc)
  Handle& HandleOf(int fd);
  void Watch(int fd, Handle& handle);
  void CheckIdle(int fd) const;
  void Drop(int fd);

  // --- Operations (sim_kernel_ops.cc)
  void StartSubmitted();
  void Start(const Submitted& submitted);
  bool StartConnect(int32_t slot);
  void Cancel(const Op& op);
  int32_t FindTarget(const Op& cancel) const;
  // Tries now, or later as the faults say.
  void Try(int32_t slot);
  void TryLater(int32_t slot);
  // Both of a handle.
  void TryAll(int fd);
  // Completes it if it can be.
  void Attempt(int32_t slot);
  void AttemptAccept(int32_t slot);
  void AttemptConnect(int32_t slot);
  void AttemptReceive(int32_t slot);
  void AttemptSend(int32_t slot);
  void AttemptPoll(int32_t slot);
  void Complete(int32_t slot, Completion completion);
  void Complete(int32_t slot, int32_t result);
  void Push(const Op& op, Completion completion);
  Completion HandOver();  // the oldest
  // Takes from the listeners of multishot accepts, up to `limit` connections.
  void TakeMultishots(size_t limit);
  bool TakeMultishot(int32_t slot);
  // An error that accept may give instead, 0: none.
  int32_t AcceptFault(int listener);
  bool Chance(uint32_t percent);
  int32_t TakeBuffer(const std::string& bytes);
  void ChargeFor(OpKind kind);

  // What Wait would hand over without starting anything.
  bool AnythingDone() const {
    return !completions.empty() || wake_due || !ready_multishots.empty();
  }
  // Calls on_ready if there is something now and `was_ready` says that there was nothing.
  void TellIfReady(bool was_ready);

  SimKernel& owner;
  Network& network;
  World& world;
  KernelOptions options;
  Drive drive;
  Faults faults;
  KernelCosts costs;
  std::function<void()> on_ready;
  Instant now;
  Duration charge;
  size_t in_flight = 0;  // operations, from Submit until Wait hands over their last completion
  bool in_wait = false;
  bool wake_due = false;

  std::vector<Submitted> submitted;
  std::vector<Pending> pending;
  std::vector<int32_t> free_pending;
  std::deque<int32_t> ready_multishots;
  std::deque<Done> completions;
  absl::flat_hash_map<int, Handle> handles;  // never iterated
  std::vector<Buffer> buffers;
  std::vector<uint16_t> free_buffers;
};

// Whether an operation is in the place of those that write.
bool IsWriter(const Op& op);

// Digest of what an operation's caller must leave as it is until it completes.
uint64_t ContentOf(const Op& op);

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_SIM_KERNEL_STATE_H_
