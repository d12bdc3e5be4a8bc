// One TLS session on OpenSSL; made by OpenSslContext alone.
#ifndef FLOODGATE_FRONT_OPENSSL_SESSION_H_
#define FLOODGATE_FRONT_OPENSSL_SESSION_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "front/openssl_bio.h"
#include "front/tls.h"

namespace floodgate {

// What the sessions of a context share, kept alive by each of them: a reload replaces the context
// while its sessions live on. One thread uses it at a time.
struct OpenSslShared {
  OpenSslShared() = default;
  ~OpenSslShared();
  OpenSslShared(const OpenSslShared&) = delete;
  OpenSslShared& operator=(const OpenSslShared&) = delete;

  OSSL_LIB_CTX* library = nullptr;
  SSL_CTX* context = nullptr;
  BIO* bio = nullptr;  // over `transfer`
  TlsTransfer transfer;
};

class OpenSslSession final : public TlsSession {
 public:
  // Takes `ssl`, whose BIOs are those of `shared`.
  OpenSslSession(std::shared_ptr<OpenSslShared> shared, SSL* ssl);
  ~OpenSslSession() override;

  TlsState Receive(absl::Span<const std::byte> in, ByteSink& plain, ByteSink& cipher) override;
  bool Send(absl::Span<const std::byte> plain, ByteSink& cipher) override;
  void Close(ByteSink& cipher) override;
  const TlsFacts& facts() const override { return facts_; }
  std::string error() const override { return error_; }

 private:
  // Points the shared BIO at a call's bytes, and away from them at its end.
  class Transfer;

  TlsState Handshake();
  TlsState Read(ByteSink& plain);
  TlsState Fail();
  void LearnFacts();

  std::shared_ptr<OpenSslShared> shared_;
  SSL* ssl_;
  TlsState state_ = TlsState::kHandshaking;
  TlsFacts facts_;
  std::string error_;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_OPENSSL_SESSION_H_
