#include "front/self_signed.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <memory>

#include "absl/strings/str_cat.h"

namespace floodgate {
namespace {

template <auto kFree>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using MemoryBio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;

absl::Status Refused(absl::string_view step) {
  const char* reason = ERR_reason_error_string(ERR_get_error());
  return absl::InternalError(absl::StrCat("making a self-signed certificate: ", step, ": ",
                                          reason == nullptr ? "unknown reason" : reason));
}

bool AddExtension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool FillIn(X509* certificate, EVP_PKEY* key, const std::string& host) {
  uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return false;
  X509_NAME* name = X509_get_subject_name(certificate);
  return X509_set_version(certificate, X509_VERSION_3) == 1 &&
         ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), 30L * 24 * 3600) != nullptr &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(host.c_str()), -1, -1,
                                    0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
         AddExtension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
         AddExtension(certificate, NID_subject_alt_name,
                      absl::StrCat("DNS:", host, ",IP:127.0.0.1,IP:::1")) &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

Key MakeKey(KeyKind kind) {
  switch (kind) {
    case KeyKind::kRsa2048:
      return Key(EVP_RSA_gen(2048));
    case KeyKind::kRsa4096:
      return Key(EVP_RSA_gen(4096));
    case KeyKind::kEcdsaP256:
      break;
  }
  return Key(EVP_EC_gen("P-256"));
}

std::string Contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

}  // namespace

absl::StatusOr<SelfSigned> MakeSelfSigned(const std::string& host, KeyKind kind) {
  const Key key = MakeKey(kind);
  if (key == nullptr) return Refused("the key");
  const Certificate certificate(X509_new());
  if (certificate == nullptr || !FillIn(certificate.get(), key.get(), host)) {
    return Refused("the certificate");
  }
  const MemoryBio certificate_bio(BIO_new(BIO_s_mem()));
  const MemoryBio key_bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(certificate_bio.get(), certificate.get()) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) != 1) {
    return Refused("writing it");
  }
  return SelfSigned{.certificate_pem = Contents(certificate_bio.get()),
                    .private_key_pem = Contents(key_bio.get())};
}

}  // namespace floodgate
