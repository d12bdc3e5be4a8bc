// What an agent costs floodgated's host: a handshake, and all else that is done for it.
#ifndef FLOODGATE_TOOLS_TUNE_ADMISSION_COST_H_
#define FLOODGATE_TOOLS_TUNE_ADMISSION_COST_H_

#include "base/time.h"
#include "sim/simulated_daemon.h"
#include "tools/tune/handshake_cost.h"

namespace floodgate::tune {

// CPU time of the front end for one agent that is served: it connects, makes a full handshake, asks
// once, is answered by the backend over a connection of its own, and leaves.
struct AdmissionCost {
  HandshakeCost handshake;
  // All else: accept, admission, the kernel's work on packets, the connection to the backend, the
  // relay, the close. kUsualRest where it has not been measured.
  Duration rest;

  Duration whole() const { return handshake.whole() + rest; }
};

// On the machine of docs/benchmarks.md: 428 us for a request over a new ECDSA connection, of which
// the handshake takes 250.
inline constexpr Duration kUsualRest = Duration::Microseconds(178);

// Sets the costs of a simulated daemon so that an agent takes what `cost` says. The parts of `rest`
// keep the proportions that they have in the simulation (MeasuredKernelCosts): what one system call
// costs has not been measured on the host in question, only all of them together.
void SetCosts(const AdmissionCost& cost, sim::DaemonSetup& daemon);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_ADMISSION_COST_H_
