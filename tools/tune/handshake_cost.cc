#include "tools/tune/handshake_cost.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "front/openssl_tls.h"

namespace floodgate::tune {
namespace {

constexpr int kWarmUps = 20;
constexpr size_t kHandshakesMax = 400;
constexpr Duration kTimeMax = Duration::Seconds(1);  // of the server's CPU
constexpr int kFlightsMax = 8;                       // of a handshake; TLS 1.3 takes two

Duration ThreadCpu() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return Duration::Seconds(time.tv_sec) + Duration::Nanoseconds(time.tv_nsec);
}

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using ClientContext = std::unique_ptr<SSL_CTX, ContextFree>;

// The other side, over memory. Certificates are not verified: there is nobody to deceive.
class Client {
 public:
  explicit Client(SSL_CTX* context) : ssl_(SSL_new(context)) {
    if (ssl_ == nullptr) return;
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_.get());
  }

  // Goes on with what the server sent; gives what must be sent to it.
  std::string Advance(absl::string_view from_server) {
    if (ssl_ == nullptr) return "";
    BIO_write(SSL_get_rbio(ssl_.get()), from_server.data(), static_cast<int>(from_server.size()));
    SSL_do_handshake(ssl_.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &data);
    std::string output(data, static_cast<size_t>(size));
    static_cast<void>(BIO_reset(SSL_get_wbio(ssl_.get())));
    return output;
  }
  bool established() const { return ssl_ != nullptr && SSL_is_init_finished(ssl_.get()) == 1; }

 private:
  std::unique_ptr<SSL, SslFree> ssl_;
};

// A private directory for the certificate and its key; gone with the object.
class Files {
 public:
  absl::Status Write(const SelfSigned& made) {
    path_ = (std::filesystem::temp_directory_path() / "floodgate-tune-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) {
      path_.clear();
      return absl::UnavailableError("cannot make a directory for a certificate; is TMPDIR full?");
    }
    options_.certificate = path_ + "/certificate.pem";
    options_.private_key = path_ + "/key.pem";
    std::ofstream certificate(options_.certificate);
    std::ofstream key(options_.private_key);
    if (!(certificate << made.certificate_pem).flush() || !(key << made.private_key_pem).flush()) {
      return absl::UnavailableError(absl::StrCat("cannot write into ", path_, "; is it full?"));
    }
    return absl::OkStatus();
  }
  ~Files() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  const TlsOptions& options() const { return options_; }

 private:
  std::string path_;
  TlsOptions options_;
};

// One handshake. False: it did not come to its end.
bool Shake(TlsContext& server, SSL_CTX* client_context, std::vector<std::byte>& scratch,
           HandshakeCost& cost) {
  cost = {};
  const Duration begun = ThreadCpu();
  Client client(client_context);
  std::unique_ptr<TlsSession> session;
  std::string to_server = client.Advance("");
  cost.client_hello = ThreadCpu() - begun;
  TlsState state = TlsState::kHandshaking;
  for (int flight = 0; flight < kFlightsMax && !to_server.empty(); ++flight) {
    const Duration before = ThreadCpu();
    if (session == nullptr) session = server.NewSession(false);
    if (session == nullptr) return false;
    ByteSink plain{.data = absl::MakeSpan(scratch).first(scratch.size() / 2)};
    ByteSink cipher{.data = absl::MakeSpan(scratch).subspan(scratch.size() / 2)};
    state = session->Receive(AsBytes(to_server), plain, cipher);
    Duration& part = flight == 0 ? cost.hello : cost.finish;
    part = part + (ThreadCpu() - before);
    const Duration there = ThreadCpu();
    to_server = client.Advance(AsText(cipher.data.first(cipher.size)));
    cost.client_finish = cost.client_finish + (ThreadCpu() - there);
  }
  const Duration before = ThreadCpu();
  session.reset();
  cost.finish = cost.finish + (ThreadCpu() - before);
  return state == TlsState::kEstablished && client.established();
}

Duration Median(std::vector<Duration> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

absl::StatusOr<HandshakeCost> Measure(TlsContext& server) {
  const ClientContext client(SSL_CTX_new(TLS_client_method()));
  if (client == nullptr) return absl::InternalError("OpenSSL gave no context for a client");
  std::vector<std::byte> scratch(size_t{128} * 1024);
  std::vector<Duration> hellos, finishes, client_hellos, client_finishes;
  Duration spent;
  for (int i = 0; hellos.size() < kHandshakesMax && (hellos.empty() || spent < kTimeMax); ++i) {
    HandshakeCost cost;
    if (!Shake(server, client.get(), scratch, cost)) {
      return absl::InternalError("measuring a TLS handshake: it failed");
    }
    spent = spent + cost.whole();
    if (i < kWarmUps) continue;
    hellos.push_back(cost.hello);
    finishes.push_back(cost.finish);
    client_hellos.push_back(cost.client_hello);
    client_finishes.push_back(cost.client_finish);
  }
  return HandshakeCost{.hello = Median(std::move(hellos)),
                       .finish = Median(std::move(finishes)),
                       .client_hello = Median(std::move(client_hellos)),
                       .client_finish = Median(std::move(client_finishes))};
}

}  // namespace

absl::StatusOr<HandshakeCost> MeasureHandshake(KeyKind kind) {
  const absl::StatusOr<SelfSigned> made = MakeSelfSigned("localhost", kind);
  if (!made.ok()) return made.status();
  Files files;
  if (absl::Status status = files.Write(*made); !status.ok()) return status;
  absl::StatusOr<std::shared_ptr<TicketKeys>> keys = TicketKeys::Create();
  if (!keys.ok()) return keys.status();
  const absl::StatusOr<std::unique_ptr<TlsContext>> server =
      OpenSslContext::Create(files.options(), "", *std::move(keys));
  if (!server.ok()) return server.status();
  return Measure(**server);
}

HandshakeCost PartsOf(Duration whole) {
  const Duration finish = std::min(Duration::Microseconds(60), whole / 4);
  return {.hello = whole - finish, .finish = finish};
}

}  // namespace floodgate::tune
