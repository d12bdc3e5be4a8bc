// The bytes of a TLS session without buffers of their own: one BIO for all sessions of a context,
// which reads from and writes to whatever the call that is running points it at.
#ifndef FLOODGATE_FRONT_OPENSSL_BIO_H_
#define FLOODGATE_FRONT_OPENSSL_BIO_H_

#include <openssl/bio.h>

#include <cstddef>

#include "absl/types/span.h"
#include "front/tls.h"

namespace floodgate {

// Where the bytes of the present call are. One thread.
struct TlsTransfer {
  absl::Span<const std::byte> in;
  ByteSink* out = nullptr;
};

// A BIO over `transfer`, which outlives it. Null: out of memory. The caller owns a reference.
BIO* NewTransferBio(OSSL_LIB_CTX* library, TlsTransfer* transfer);

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_OPENSSL_BIO_H_
