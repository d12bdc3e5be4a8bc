// The fake kernel: io/kernel.h on the simulated network. It passes the contract suite of the real
// ones (tests/sim/sim_kernel_contract_test.cc); with faults it does more than they do, in any
// order, but nothing that they cannot.
//
// It enforces the rules of the seam, by FG_CHECK: no operation on a closed handle, each closed
// once, none closed with an operation in flight, bytes of a send unchanged until it completes,
// buffers released once, no SocketAddress gone before its connect has completed.
#ifndef FLOODGATE_SIM_SIM_KERNEL_H_
#define FLOODGATE_SIM_SIM_KERNEL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "io/kernel.h"
#include "io/kernel_options.h"
#include "sim/network.h"
#include "sim/world.h"

namespace floodgate::sim {

// One family of faults a line, each possibly zero (swarm testing: Groce et al., ISSTA 2012).
struct Faults {
  uint32_t accept_error_pct = 0;   // EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED
  uint32_t multishot_end_pct = 0;  // ends with a valid handle and `more` clear
  uint32_t receive_short_pct = 0;
  uint32_t receive_reset_pct = 0;  // the connection breaks, for the peer too
  uint32_t receive_no_buffers_pct = 0;
  uint32_t send_short_pct = 0;
  uint32_t send_pipe_pct = 0;  // ... and here
  uint32_t connect_error_pct = 0;
  uint32_t cancel_race_pct = 0;        // the target completes first if it can: -ENOENT
  uint32_t queue_full_pct = 0;         // Submit says no, never to the first one after a Wait
  Duration completion_delay_max = {};  // uniform, before each attempt to complete an operation
};

// What the calls cost the thread that makes them, in CPU time; all zero: time stands still.
struct KernelCosts {
  Duration accept = {};
  Duration read_connection = {};
  Duration read_addresses = {};
  Duration close = {};
  Duration receive = {};
  Duration send = {};
  Duration connect = {};
  Duration wait = {};  // each Wait, except one that would only have begun to sleep
};

// The SocketAddress by which kConnect and OpenSocket name a port of the simulated host.
SocketAddress AddressOfPort(uint16_t port);

class SimKernel final : public Kernel, public EndObserver, public Actor {
 public:
  // How Wait passes time.
  enum class Drive {
    kByWait,  // Wait runs the world until something completes or `until` comes (contract tests)
    kByScheduler,  // Wait takes what has completed by now and returns at once; on_ready tells when
                   // to come (simulation.h)
  };
  SimKernel(Network& network, const KernelOptions& options, Drive drive);
  ~SimKernel() override;

  void set_faults(const Faults& faults);
  void set_costs(const KernelCosts& costs);
  // Called when completions have come to be there, or a wake has, while there were none.
  void set_on_ready(std::function<void()> on_ready);
  // kByScheduler: whether Wait would return something now, or has something to start: operations
  // begin at the Wait behind their Submit. It may still be true after a Wait that found more than
  // fitted; on_ready does not come again then.
  bool ready() const;
  // CPU time that has been charged since the last call; whoever runs the thread lets it pass.
  Duration TakeCharge();
  // Charges more of it (a TLS step).
  void Charge(Duration time);
  // From Submit until Wait hands over the (last) completion; cancels are operations too.
  size_t operations_in_flight() const;
  size_t handles() const;  // open, and this kernel's (neither closed nor forgotten)

  // Kernel: see there.
  bool Submit(const Op& op) override;
  size_t Wait(Instant until, absl::Span<Completion> out) override;
  Instant Now() const override;
  Waker& waker() override;
  absl::Span<std::byte> Buffer(const Completion& completion) override;
  void ReleaseBuffer(uint16_t buffer) override;
  size_t buffer_size() const override;
  void Close(int fd) override;
  void Reset(int fd) override;
  void Forget(int fd) override;
  void Shutdown(int fd, bool both) override;
  int OpenSocket(const SocketAddress& address, bool speaks_at_once) override;
  bool InputEnded(int fd) override;
  QueueReading ReadQueue(int listener) override;
  ConnectionReading ReadConnection(int fd) override;
  bool ReadAddresses(int fd, PeerAddress* peer, PeerAddress* local) override;
  int Listen(int fd, int backlog) override;
  int OpenPipe(size_t capacity, int* read_end, int* write_end) override;
  int64_t Splice(int from, int to, size_t size) override;

  void OnEnd(int fd, uint64_t tag) override;
  void OnEvent(uint64_t what) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_SIM_KERNEL_H_
