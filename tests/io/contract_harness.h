// What the contract suite needs beside the seam itself: the kernel under test and a world of peers.
// An implementation of the seam joins the suite by implementing this and instantiating the suite
// with it (kernel_contract.h).
#ifndef FLOODGATE_TESTS_IO_CONTRACT_HARNESS_H_
#define FLOODGATE_TESTS_IO_CONTRACT_HARNESS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "io/kernel.h"
#include "io/kernel_options.h"

namespace floodgate {

class ContractHarness {
 public:
  virtual ~ContractHarness() = default;

  virtual Kernel& kernel() = 0;
  // A listener on loopback that the kernel under test owns, listening.
  virtual int OpenListener(int backlog) = 0;
  // Where peers and kConnect reach it.
  virtual SocketAddress AddressOf(int listener) = 0;
  // An address where nobody listens.
  virtual SocketAddress DeadAddress() = 0;

  // Peers, each a number. What a call does has taken effect at the other end when it returns.
  virtual int PeerConnect(int listener) = 0;  // established; in the accept queue
  virtual uint16_t PeerPort(int peer) = 0;
  virtual void PeerSend(int peer, absl::string_view text) = 0;
  // Exactly `size` bytes, fewer only at the end of input. Bounded in time.
  virtual std::string PeerReceive(int peer, size_t size) = 0;
  virtual void PeerHalfClose(int peer) = 0;
  virtual void PeerClose(int peer) = 0;
  virtual void PeerReset(int peer) = 0;
  // True when reading meets a reset (and not the end of input). Bounded in time.
  virtual bool PeerSeesReset(int peer) = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_TESTS_IO_CONTRACT_HARNESS_H_
