// Planted bugs: what the check must find. None of them is in the code of the daemon; each sits at
// one of its seams and makes it behave as if it were: other options than it was meant to have, or a
// kernel, a TLS or an operator that loses what passes.
#ifndef FLOODGATE_SIM_MUTANTS_H_
#define FLOODGATE_SIM_MUTANTS_H_

#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/options.h"
#include "core/overload_policy.h"
#include "front/tls.h"
#include "io/kernel.h"
#include "sim/gate_model.h"

namespace floodgate::sim {

enum class Spoil : uint8_t {
  kNothing,
  kRearmLost,         // an ended multishot accept is not armed again
  kHandleLeaked,      // a reset leaves the handle open
  kCancelLost,        // a cancel never reaches the kernel
  kBytesSwapped,      // two received bytes change places
  kFinTwice,          // FIN is sent again
  kFinLost,           // FIN is never sent
  kShortSendIgnored,  // what a send has left over counts as sent
  kNoBuffersLost,     // a receive that found no buffer is not tried again
  kAbortedLost,       // an accept that failed because its peer left is never taken note of
  kQueueUnderread,    // the last one in a queue is not seen
  kPeersMixed,        // a connection is taken for the one before it
  kGoneUnseen,        // those who have left count as there
  kWakeLost,          // a thread is not woken by its messages
  kTimersLost,        // the gatekeeper oversleeps
  kBackendUnchecked,  // a failed connect to the backend counts as done
  kEarlySpeech,       // TLS is established before the client has finished
  kRecordLost,        // the second record that TLS decrypts at a time is dropped
  kHoldLost,          // an operator's hold
  kReloadLost,        // an operator's reload
};

struct Mutant {
  absl::string_view name;
  absl::string_view what;
  Spoil spoil = Spoil::kNothing;
  void (*options)(Options&) = nullptr;  // what the daemon is given in place of what it should be
  ServiceRule rule = ServiceRule::kHalfPatience;
};

absl::Span<const Mutant> Mutants();
// Null: there is none.
const Mutant* FindMutant(absl::string_view name);

// `inner`, spoiled; null if the mutant does nothing to kernels. `inner` outlives it.
std::unique_ptr<Kernel> SpoilKernel(const Mutant& mutant, Kernel& inner);
// Itself if the mutant does nothing to TLS.
std::unique_ptr<TlsContext> SpoilTls(const Mutant& mutant, std::unique_ptr<TlsContext> inner);
// The act gets lost.
bool Loses(const Mutant& mutant, OperatorAct act);

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_MUTANTS_H_
