#include "front/openssl_bio.h"

#include <algorithm>
#include <cstring>

namespace floodgate {
namespace {

int Read(BIO* bio, char* data, size_t size, size_t* read) {
  auto* transfer = static_cast<TlsTransfer*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *read = std::min(size, transfer->in.size());
  if (*read == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(data, transfer->in.data(), *read);
  transfer->in.remove_prefix(*read);
  return 1;
}

int Write(BIO* bio, const char* data, size_t size, size_t* written) {
  auto* transfer = static_cast<TlsTransfer*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (transfer->out != nullptr) {
    transfer->out->Append({reinterpret_cast<const std::byte*>(data), size});
  }
  *written = size;
  return 1;
}

long Control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int CreateBio(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

// One method for the process: OpenSSL keeps it for as long as a BIO of it lives, and ours live as
// long as the program may.
const BIO_METHOD* TransferMethod() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "floodgate");
    if (made == nullptr) return made;
    BIO_meth_set_read_ex(made, Read);
    BIO_meth_set_write_ex(made, Write);
    BIO_meth_set_ctrl(made, Control);
    BIO_meth_set_create(made, CreateBio);
    return made;
  }();
  return method;
}

}  // namespace

BIO* NewTransferBio(OSSL_LIB_CTX* library, TlsTransfer* transfer) {
  const BIO_METHOD* method = TransferMethod();
  if (method == nullptr) return nullptr;
  BIO* bio = BIO_new_ex(library, method);
  if (bio != nullptr) BIO_set_data(bio, transfer);
  return bio;
}

}  // namespace floodgate
