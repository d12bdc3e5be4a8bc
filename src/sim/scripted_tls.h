// TLS of a scripted cost in the place of OpenSSL: the flights of a TLS 1.3 handshake and its CPU
// time, without its cryptography. The time is charged to the thread that makes the step.
#ifndef FLOODGATE_SIM_SCRIPTED_TLS_H_
#define FLOODGATE_SIM_SCRIPTED_TLS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/time.h"
#include "front/tls.h"

namespace floodgate::sim {

// CPU time of the server's side. The defaults are those of an RSA-4096 certificate with OpenSSL 3.0
// on the machine of docs/benchmarks.md; an ECDSA P-256 one takes 250 us for a whole handshake.
struct TlsCosts {
  Duration hello = Duration::Microseconds(4300);  // a client hello in, the server's flight out
  Duration finish = Duration::Microseconds(60);   // the client's finish in, a ticket out
  Duration record = Duration::Microseconds(4);    // application data, each record, either way
};

struct TlsSizes {
  size_t flight = 2600;  // bytes of the server's flight: a chain of RSA-4096
  size_t ticket = 260;
};

// Client hello in -> server's flight out; client's finish in -> established, a ticket out;
// then application data both ways. Anything else fails with an alert. See sim/records.h.
class ScriptedTlsContext final : public TlsContext {
 public:
  enum class Step : uint8_t { kHello, kFinish, kRecord };
  using Charge = std::function<void(Step, Duration)>;

  // `charge` is called for every step, on the thread that makes it.
  ScriptedTlsContext(const TlsCosts& costs, const TlsSizes& sizes, Charge charge);
  std::unique_ptr<TlsSession> NewSession(bool controller) override;

 private:
  struct Shared;
  class Session;
  std::shared_ptr<const Shared> shared_;  // sessions may outlive the context
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_SCRIPTED_TLS_H_
