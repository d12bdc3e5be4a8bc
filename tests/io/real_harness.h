// The contract harness of the engines that run on the real kernel: peers are blocking sockets.
#ifndef FLOODGATE_TESTS_IO_REAL_HARNESS_H_
#define FLOODGATE_TESTS_IO_REAL_HARNESS_H_

#include <memory>
#include <set>
#include <string>

#include "io/engine.h"
#include "tests/io/contract_harness.h"

namespace floodgate {

class RealHarness final : public ContractHarness {
 public:
  // Aborts when the engine cannot be made: a test machine without it must not look green.
  RealHarness(EngineKind kind, const KernelOptions& options, std::string host = "127.0.0.1");
  ~RealHarness() override;

  Kernel& kernel() override { return *kernel_; }
  int OpenListener(int backlog) override;
  SocketAddress AddressOf(int listener) override;
  SocketAddress DeadAddress() override;
  int PeerConnect(int listener) override;
  uint16_t PeerPort(int peer) override;
  void PeerSend(int peer, absl::string_view text) override;
  std::string PeerReceive(int peer, size_t size) override;
  void PeerHalfClose(int peer) override;
  void PeerClose(int peer) override;
  void PeerReset(int peer) override;
  bool PeerSeesReset(int peer) override;

  // Destroys the kernel before the rest of the harness.
  void DestroyKernel() { kernel_.reset(); }

 private:
  void Forget(int peer);

  std::unique_ptr<Kernel> kernel_;
  std::string host_;
  std::set<int> listeners_;
  std::set<int> peers_;
  int reserved_ = -1;  // bound and not listening: whoever connects to it is refused
};

}  // namespace floodgate

#endif  // FLOODGATE_TESTS_IO_REAL_HARNESS_H_
