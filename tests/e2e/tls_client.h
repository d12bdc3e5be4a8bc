// A TLS client over a blocking socket, each call with a deadline.
#ifndef FLOODGATE_TESTS_E2E_TLS_CLIENT_H_
#define FLOODGATE_TESTS_E2E_TLS_CLIENT_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "tests/e2e/certificates.h"
#include "tests/e2e/client.h"

namespace floodgate::e2e {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using TlsTicket = std::unique_ptr<SSL_SESSION, SslFree>;

class TlsClient {
 public:
  struct Options {
    int version = 0;                           // TLS1_2_VERSION, TLS1_3_VERSION; 0 = any
    std::string server_name = "";              // SNI
    std::string alpn = "";                     // one protocol's name
    const Certificate* certificate = nullptr;  // its own
    SSL_SESSION* resume = nullptr;
  };

  // Over a connected socket; the handshake is not begun.
  explicit TlsClient(Client socket) : TlsClient(std::move(socket), Options()) {}
  TlsClient(Client socket, const Options& options);
  // Connects and does the handshake; throws if it fails.
  static TlsClient Connect(const std::string& address) { return Connect(address, Options()); }
  static TlsClient Connect(const std::string& address, const Options& options,
                           const std::string& source = "");

  // Sends the ClientHello and does not wait for an answer; Handshake() goes on from there.
  void SendHello();
  // False: it failed; error() says why.
  bool Handshake();
  const std::string& error() const { return error_; }

  void Send(absl::string_view bytes);
  std::string ReceiveExactly(size_t size);
  // Everything until the peer's close_notify; throws if it ends otherwise.
  std::string ReceiveAll();
  bool Echoes(absl::string_view text);
  // Sends close_notify: its direction is finished.
  void FinishSending();

  std::string version() const { return SSL_get_version(ssl_.get()); }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  std::string alpn() const;
  // Of the server's certificate.
  std::string peer_name() const;
  std::string peer_key_kind() const;  // "EC", "RSA"
  // The latest session; resumable once a ticket has come.
  TlsTicket Ticket() const { return TlsTicket(SSL_get1_session(ssl_.get())); }
  Client& socket() { return socket_; }

 private:
  Client socket_;
  std::unique_ptr<SSL_CTX, SslFree> context_;
  std::unique_ptr<SSL, SslFree> ssl_;
  std::string error_;
};

}  // namespace floodgate::e2e

#endif  // FLOODGATE_TESTS_E2E_TLS_CLIENT_H_
