// Certificates made on the spot, so that none can expire in the repository.
#ifndef FLOODGATE_TESTS_E2E_CERTIFICATES_H_
#define FLOODGATE_TESTS_E2E_CERTIFICATES_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace floodgate::e2e {

struct OpensslFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

struct Certificate {
  std::unique_ptr<EVP_PKEY, OpensslFree> key;
  std::unique_ptr<X509, OpensslFree> x509;

  std::string CertificatePem() const;
  std::string KeyPem() const;
};

enum class KeyKind { kEcdsa, kRsa };

// For `name`; signed by `issuer`, which becomes a CA's, or by itself.
Certificate MakeCertificate(const std::string& name, KeyKind kind = KeyKind::kEcdsa,
                            const Certificate* issuer = nullptr);

// Two files, as tls.certificate and tls.private_key want them.
struct CertificateFiles {
  std::string certificate;
  std::string key;
};
CertificateFiles WriteCertificate(const Certificate& certificate, const std::string& directory,
                                  const std::string& name);

}  // namespace floodgate::e2e

#endif  // FLOODGATE_TESTS_E2E_CERTIFICATES_H_
