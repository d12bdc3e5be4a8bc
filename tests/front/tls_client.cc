#include "tests/front/tls_client.h"

#include <openssl/err.h>

#include <vector>

namespace floodgate {

MemoryTlsClient::MemoryTlsClient(const Setup& setup)
    : context_(SSL_CTX_new(TLS_client_method())), ssl_(nullptr) {
  SSL_CTX_set_app_data(context_, this);
  SSL_CTX_set_session_cache_mode(context_,
                                 SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context_, OnSession);
  if (setup.max_version != 0) SSL_CTX_set_max_proto_version(context_, setup.max_version);
  if (!setup.certificate.empty()) {
    SSL_CTX_use_certificate_chain_file(context_, setup.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context_, setup.private_key.c_str(), SSL_FILETYPE_PEM);
  }
  ssl_ = SSL_new(context_);
  SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(ssl_);
  if (!setup.server_name.empty()) SSL_set_tlsext_host_name(ssl_, setup.server_name.c_str());
  if (!setup.alpn.empty()) {
    std::vector<unsigned char> list(1, static_cast<unsigned char>(setup.alpn.size()));
    list.insert(list.end(), setup.alpn.begin(), setup.alpn.end());
    SSL_set_alpn_protos(ssl_, list.data(), static_cast<unsigned int>(list.size()));
  }
  if (setup.session != nullptr) {
    // A copy: OpenSSL takes a session of TLS 1.3 for spent once it has been resumed.
    SSL_SESSION* copy = SSL_SESSION_dup(setup.session);
    SSL_set_session(ssl_, copy);
    SSL_SESSION_free(copy);
  }
}

MemoryTlsClient::~MemoryTlsClient() {
  // OpenSSL takes a connection that was not closed for a bad one, and its session for spent.
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_SESSION_free(session_);
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

int MemoryTlsClient::OnSession(SSL* ssl, SSL_SESSION* session) {
  auto* client = static_cast<MemoryTlsClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  SSL_SESSION_free(client->session_);
  client->session_ = session;
  return 1;
}

std::string MemoryTlsClient::Output() {
  char* data = nullptr;
  const long size = BIO_get_mem_data(SSL_get_wbio(ssl_), &data);
  std::string output(data, static_cast<size_t>(size));
  static_cast<void>(BIO_reset(SSL_get_wbio(ssl_)));
  return output;
}

std::string MemoryTlsClient::Advance(const std::string& from_server) {
  ERR_clear_error();
  BIO_write(SSL_get_rbio(ssl_), from_server.data(), static_cast<int>(from_server.size()));
  int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    established_ = true;
    char buffer[16384];
    while ((result = SSL_read(ssl_, buffer, sizeof buffer)) > 0) {
      plain_.append(buffer, static_cast<size_t>(result));
    }
  }
  const int error = SSL_get_error(ssl_, result);
  closed_ = error == SSL_ERROR_ZERO_RETURN;
  failed_ = !closed_ && error != SSL_ERROR_WANT_READ;
  return Output();
}

std::string MemoryTlsClient::Send(const std::string& plain) {
  SSL_write(ssl_, plain.data(), static_cast<int>(plain.size()));
  return Output();
}

std::string MemoryTlsClient::Close() {
  SSL_shutdown(ssl_);
  return Output();
}

}  // namespace floodgate
