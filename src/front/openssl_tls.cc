#include "front/openssl_tls.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "front/openssl_session.h"

namespace floodgate {
namespace {

// AES-128 with SHA-256 first: no browser or library in use today lacks it, and the key schedule on
// SHA-256 costs less than that on SHA-384.
constexpr char kTls13Ciphers[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kTls12Ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

struct CipherFree {
  void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
};

// Fetched once: an implicit fetch for each ticket would look it up, under a lock, each time.
struct ContextExtras {
  std::shared_ptr<TicketKeys> ticket_keys;
  std::unique_ptr<EVP_CIPHER, CipherFree> ticket_cipher;
};

void FreeExtras(void* /*parent*/, void* pointer, CRYPTO_EX_DATA* /*data*/, int /*index*/,
                long /*number*/, void* /*argument*/) {
  delete static_cast<ContextExtras*>(pointer);
}

int ExtrasIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, FreeExtras);
  return index;
}

bool InitTicket(const TicketKey& key, const EVP_CIPHER* cipher, unsigned char* iv,
                EVP_CIPHER_CTX* cipher_context, EVP_MAC_CTX* mac_context, bool encrypt) {
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
                                        const_cast<uint8_t*>(key.authentication.data()),
                                        key.authentication.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SHA256"), 0),
      OSSL_PARAM_construct_end()};
  return EVP_CipherInit_ex2(cipher_context, cipher, key.encryption.data(), iv, encrypt ? 1 : 0,
                            nullptr) == 1 &&
         EVP_MAC_CTX_set_params(mac_context, params) == 1;
}

// SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 = done, 2 = done and make a new ticket, 0 = no such
// key, do a full handshake, -1 = error.
int OnTicketKey(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher_context,
                EVP_MAC_CTX* mac_context, int encrypt) {
  const auto* extras =
      static_cast<const ContextExtras*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ExtrasIndex()));
  const TicketKeys::Snapshot keys = extras->ticket_keys->Current();
  const EVP_CIPHER* cipher = extras->ticket_cipher.get();
  if (encrypt == 1) {
    const TicketKey& key = keys->front();
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(cipher)) != 1) return -1;
    std::memcpy(name, key.name.data(), key.name.size());
    return InitTicket(key, cipher, iv, cipher_context, mac_context, true) ? 1 : -1;
  }
  for (const TicketKey& key : *keys) {
    if (std::memcmp(name, key.name.data(), key.name.size()) != 0) continue;
    if (!InitTicket(key, cipher, iv, cipher_context, mac_context, false)) return -1;
    const bool current = &key == &keys->front();
    // In TLS 1.3 every resumption gets a fresh ticket anyway (and wants 1 here to count as
    // resumed).
    return current || SSL_version(ssl) >= TLS1_3_VERSION ? 1 : 2;
  }
  return 0;
}

int OnServerName(SSL* /*ssl*/, int* /*alert*/, void* /*argument*/) {
  return SSL_TLSEXT_ERR_OK;
}

int OnAlpn(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size,
           const unsigned char* in, unsigned int in_size, void* /*argument*/) {
  static constexpr unsigned char kHttp[] = "\x08http/1.1";
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size, kHttp, sizeof kHttp - 1, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

// Why the last call of OpenSSL failed: what the system said if it refused something, else what went
// wrong first. The errors that OpenSSL puts over that say "system lib" and "PEM lib".
std::string Reason() {
  const unsigned long first = ERR_get_error();
  unsigned long error = first;
  while (error != 0 && !ERR_SYSTEM_ERROR(error)) error = ERR_get_error();
  ERR_clear_error();
  if (error != 0) return std::strerror(ERR_GET_REASON(error));
  const char* text = ERR_reason_error_string(first);
  return text == nullptr ? "unknown reason" : text;
}

// Loads one file; what is wrong goes to `faults`.
void LoadCertificate(SSL_CTX* context, const std::string& path, std::vector<TlsFault>& faults) {
  if (SSL_CTX_use_certificate_chain_file(context, path.c_str()) == 1) return;
  faults.push_back({"tls.certificate", absl::StrCat(path, ": ", Reason()),
                    "expected a readable PEM file with the server's certificate first and its "
                    "intermediates after it"});
}

void LoadKey(SSL_CTX* context, const std::string& path, std::vector<TlsFault>& faults) {
  if (SSL_CTX_use_PrivateKey_file(context, path.c_str(), SSL_FILETYPE_PEM) == 1) return;
  const unsigned long error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) == ERR_LIB_X509 && (ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH ||
                                             ERR_GET_REASON(error) == X509_R_KEY_TYPE_MISMATCH)) {
    ERR_clear_error();
    faults.push_back({"tls.private_key",
                      absl::StrCat(path, ": does not belong to the certificate in tls.certificate"),
                      "name the key that it was issued for"});
    return;
  }
  faults.push_back({"tls.private_key", absl::StrCat(path, ": ", Reason()),
                    "expected a readable PEM file with an unencrypted private key"});
}

void LoadClientCa(SSL_CTX* context, const std::string& path, std::vector<TlsFault>& faults) {
  if (path.empty()) return;
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(path.c_str());
  if (names == nullptr || SSL_CTX_load_verify_file(context, path.c_str()) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    faults.push_back({"controller.client_ca", absl::StrCat(path, ": ", Reason()),
                      "expected a readable PEM file with CA certificates"});
    return;
  }
  SSL_CTX_set_client_CA_list(context, names);
}

void SetUpTickets(OpenSslShared& shared, std::shared_ptr<TicketKeys> ticket_keys, bool enabled) {
  SSL_CTX* context = shared.context;
  if (!enabled || ticket_keys == nullptr) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  SSL_CTX_set_num_tickets(context, 1);  // An agent makes one connection; each ticket costs CPU.
  auto extras = std::make_unique<ContextExtras>();
  extras->ticket_keys = std::move(ticket_keys);
  extras->ticket_cipher.reset(EVP_CIPHER_fetch(shared.library, "AES-256-CBC", nullptr));
  SSL_CTX_set_ex_data(context, ExtrasIndex(), extras.release());
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, OnTicketKey);
}

bool SetUp(OpenSslShared& shared, const TlsOptions& options) {
  shared.library = OSSL_LIB_CTX_new();
  if (shared.library == nullptr) return false;
  shared.context = SSL_CTX_new_ex(shared.library, nullptr, TLS_server_method());
  shared.bio = NewTransferBio(shared.library, &shared.transfer);
  SSL_CTX* context = shared.context;
  if (context == nullptr || shared.bio == nullptr) return false;
  const int version = options.min_version == TlsVersion::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_min_proto_version(context, version);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  // The chain is sent as it stands in the file: building one for each handshake would cost a
  // search.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_tlsext_servername_callback(context, OnServerName);
  SSL_CTX_set_alpn_select_cb(context, OnAlpn, nullptr);
  return SSL_CTX_set_ciphersuites(context, kTls13Ciphers) == 1 &&
         SSL_CTX_set_cipher_list(context, kTls12Ciphers) == 1;
}

class Context final : public TlsContext {
 public:
  Context(std::shared_ptr<OpenSslShared> shared, bool verify_controllers)
      : shared_(std::move(shared)), verify_controllers_(verify_controllers) {}

  std::unique_ptr<TlsSession> NewSession(bool controller) override {
    SSL* ssl = SSL_new(shared_->context);
    if (ssl == nullptr) return nullptr;
    // A ticket of one port is worth nothing on the other.
    const unsigned char id = controller ? 'c' : 'a';
    SSL_set_session_id_context(ssl, &id, 1);
    if (controller && verify_controllers_) {
      SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
      SSL_set_options(ssl, SSL_OP_NO_TICKET);
      SSL_set_num_tickets(ssl, 0);
    }
    return std::make_unique<OpenSslSession>(shared_, ssl);
  }

 private:
  std::shared_ptr<OpenSslShared> shared_;
  const bool verify_controllers_;
};

std::shared_ptr<OpenSslShared> Load(const TlsOptions& options, const std::string& client_ca,
                                    std::vector<TlsFault>& faults) {
  ERR_clear_error();
  auto shared = std::make_shared<OpenSslShared>();
  if (!SetUp(*shared, options)) {
    faults.push_back({"tls", absl::StrCat("OpenSSL cannot be set up: ", Reason()),
                      "see that its libraries are all of one version"});
    return nullptr;
  }
  LoadCertificate(shared->context, options.certificate, faults);
  LoadKey(shared->context, options.private_key, faults);
  LoadClientCa(shared->context, client_ca, faults);
  return faults.empty() ? shared : nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsContext>> OpenSslContext::Create(
    const TlsOptions& options, const std::string& client_ca,
    std::shared_ptr<TicketKeys> ticket_keys) {
  std::vector<TlsFault> faults;
  std::shared_ptr<OpenSslShared> shared = Load(options, client_ca, faults);
  if (shared == nullptr) {
    const TlsFault& first = faults.front();
    return absl::InvalidArgumentError(
        absl::StrCat(first.key, ": ", first.problem, "; ", first.remedy));
  }
  SetUpTickets(*shared, std::move(ticket_keys), options.tickets);
  // The library context notes per thread what it keeps for it, and a thread's end looks there. A
  // worker will free the context, so this thread, which outlives it, must be forgotten by it first.
  OPENSSL_thread_stop_ex(shared->library);
  return std::make_unique<Context>(std::move(shared), !client_ca.empty());
}

std::vector<TlsFault> CheckTlsFiles(const TlsOptions& options, const std::string& client_ca) {
  std::vector<TlsFault> faults;
  Load(options, client_ca, faults);
  return faults;
}

}  // namespace floodgate
