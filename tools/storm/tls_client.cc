#include "tools/storm/tls_client.h"

#include <openssl/err.h>
#include <poll.h>

#include <array>
#include <chrono>

namespace floodgate::storm {

absl::StatusOr<std::unique_ptr<TlsClient>> TlsClient::Create(const std::string& server_name,
                                                             const std::string& version,
                                                             bool resume) {
  std::unique_ptr<TlsClient> client(new TlsClient);
  client->context_ = SSL_CTX_new(TLS_client_method());
  if (client->context_ == nullptr) return absl::UnavailableError("OpenSSL cannot be set up");
  client->server_name_ = server_name;
  SSL_CTX* context = client->context_;
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_app_data(context, client.get());
  SSL_CTX_set_session_cache_mode(
      context,
      resume ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE : SSL_SESS_CACHE_OFF);
  if (resume) SSL_CTX_sess_set_new_cb(context, OnNewSession);
  if (!version.empty()) {
    const int number = version == "1.2" ? TLS1_2_VERSION : TLS1_3_VERSION;
    SSL_CTX_set_min_proto_version(context, number);
    SSL_CTX_set_max_proto_version(context, number);
  }
  return client;
}

TlsClient::~TlsClient() {
  SSL_SESSION_free(session_);
  SSL_CTX_free(context_);
}

// Keeps the newest ticket: all agents share it, since servers that issue tickets statelessly take
// one any number of times, and a server that changes its ticket keys is followed. It is a copy, as
// are those that connections get: OpenSSL marks the session of a connection that ends without
// close_notify as not resumable (SSL_set_shutdown(3)), for all who share it.
int TlsClient::OnNewSession(SSL* ssl, SSL_SESSION* session) {
  auto* client = static_cast<TlsClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (SSL_SESSION_is_resumable(session) != 1) return 0;
  SSL_SESSION* copy = SSL_SESSION_dup(session);
  if (copy == nullptr) return 0;
  SSL_SESSION_free(client->session_);
  client->session_ = copy;
  return 0;  // We hold no reference to `session` itself.
}

Ssl TlsClient::NewSession(int fd) {
  Ssl ssl(SSL_new(context_));
  if (ssl == nullptr || SSL_set_fd(ssl.get(), fd) != 1) return nullptr;
  SSL_set_connect_state(ssl.get());
  SSL_set_tlsext_host_name(ssl.get(), server_name_.c_str());
  if (session_ == nullptr) return ssl;
  SSL_SESSION* copy = SSL_SESSION_dup(session_);
  if (copy == nullptr) return nullptr;
  SSL_set_session(ssl.get(), copy);
  SSL_SESSION_free(copy);  // The connection has a reference of its own.
  return ssl;
}

std::string TlsClient::TakeHello(SSL* ssl, int fd) {
  BIO* aside = BIO_new(BIO_s_mem());
  BIO* socket = BIO_new_socket(fd, BIO_NOCLOSE);
  if (aside == nullptr || socket == nullptr) {
    BIO_free(aside);
    BIO_free(socket);
    return "";
  }
  SSL_set0_wbio(ssl, aside);
  ERR_clear_error();
  SSL_do_handshake(ssl);
  char* data = nullptr;
  const long size = BIO_get_mem_data(aside, &data);
  std::string hello(data, size > 0 ? static_cast<size_t>(size) : 0);
  SSL_set0_wbio(ssl, socket);  // Frees the other.
  return hello;
}

absl::Status TlsClient::Prime(int fd, absl::string_view request, Duration timeout) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::nanoseconds(timeout.ns);
  const Ssl ssl = NewSession(fd);
  if (ssl == nullptr) return absl::UnavailableError("out of memory for a TLS session");
  bool requested = request.empty();
  std::array<char, 4096> answer;
  short events = POLLOUT;  // The connect comes first.
  while (session_ == nullptr) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    if (left <= 0 || ::poll(&entry, 1, static_cast<int>(left)) == 0) {
      return absl::UnavailableError("no session ticket came in time");
    }
    ERR_clear_error();
    int result = SSL_do_handshake(ssl.get());
    if (result == 1 && !requested) {
      result = SSL_write(ssl.get(), request.data(), static_cast<int>(request.size()));
      requested = result > 0;
    }
    if (result > 0) result = SSL_read(ssl.get(), answer.data(), answer.size());
    if (session_ != nullptr || result > 0) continue;
    const int error = SSL_get_error(ssl.get(), result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      return absl::UnavailableError("the connection ended without a session ticket");
    }
    events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
  }
  return absl::OkStatus();
}

}  // namespace floodgate::storm
