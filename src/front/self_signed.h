// Self-signed certificates, for `floodgated --demo` and for tests.
#ifndef FLOODGATE_FRONT_SELF_SIGNED_H_
#define FLOODGATE_FRONT_SELF_SIGNED_H_

#include <string>

#include "absl/status/statusor.h"

namespace floodgate {

struct SelfSigned {
  std::string certificate_pem;
  std::string private_key_pem;
};

enum class KeyKind { kEcdsaP256, kRsa2048, kRsa4096 };

// A new key (RSA-4096 may take seconds to make) and a certificate for `host` (also for 127.0.0.1
// and ::1), valid from an hour ago for thirty days. Internal: OpenSSL refused; the message has its
// reason.
absl::StatusOr<SelfSigned> MakeSelfSigned(const std::string& host,
                                          KeyKind kind = KeyKind::kEcdsaP256);

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_SELF_SIGNED_H_
