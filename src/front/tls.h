// TLS as bytes in, bytes out. The only implementation that knows OpenSSL is front/openssl_tls.*;
// the simulation has one of a scripted cost. A context belongs to one worker thread and its
// sessions to the same; nothing is shared between threads but the ticket keys (see TicketKeys).
#ifndef FLOODGATE_FRONT_TLS_H_
#define FLOODGATE_FRONT_TLS_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/time.h"

namespace floodgate {

// Bytes are appended to `data` behind `size`; the storage is the caller's. `overflow` takes what
// does not fit, so that nothing is ever lost; callers size `data` so that it stays empty in the
// usual case.
struct ByteSink {
  absl::Span<std::byte> data = {};
  size_t size = 0;
  std::string overflow = {};

  void Append(absl::Span<const std::byte> bytes);
  bool empty() const { return size == 0 && overflow.empty(); }
};

enum class TlsState {
  kHandshaking,  // needs more bytes from the peer
  kEstablished,
  kPeerClosed,  // the peer's close_notify has been read: no more plaintext will come
  kFailed,      // fatal; what is in `cipher` (an alert) must still be sent, then close
};

// What the handshake found out, valid once established. Empty strings where there is none.
struct TlsFacts {
  std::string server_name;    // SNI, as the client sent it
  std::string alpn;           // the protocol agreed on
  absl::string_view version;  // "TLSv1.3"; static storage
  std::string client_common_name;
  bool client_certificate = false;  // one was presented and verified
  bool resumed = false;
};

class TlsSession {
 public:
  virtual ~TlsSession() = default;

  // Consumes all of `in` (handshake or application records, in any pieces). Appends decrypted bytes
  // to `plain` and what must be sent to the peer to `cipher`, also on failure: the alert is part of
  // the protocol. Session tickets that become due are appended to `cipher` too. In one call the
  // state may pass from kHandshaking to kEstablished and deliver plaintext.
  virtual TlsState Receive(absl::Span<const std::byte> in, ByteSink& plain, ByteSink& cipher) = 0;
  // Encrypts all of `plain`, appending records to `cipher`. REQUIRES: established. False: fatal.
  virtual bool Send(absl::Span<const std::byte> plain, ByteSink& cipher) = 0;
  // Appends close_notify. No Send afterwards; Receive goes on.
  virtual void Close(ByteSink& cipher) = 0;

  virtual const TlsFacts& facts() const = 0;
  // Why the state is kFailed, for the log: OpenSSL's reason in words. Empty otherwise.
  virtual std::string error() const = 0;
};

class TlsContext {
 public:
  virtual ~TlsContext() = default;
  // A new server session. `controller`: on the controller port, where client certificates are asked
  // for if client_ca is set. Sessions keep what they need of the context alive: it may be replaced
  // (certificate reload) while they live. Null: out of memory.
  virtual std::unique_ptr<TlsSession> NewSession(bool controller) = 0;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_TLS_H_
