// A TLS client over bytes, for tests: what it wants to send is collected, what it is given it
// reads.
#ifndef FLOODGATE_TESTS_FRONT_TLS_CLIENT_H_
#define FLOODGATE_TESTS_FRONT_TLS_CLIENT_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <utility>

namespace floodgate {

class MemoryTlsClient {
 public:
  struct Setup {
    std::string server_name = {};
    std::string alpn = {};         // one protocol
    int max_version = 0;           // TLS1_2_VERSION ...; 0 = any
    std::string certificate = {};  // files of a client certificate
    std::string private_key = {};
    SSL_SESSION* session = nullptr;  // to resume; not owned
  };
  explicit MemoryTlsClient(const Setup& setup);
  ~MemoryTlsClient();
  MemoryTlsClient(const MemoryTlsClient&) = delete;
  MemoryTlsClient& operator=(const MemoryTlsClient&) = delete;

  // Goes on with what the server sent; gives what must be sent to it.
  std::string Advance(const std::string& from_server);
  std::string Send(const std::string& plain);
  std::string Close();

  bool established() const { return established_; }
  bool failed() const { return failed_; }
  bool closed() const { return closed_; }  // close_notify was read
  std::string TakePlain() { return std::exchange(plain_, {}); }
  SSL* ssl() { return ssl_; }
  // The newest session ticket; null if none came. Owned by the client.
  SSL_SESSION* session() { return session_; }

 private:
  static int OnSession(SSL* ssl, SSL_SESSION* session);
  std::string Output();

  SSL_CTX* context_;
  SSL* ssl_;
  SSL_SESSION* session_ = nullptr;
  bool established_ = false;
  bool failed_ = false;
  bool closed_ = false;
  std::string plain_;
};

}  // namespace floodgate

#endif  // FLOODGATE_TESTS_FRONT_TLS_CLIENT_H_
