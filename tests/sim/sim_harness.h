// The contract harness of the simulation's kernel: peers are ends of the simulated network.
#ifndef FLOODGATE_TESTS_SIM_SIM_HARNESS_H_
#define FLOODGATE_TESTS_SIM_SIM_HARNESS_H_

#include <functional>
#include <memory>
#include <string>

#include "sim/network.h"
#include "sim/sim_kernel.h"
#include "sim/world.h"
#include "tests/io/contract_harness.h"

namespace floodgate::sim {

class SimHarness final : public ContractHarness {
 public:
  explicit SimHarness(const KernelOptions& options);

  Kernel& kernel() override { return kernel_; }
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

 private:
  // Time passes until it holds. It must within the patience of a test, in virtual time.
  void RunUntil(const std::function<bool()>& condition);
  // Long enough for what has been sent to arrive.
  void Settle();

  World world_;
  Network network_;
  SimKernel kernel_;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_TESTS_SIM_SIM_HARNESS_H_
