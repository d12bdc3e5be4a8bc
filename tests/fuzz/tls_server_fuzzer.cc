// Whatever bytes come instead of, or in the middle of, a TLS handshake, cut anywhere: a session
// ends in a state that the relay knows, says why it failed, and nobody is let in without a key.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "front/openssl_tls.h"
#include "front/self_signed.h"

namespace floodgate {
namespace {

// With a certificate that is asked for on the controller port.
std::unique_ptr<TlsContext> MakeContext() {
  std::string directory = std::filesystem::temp_directory_path() / "floodgate-fuzz-XXXXXX";
  FG_CHECK(mkdtemp(directory.data()) != nullptr);
  const absl::StatusOr<SelfSigned> made = MakeSelfSigned("localhost");
  FG_CHECK(made.ok());
  TlsOptions options;
  options.certificate = directory + "/certificate.pem";
  options.private_key = directory + "/key.pem";
  std::ofstream(options.certificate) << made->certificate_pem;
  std::ofstream(options.private_key) << made->private_key_pem;
  absl::StatusOr<std::unique_ptr<TlsContext>> context =
      OpenSslContext::Create(options, options.certificate, *TicketKeys::Create());
  FG_CHECK(context.ok());
  std::filesystem::remove_all(directory);
  return *std::move(context);
}

}  // namespace
}  // namespace floodgate

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace floodgate;
  static const std::unique_ptr<TlsContext> context = MakeContext();
  if (size < 2) return 0;
  const bool controller = (data[0] & 1) != 0;
  const size_t piece = size_t{data[1]} + 1;
  const auto bytes = absl::MakeConstSpan(reinterpret_cast<const std::byte*>(data), size).subspan(2);
  const std::unique_ptr<TlsSession> session = context->NewSession(controller);
  FG_CHECK(session != nullptr);
  std::byte plain_space[512];
  std::byte cipher_space[512];
  ByteSink plain{.data = absl::MakeSpan(plain_space)};
  ByteSink cipher{.data = absl::MakeSpan(cipher_space)};
  TlsState state = TlsState::kHandshaking;
  for (size_t at = 0; at < bytes.size() && state == TlsState::kHandshaking; at += piece) {
    state = session->Receive(bytes.subspan(at, std::min(piece, bytes.size() - at)), plain, cipher);
  }
  FG_CHECK(state == TlsState::kHandshaking || state == TlsState::kFailed ||
           state == TlsState::kPeerClosed);
  FG_CHECK(plain.empty());
  FG_CHECK((state == TlsState::kFailed) == !session->error().empty());
  return 0;
}
