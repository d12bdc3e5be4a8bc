// The oracle's eyes: between a thread of the daemon and its kernel, it tells what is really done.
#ifndef FLOODGATE_SIM_WATCHED_KERNEL_H_
#define FLOODGATE_SIM_WATCHED_KERNEL_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "sim/forwarding_kernel.h"
#include "sim/network.h"
#include "sim/oracle.h"

namespace floodgate::sim {

class WatchedKernel final : public ForwardingKernel {
 public:
  enum class Role : uint8_t { kGatekeeper, kWorker };
  // All outlive it. Listeners on other ports than kControllerPort (scenario.h) are the agents'.
  WatchedKernel(Kernel& inner, Network& network, Oracle& oracle, Verdict& verdict, Role role);

  bool Submit(const Op& op) override;
  size_t Wait(Instant until, absl::Span<Completion> out) override;
  void Close(int fd) override;
  void Reset(int fd) override;
  void Forget(int fd) override;
  void Shutdown(int fd, bool both) override;
  int OpenSocket(const SocketAddress& address, bool speaks_at_once) override;

 private:
  void OnGatekeeperSubmit(const Op& op);
  void OnWorkerSubmit(const Op& op);
  void OnGone(int fd);

  Network& network_;
  Oracle& oracle_;
  Verdict& verdict_;
  Role role_;
  // Looked up, never iterated.
  absl::flat_hash_map<uint64_t, bool> accepts_;  // tokens; whether it is for agents
  absl::flat_hash_map<uint64_t, int> polls_;
  absl::flat_hash_map<uint64_t, int> clients_;  // by the tokens of a connection, its kind cut off
  absl::flat_hash_set<int> finished_;
  absl::flat_hash_set<int> unconnected_;  // sockets for the backend
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_WATCHED_KERNEL_H_
