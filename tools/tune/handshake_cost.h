// What a TLS handshake costs this machine's CPU, measured in process with the TLS of floodgated.
#ifndef FLOODGATE_TOOLS_TUNE_HANDSHAKE_COST_H_
#define FLOODGATE_TOOLS_TUNE_HANDSHAKE_COST_H_

#include "absl/status/statusor.h"
#include "base/time.h"
#include "front/self_signed.h"

namespace floodgate::tune {

// CPU time of one full handshake, the median of many; the server's side if nothing else is said.
struct HandshakeCost {
  Duration hello;   // the client's hello in, the server's flight out: the expensive step
  Duration finish;  // the client's finish in, a ticket out, and the session's end

  // Of the client's side: its hello made; the server's flight verified and its finish made. Zero
  // where nobody measured it.
  Duration client_hello = {};
  Duration client_finish = {};

  Duration whole() const { return hello + finish; }
};

// TLS 1.3 against a client in the same thread; takes about a second.
// Internal: OpenSSL refused; the message has its reason.
absl::StatusOr<HandshakeCost> MeasureHandshake(KeyKind kind);

// The parts of a handshake that takes `whole`: the second is 60 us or a quarter, the lesser.
HandshakeCost PartsOf(Duration whole);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_HANDSHAKE_COST_H_
