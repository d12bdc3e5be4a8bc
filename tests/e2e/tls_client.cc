#include "tests/e2e/tls_client.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace floodgate::e2e {
namespace {

// Blocking with the socket's own time-outs: OpenSSL then reports a system error at the deadline.
void MakeBlocking(int fd) {
  const timeval patience{.tv_sec = kPatience.count() / 1000, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

std::string Reason(int system_error) {
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  if (error != 0)
    return ERR_reason_error_string(error) != nullptr ? ERR_reason_error_string(error) : "?";
  return system_error == 0 ? "the stream ended" : std::strerror(system_error);
}

// One call into OpenSSL, again for as long as a signal broke it off: a socket with a time-out is
// not restarted after one (signal(7)), and closing an io_uring counts as one. "": it succeeded.
template <typename Call>
std::string Run(SSL* ssl, Call call) {
  while (true) {
    ERR_clear_error();
    errno = 0;
    const int result = call();
    const int error = errno;
    if (result == 1) return "";
    const int kind = SSL_get_error(ssl, result);
    const bool again = kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE;
    if (!again || error != EINTR) return Reason(error);
  }
}

}  // namespace

TlsClient::TlsClient(Client socket, const Options& options) : socket_(std::move(socket)) {
  std::signal(SIGPIPE, SIG_IGN);
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = context_.get();
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  if (options.version != 0) {
    SSL_CTX_set_min_proto_version(context, options.version);
    SSL_CTX_set_max_proto_version(context, options.version);
  }
  if (options.certificate != nullptr) {
    SSL_CTX_use_certificate(context, options.certificate->x509.get());
    SSL_CTX_use_PrivateKey(context, options.certificate->key.get());
  }
  ssl_.reset(SSL_new(context));
  SSL* ssl = ssl_.get();
  MakeBlocking(socket_.fd());
  SSL_set_fd(ssl, socket_.fd());
  if (!options.server_name.empty()) SSL_set_tlsext_host_name(ssl, options.server_name.c_str());
  if (!options.alpn.empty()) {
    const std::string wire = static_cast<char>(options.alpn.size()) + options.alpn;
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(wire.data()),
                        static_cast<unsigned>(wire.size()));
  }
  if (options.resume != nullptr) {  // A copy: OpenSSL's client uses a TLS 1.3 ticket only once.
    const TlsTicket copy(SSL_SESSION_dup(options.resume));
    SSL_set_session(ssl, copy.get());
  }
}

TlsClient TlsClient::Connect(const std::string& address, const Options& options,
                             const std::string& source) {
  TlsClient client(Client::Connect(address, source), options);
  const bool done = client.Handshake();
  Require(done, "TLS handshake: " + client.error());
  return client;
}

void TlsClient::SendHello() {
  const int flags = ::fcntl(socket_.fd(), F_GETFL);
  ::fcntl(socket_.fd(), F_SETFL, flags | O_NONBLOCK);
  const int result = SSL_connect(ssl_.get());  // A quick server may have answered already.
  const bool sent = result == 1 || SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
  Require(sent, "the hello was not sent");
  ::fcntl(socket_.fd(), F_SETFL, flags & ~O_NONBLOCK);
}

bool TlsClient::Handshake() {
  error_ = Run(ssl_.get(), [&] { return SSL_connect(ssl_.get()); });
  return error_.empty();
}

void TlsClient::Send(absl::string_view bytes) {
  size_t written = 0;
  while (!bytes.empty()) {
    const std::string error = Run(
        ssl_.get(), [&] { return SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written); });
    Require(error.empty(), "TLS send: " + error);
    bytes.remove_prefix(written);
  }
}

std::string TlsClient::ReceiveExactly(size_t size) {
  std::string all(size, '\0');
  size_t got = 0;
  while (got < size) {
    size_t more = 0;
    const std::string error = Run(
        ssl_.get(), [&] { return SSL_read_ex(ssl_.get(), all.data() + got, size - got, &more); });
    Require(error.empty(),
            absl::StrCat("TLS receive after ", got, " of ", size, " bytes: ", error));
    got += more;
  }
  return all;
}

std::string TlsClient::ReceiveAll() {
  std::string all;
  char buffer[16'384];
  size_t got = 0;
  while (true) {
    const std::string error =
        Run(ssl_.get(), [&] { return SSL_read_ex(ssl_.get(), buffer, sizeof buffer, &got); });
    if (error.empty()) {
      all.append(buffer, got);
      continue;
    }
    Require(SSL_get_error(ssl_.get(), 0) == SSL_ERROR_ZERO_RETURN, "TLS receive: " + error);
    return all;
  }
}

bool TlsClient::Echoes(absl::string_view text) {
  Send(text);
  return ReceiveExactly(text.size()) == text;
}

void TlsClient::FinishSending() {
  SSL_shutdown(ssl_.get());
}

std::string TlsClient::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string TlsClient::peer_name() const {
  const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return "";
  char name[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

std::string TlsClient::peer_key_kind() const {
  const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return "";
  return EVP_PKEY_get0_type_name(X509_get0_pubkey(certificate));
}

}  // namespace floodgate::e2e
