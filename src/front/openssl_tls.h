// TLS by OpenSSL 3.0: the only implementation of front/tls.h in production, and, with ticket_keys
// and self_signed, the only code that knows OpenSSL.
#ifndef FLOODGATE_FRONT_OPENSSL_TLS_H_
#define FLOODGATE_FRONT_OPENSSL_TLS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/options.h"
#include "front/ticket_keys.h"
#include "front/tls.h"

namespace floodgate {

class OpenSslContext {
 public:
  // A context for one worker thread, with an OSSL_LIB_CTX of its own: OpenSSL 3.0 takes locks that
  // all users of one share. May be made on another thread than it is used on.
  //
  // TLS 1.2 and up, forward secrecy and AEAD ciphers only, no compression, no renegotiation, one
  // session ticket a handshake. ALPN: "http/1.1" where the client offers it, else none, since what
  // is spoken inside is the backend's affair and it is told by the PROXY header alone. With
  // `client_ca` (a PEM file, may be empty) clients on the controller port must show a certificate
  // that it signed; they get no tickets, so that every connection proves it again.
  //
  // InvalidArgument: a file cannot be used; the message has the key of the configuration, the file,
  // what is wrong and what would be right.
  static absl::StatusOr<std::unique_ptr<TlsContext>> Create(
      const TlsOptions& options, const std::string& client_ca,
      std::shared_ptr<TicketKeys> ticket_keys);
};

// What is wrong with a file that an option names.
struct TlsFault {
  std::string key;      // "tls.certificate"
  std::string problem;  // with the file's path
  std::string remedy;
};

// Everything that is wrong with the files, as Create would say it; empty if nothing is.
std::vector<TlsFault> CheckTlsFiles(const TlsOptions& options, const std::string& client_ca);

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_OPENSSL_TLS_H_
