// The client's side of TLS for simulated agents, straight on the socket.
#ifndef FLOODGATE_TOOLS_STORM_TLS_CLIENT_H_
#define FLOODGATE_TOOLS_STORM_TLS_CLIENT_H_

#include <openssl/ssl.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/storm/options.h"

namespace floodgate::storm {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Ssl = std::unique_ptr<SSL, SslFree>;

// One thread.
class TlsClient {
 public:
  static absl::StatusOr<std::unique_ptr<TlsClient>> Create(const Options& options);
  ~TlsClient();

  // A session on the connected descriptor `fd`, which resumes the one that Prime fetched, if any.
  // Null: out of memory.
  Ssl NewSession(int fd);
  // Connects (blocking, bounded by `timeout`), makes a full handshake and one request or none, and
  // keeps the session ticket for all that follow. Unavailable: no ticket came; says why.
  absl::Status Prime(int fd, Duration timeout);

 private:
  TlsClient() = default;
  static int OnNewSession(SSL* ssl, SSL_SESSION* session);

  SSL_CTX* context_ = nullptr;
  SSL_SESSION* session_ = nullptr;
  std::string server_name_;
  bool http_ = false;
};

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_TLS_CLIENT_H_
