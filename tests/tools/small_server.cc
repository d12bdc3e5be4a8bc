#include "tests/tools/small_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tests/e2e/certificates.h"
#include "tests/e2e/wait.h"

namespace floodgate::tools {

using e2e::Require;

const char kAnswerOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

BoundListener BindLoopback() {
  BoundListener made;
  made.fd = OwnedFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  Require(::bind(made.fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
  ::getsockname(made.fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  made.target = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  return made;
}

BoundListener BindAbstract(const std::string& name) {
  BoundListener made;
  made.fd = OwnedFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  const size_t size = offsetof(sockaddr_un, sun_path) + 1 + name.size();
  Require(::bind(made.fd.get(), reinterpret_cast<sockaddr*>(&address),
                 static_cast<socklen_t>(size)) == 0,
          "bind");
  made.target = "unix:@" + name;
  return made;
}

SmallServer::SmallServer(Handler handler, int backlog)
    : SmallServer(BindLoopback(), std::move(handler), backlog) {}

SmallServer::SmallServer(BoundListener listener, Handler handler, int backlog)
    : listener_(std::move(listener)), handler_(std::move(handler)) {
  std::signal(SIGPIPE, SIG_IGN);  // Storms leave in the middle of an answer.
  Require(::listen(listener_.fd.get(), backlog) == 0, "listen");
  acceptor_ = std::thread([this] { Accept(); });
}

SmallServer::~SmallServer() {
  ::shutdown(listener_.fd.get(), SHUT_RDWR);  // Ends accept(2).
  acceptor_.join();
  {
    const std::scoped_lock lock(mutex_);
    for (const int fd : live_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
}

size_t SmallServer::accepted() const {
  const std::scoped_lock lock(mutex_);
  return peers_.size();
}

std::vector<std::string> SmallServer::peers() const {
  const std::scoped_lock lock(mutex_);
  return peers_;
}

void SmallServer::Accept() {
  for (;;) {
    OwnedFd fd(::accept4(listener_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd.valid()) return;
    const timeval ten_seconds{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &ten_seconds, sizeof ten_seconds);
    std::string peer = PeerOf(fd.get());
    const std::scoped_lock lock(mutex_);
    peers_.push_back(std::move(peer));
    live_.push_back(fd.get());
    threads_.emplace_back([this, raw = fd.Release()] { Serve(OwnedFd(raw)); });
  }
}

void SmallServer::Serve(OwnedFd fd) {
  handler_(fd.get());
  const std::scoped_lock lock(mutex_);
  live_.erase(std::find(live_.begin(), live_.end(), fd.get()));
  fd.Reset();
}

std::string PeerOf(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  const bool known = ::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (known && address.sin_family != AF_INET) return "unix";
  char text[INET_ADDRSTRLEN] = "gone";  // A reset takes the address away.
  if (known) ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  return text;
}

std::string ReadUntil(int fd, const std::string& end) {
  std::string text;
  char buffer[4096];
  while (text.find(end) == std::string::npos) {
    const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
    if (size <= 0) return "";
    text.append(buffer, static_cast<size_t>(size));
  }
  return text;
}

void SendAll(int fd, const std::string& text) {
  for (size_t sent = 0; sent < text.size();) {
    const ssize_t size = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (size <= 0) return;
    sent += static_cast<size_t>(size);
  }
}

void WaitForClose(int fd) {
  char buffer[4096];
  while (::recv(fd, buffer, sizeof buffer, 0) > 0) continue;
}

void MakeResetOnClose(int fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void AnswerHttp(int fd, const std::string& answer) {
  if (!ReadUntil(fd, "\r\n\r\n").empty()) SendAll(fd, answer);
}

TlsServerContext::TlsServerContext() : context_(SSL_CTX_new(TLS_server_method())) {
  const e2e::Certificate certificate = e2e::MakeCertificate("localhost");
  SSL_CTX_use_certificate(context_, certificate.x509.get());
  SSL_CTX_use_PrivateKey(context_, certificate.key.get());
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);  // Tickets alone.
}

TlsServerContext::~TlsServerContext() {
  SSL_CTX_free(context_);
}

void TlsServerContext::Serve(int fd, const std::string& answer) {
  SSL* ssl = SSL_new(context_);
  SSL_set_fd(ssl, fd);
  char buffer[4096];
  if (SSL_accept(ssl) == 1 && (answer.empty() || SSL_read(ssl, buffer, sizeof buffer) > 0)) {
    if (!answer.empty()) SSL_write(ssl, answer.data(), static_cast<int>(answer.size()));
    while (SSL_read(ssl, buffer, sizeof buffer) > 0) continue;
  }
  SSL_free(ssl);
}

}  // namespace floodgate::tools
