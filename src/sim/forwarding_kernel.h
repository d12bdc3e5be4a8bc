// A kernel in front of another one, which does all the work. Those who look on (watched_kernel.h)
// and those who spoil (mutants.h) override what they are about.
#ifndef FLOODGATE_SIM_FORWARDING_KERNEL_H_
#define FLOODGATE_SIM_FORWARDING_KERNEL_H_

#include <cstddef>
#include <cstdint>

#include "io/kernel.h"

namespace floodgate::sim {

// Every call as io/kernel.h has it. `inner` outlives it.
class ForwardingKernel : public Kernel {
 public:
  explicit ForwardingKernel(Kernel& inner) : inner_(inner) {}

  bool Submit(const Op& op) override { return inner_.Submit(op); }
  size_t Wait(Instant until, absl::Span<Completion> out) override {
    return inner_.Wait(until, out);
  }
  Instant Now() const override { return inner_.Now(); }
  Waker& waker() override { return inner_.waker(); }
  absl::Span<std::byte> Buffer(const Completion& completion) override {
    return inner_.Buffer(completion);
  }
  void ReleaseBuffer(uint16_t buffer) override { inner_.ReleaseBuffer(buffer); }
  size_t buffer_size() const override { return inner_.buffer_size(); }
  void Close(int fd) override { inner_.Close(fd); }
  void Reset(int fd) override { inner_.Reset(fd); }
  void Forget(int fd) override { inner_.Forget(fd); }
  void Shutdown(int fd, bool both) override { inner_.Shutdown(fd, both); }
  int OpenSocket(const SocketAddress& address, bool speaks_at_once) override {
    return inner_.OpenSocket(address, speaks_at_once);
  }
  bool InputEnded(int fd) override { return inner_.InputEnded(fd); }
  QueueReading ReadQueue(int listener) override { return inner_.ReadQueue(listener); }
  ConnectionReading ReadConnection(int fd) override { return inner_.ReadConnection(fd); }
  bool ReadAddresses(int fd, PeerAddress* peer, PeerAddress* local) override {
    return inner_.ReadAddresses(fd, peer, local);
  }
  int Listen(int fd, int backlog) override { return inner_.Listen(fd, backlog); }
  int OpenPipe(size_t capacity, int* read_end, int* write_end) override {
    return inner_.OpenPipe(capacity, read_end, write_end);
  }
  int64_t Splice(int from, int to, size_t size) override { return inner_.Splice(from, to, size); }

 protected:
  Kernel& inner() { return inner_; }

 private:
  Kernel& inner_;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_FORWARDING_KERNEL_H_
