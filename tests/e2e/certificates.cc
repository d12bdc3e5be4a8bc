#include "tests/e2e/certificates.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "tests/e2e/child_process.h"

namespace floodgate::e2e {
namespace {

std::string Drain(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

void AddExtension(X509* certificate, int id, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
  Require(extension != nullptr, "no such extension of a certificate");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

std::string Certificate::CertificatePem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, x509.get());
  return Drain(bio);
}

std::string Certificate::KeyPem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return Drain(bio);
}

Certificate MakeCertificate(const std::string& name, KeyKind kind, const Certificate* issuer) {
  constexpr long kHour = 3600;
  Certificate made;
  made.key.reset(kind == KeyKind::kRsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
  made.x509.reset(X509_new());
  Require(made.key != nullptr && made.x509 != nullptr, "OpenSSL makes no certificate");
  X509* certificate = made.x509.get();
  X509_set_version(certificate, X509_VERSION_3);
  uint32_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), static_cast<long>(serial >> 1));
  X509_gmtime_adj(X509_getm_notBefore(certificate), -kHour);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * kHour);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, issuer == nullptr ? X509_get_subject_name(certificate)
                                                      : X509_get_subject_name(issuer->x509.get()));
  // Each may sign others: tests use some as their own authority.
  AddExtension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
  EVP_PKEY* signer = issuer == nullptr ? made.key.get() : issuer->key.get();
  Require(X509_sign(certificate, signer, EVP_sha256()) > 0, "OpenSSL signs no certificate");
  return made;
}

CertificateFiles WriteCertificate(const Certificate& certificate, const std::string& directory,
                                  const std::string& name) {
  CertificateFiles files{.certificate = directory + "/" + name + ".pem",
                         .key = directory + "/" + name + ".key"};
  WriteFile(files.certificate, certificate.CertificatePem());
  WriteFile(files.key, certificate.KeyPem());
  return files;
}

}  // namespace floodgate::e2e
