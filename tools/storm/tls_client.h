// The client's side of TLS for simulated agents, straight on the socket.
#ifndef FLOODGATE_TOOLS_STORM_TLS_CLIENT_H_
#define FLOODGATE_TOOLS_STORM_TLS_CLIENT_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/time.h"

namespace floodgate::storm {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Ssl = std::unique_ptr<SSL, SslFree>;

// One thread. Certificates are not verified: a load tool has no trust to protect.
class TlsClient {
 public:
  // `version` is "1.2", "1.3" or "" for both. With `resume`, sessions resume the newest ticket that
  // has come, once Prime has fetched the first.
  static absl::StatusOr<std::unique_ptr<TlsClient>> Create(const std::string& server_name,
                                                           const std::string& version, bool resume);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // A session on the descriptor `fd`, which stays the caller's. Null: out of memory.
  Ssl NewSession(int fd);
  // Begins the handshake of `ssl`, a session of NewSession(fd) that has sent nothing yet, but gives
  // its first words to the caller to send. What it says later it sends itself. "": out of memory.
  static std::string TakeHello(SSL* ssl, int fd);
  // On the connecting, non-blocking descriptor `fd`: a full handshake, then `request` (may be
  // empty), then reads until a session ticket comes. Blocks for at most `timeout`. Unavailable: no
  // ticket came; says why.
  absl::Status Prime(int fd, absl::string_view request, Duration timeout);

 private:
  TlsClient() = default;
  static int OnNewSession(SSL* ssl, SSL_SESSION* session);

  SSL_CTX* context_ = nullptr;
  SSL_SESSION* session_ = nullptr;
  std::string server_name_;
};

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_TLS_CLIENT_H_
