#include "front/openssl_session.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <array>
#include <utility>

namespace floodgate {
namespace {

// The largest plaintext of a record (RFC 8446 section 5.1).
constexpr size_t kRecordMaxBytes = 16384;

std::string ReasonOfError() {
  const unsigned long error = ERR_peek_error();
  if (error == 0) return "the connection broke";
  const int reason = ERR_GET_REASON(error);
  if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
    if (reason == SSL_R_HTTP_REQUEST) return "not TLS: the client sent an HTTP request";
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTPS_PROXY_REQUEST) {
      return "not TLS: the client's first bytes are no ClientHello";
    }
  }
  const char* text = ERR_reason_error_string(error);
  return text == nullptr ? "unknown TLS error" : text;
}

std::string CommonName(const X509* certificate) {
  std::string name;
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return name;
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size > 0) name.assign(reinterpret_cast<const char*>(text), static_cast<size_t>(size));
  OPENSSL_free(text);
  return name;
}

}  // namespace

OpenSslShared::~OpenSslShared() {
  BIO_free_all(bio);
  SSL_CTX_free(context);
  OSSL_LIB_CTX_free(library);
}

class OpenSslSession::Transfer {
 public:
  Transfer(TlsTransfer& transfer, absl::Span<const std::byte> in, ByteSink& out)
      : transfer_(transfer) {
    transfer_ = {.in = in, .out = &out};
    ERR_clear_error();  // SSL_get_error judges by the thread's queue: SSL_get_error(3).
  }
  ~Transfer() { transfer_ = {}; }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

 private:
  TlsTransfer& transfer_;
};

OpenSslSession::OpenSslSession(std::shared_ptr<OpenSslShared> shared, SSL* ssl)
    : shared_(std::move(shared)), ssl_(ssl) {
  BIO_up_ref(shared_->bio);
  SSL_set_bio(ssl_, shared_->bio, shared_->bio);  // Takes one reference when both are the same.
  SSL_set_accept_state(ssl_);
}

OpenSslSession::~OpenSslSession() {
  SSL_free(ssl_);
}

TlsState OpenSslSession::Receive(absl::Span<const std::byte> in, ByteSink& plain,
                                 ByteSink& cipher) {
  if (state_ == TlsState::kFailed) return state_;
  const Transfer transfer(shared_->transfer, in, cipher);
  if (state_ == TlsState::kHandshaking && Handshake() != TlsState::kEstablished) return state_;
  return Read(plain);
}

TlsState OpenSslSession::Handshake() {
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    LearnFacts();
    return state_ = TlsState::kEstablished;
  }
  if (SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ) return state_;
  return Fail();
}

TlsState OpenSslSession::Read(ByteSink& plain) {
  if (state_ == TlsState::kPeerClosed) return state_;
  std::array<std::byte, kRecordMaxBytes> spill;
  for (;;) {
    size_t read = 0;
    const bool direct = plain.overflow.empty() && plain.size < plain.data.size();
    const absl::Span<std::byte> room =
        direct ? plain.data.subspan(plain.size) : absl::MakeSpan(spill);
    const int result = SSL_read_ex(ssl_, room.data(), room.size(), &read);
    if (result == 1) {
      if (direct) {
        plain.size += read;
      } else {
        plain.Append(room.first(read));
      }
      continue;
    }
    switch (SSL_get_error(ssl_, result)) {
      case SSL_ERROR_WANT_READ:
        return state_;
      case SSL_ERROR_ZERO_RETURN:
        return state_ = TlsState::kPeerClosed;
      default:
        return Fail();
    }
  }
}

TlsState OpenSslSession::Fail() {
  error_ = ReasonOfError();
  ERR_clear_error();
  return state_ = TlsState::kFailed;
}

bool OpenSslSession::Send(absl::Span<const std::byte> plain, ByteSink& cipher) {
  if (plain.empty()) return state_ != TlsState::kFailed;
  const Transfer transfer(shared_->transfer, {}, cipher);
  size_t written = 0;
  // The BIO takes everything, so a write is never partial.
  if (SSL_write_ex(ssl_, plain.data(), plain.size(), &written) == 1 && written == plain.size()) {
    return true;
  }
  Fail();
  return false;
}

void OpenSslSession::Close(ByteSink& cipher) {
  if (state_ == TlsState::kFailed || state_ == TlsState::kHandshaking) return;
  const Transfer transfer(shared_->transfer, {}, cipher);
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

void OpenSslSession::LearnFacts() {
  if (const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name); name != nullptr) {
    facts_.server_name = name;
  }
  const unsigned char* alpn = nullptr;
  unsigned int alpn_size = 0;
  SSL_get0_alpn_selected(ssl_, &alpn, &alpn_size);
  facts_.alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  facts_.version = SSL_get_version(ssl_);
  facts_.resumed = SSL_session_reused(ssl_) == 1;
  if (const X509* certificate = SSL_get0_peer_certificate(ssl_); certificate != nullptr) {
    facts_.client_certificate = SSL_get_verify_result(ssl_) == X509_V_OK;
    facts_.client_common_name = CommonName(certificate);
  }
}

}  // namespace floodgate
