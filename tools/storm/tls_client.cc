#include "tools/storm/tls_client.h"

#include <openssl/err.h>
#include <poll.h>

#include <array>
#include <chrono>

#include "absl/strings/str_cat.h"

namespace floodgate::storm {

absl::StatusOr<std::unique_ptr<TlsClient>> TlsClient::Create(const Options& options) {
  std::unique_ptr<TlsClient> client(new TlsClient);
  client->context_ = SSL_CTX_new(TLS_client_method());
  if (client->context_ == nullptr) return absl::UnavailableError("OpenSSL cannot be set up");
  client->server_name_ = options.server_name;
  client->http_ = options.http();
  SSL_CTX* context = client->context_;
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_app_data(context, client.get());
  SSL_CTX_set_session_cache_mode(
      context, options.resumed() ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE
                                 : SSL_SESS_CACHE_OFF);
  if (options.resumed()) SSL_CTX_sess_set_new_cb(context, OnNewSession);
  if (!options.tls_version.empty()) {
    const int version = options.tls_version == "1.2" ? TLS1_2_VERSION : TLS1_3_VERSION;
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
  }
  return client;
}

TlsClient::~TlsClient() {
  SSL_SESSION_free(session_);
  SSL_CTX_free(context_);
}

// Keeps the first ticket: servers that issue tickets statelessly take it any number of times.
int TlsClient::OnNewSession(SSL* ssl, SSL_SESSION* session) {
  auto* client = static_cast<TlsClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (client->session_ != nullptr) return 0;
  client->session_ = session;
  return 1;  // We hold the reference.
}

Ssl TlsClient::NewSession(int fd) {
  Ssl ssl(SSL_new(context_));
  if (ssl == nullptr || SSL_set_fd(ssl.get(), fd) != 1) return nullptr;
  SSL_set_connect_state(ssl.get());
  SSL_set_tlsext_host_name(ssl.get(), server_name_.c_str());
  if (session_ != nullptr) SSL_set_session(ssl.get(), session_);
  return ssl;
}

absl::Status TlsClient::Prime(int fd, Duration timeout) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::nanoseconds(timeout.ns);
  const Ssl ssl = NewSession(fd);
  if (ssl == nullptr) return absl::UnavailableError("out of memory for a TLS session");
  constexpr absl::string_view kRequest = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  bool requested = !http_;
  std::array<char, 4096> answer;
  while (session_ == nullptr) {
    ERR_clear_error();
    int result = SSL_do_handshake(ssl.get());
    if (result == 1 && !requested) {
      result = SSL_write(ssl.get(), kRequest.data(), static_cast<int>(kRequest.size()));
      requested = result > 0;
    }
    if (result > 0) result = SSL_read(ssl.get(), answer.data(), answer.size());
    if (session_ != nullptr) break;
    if (result > 0) continue;
    const int error = SSL_get_error(ssl.get(), result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      return absl::UnavailableError("the server ended the connection without a session ticket");
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd entry{.fd = fd,
                 .events = static_cast<short>(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT),
                 .revents = 0};
    if (left <= 0 || ::poll(&entry, 1, static_cast<int>(left)) == 0) {
      return absl::UnavailableError("no session ticket came in time");
    }
  }
  return absl::OkStatus();
}

}  // namespace floodgate::storm
