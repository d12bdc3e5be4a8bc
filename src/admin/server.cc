#include "admin/server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "admin/http_loop.h"
#include "admin/listen_socket.h"
#include "admin/router.h"

namespace floodgate {
namespace {

// So many threads that those who wait for the gate leave some to the others.
constexpr int kThreads = Router::kWaitersMax + 4;

class HttpAdminServer final : public AdminServer {
 public:
  HttpAdminServer(ListenSocket socket, std::unique_ptr<Router> router,
                  std::unique_ptr<HttpLoop> loop)
      : socket_(std::move(socket)), router_(std::move(router)), loop_(std::move(loop)) {
    if (!socket_.reachable) return;
    warning_ = absl::StrCat(
        "admin.listen = ", socket_.bound.ToString(),
        " can be reached from other hosts, and the control interface asks nobody who they are; "
        "use unix:/run/floodgate/admin.sock or 127.0.0.1, or keep others out with a firewall");
  }
  ~HttpAdminServer() override { Stop(); }

  const Endpoint& bound() const override { return socket_.bound; }
  const std::string& warning() const override { return warning_; }
  void Start() override { loop_->Start(); }
  void Stop() override {
    // The file first: who looks for it meanwhile learns that we are gone.
    RemoveSocketFile(socket_);
    loop_->Stop();
  }

 private:
  const ListenSocket socket_;  // Its descriptor is the loop's.
  std::string warning_;
  const std::unique_ptr<Router> router_;
  const std::unique_ptr<HttpLoop> loop_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Create(const Endpoint& listen,
                                                                 uint32_t mode, Control& control) {
  absl::StatusOr<ListenSocket> socket = ListenForAdmin(listen, mode);
  if (!socket.ok()) return socket.status();
  const bool loopback_tcp = !listen.is_unix() && !socket->reachable;
  std::unique_ptr<Router> router = Router::Create(control, loopback_tcp);
  HttpLoop::Limits limits;
  limits.threads = kThreads;
  absl::StatusOr<std::unique_ptr<HttpLoop>> loop = HttpLoop::Create(
      std::move(socket->fd), limits,
      [&router = *router](const HttpRequest& request, const std::atomic<bool>& cancelled) {
        return router.Answer(request, cancelled);
      },
      [](const HttpRequestReader::Rejection& rejection) {
        return ErrorAnswer(rejection.status, rejection.error, rejection.remedy);
      });
  if (!loop.ok()) return loop.status();
  return std::make_unique<HttpAdminServer>(*std::move(socket), std::move(router), *std::move(loop));
}

}  // namespace floodgate
