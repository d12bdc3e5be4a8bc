// The floor of the comparison: epoll and OpenSSL as their manuals show them, one thread, the
// request answered on the spot, no backend.
//
//   peer_bare_tls PORT CERTIFICATE KEY
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <map>

#include "bench/peers/socket_loop.h"

namespace floodgate::peers {
namespace {

constexpr char kAnswer[] =
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 12\r\n\r\nxxxxxxxxxxxx";

std::map<int, SSL*> sessions;

void Close(int fd, SSL* ssl) {
  SSL_free(ssl);
  sessions.erase(fd);
  ::close(fd);
}

void OnReady(int fd, SSL* ssl) {
  char buffer[16384];
  ERR_clear_error();
  int result = SSL_do_handshake(ssl);
  if (result == 1) {
    result = SSL_read(ssl, buffer, sizeof buffer);
    if (result > 0) {
      SSL_write(ssl, kAnswer, sizeof kAnswer - 1);
      SSL_shutdown(ssl);
      return Close(fd, ssl);
    }
  }
  if (SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ) Close(fd, ssl);
}

}  // namespace
}  // namespace floodgate::peers

int main(int argc, char** argv) {
  using namespace floodgate::peers;
  if (argc != 4) {
    std::fprintf(stderr, "peer_bare_tls: expected a port, a certificate and a key\n");
    return 2;
  }
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_use_certificate_chain_file(context, argv[2]) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) != 1) {
    std::fprintf(stderr, "peer_bare_tls: the certificate or the key cannot be used\n");
    return 1;
  }
  const int listener = Listen("peer_bare_tls", argv[1]);
  Run(
      listener,
      [context](int fd) {
        SSL* ssl = SSL_new(context);
        SSL_set_fd(ssl, fd);
        SSL_set_accept_state(ssl);
        sessions[fd] = ssl;
      },
      [](int fd, uint32_t) {
        const auto found = sessions.find(fd);
        if (found != sessions.end()) OnReady(fd, found->second);
      });
}
