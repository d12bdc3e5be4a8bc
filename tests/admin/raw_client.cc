#include "tests/admin/raw_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace floodgate {
namespace {

int ConnectTo(int fd, const Endpoint& endpoint) {
  if (endpoint.kind == Endpoint::Kind::kTcp) {
    if (endpoint.host == "::1") {
      sockaddr_in6 v6{};
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(endpoint.port);
      v6.sin6_addr = in6addr_loopback;
      return ::connect(fd, reinterpret_cast<sockaddr*>(&v6), sizeof(v6));
    }
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd, reinterpret_cast<sockaddr*>(&v4), sizeof(v4));
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const size_t offset = endpoint.kind == Endpoint::Kind::kUnixAbstract ? 1 : 0;
  std::memcpy(address.sun_path + offset, endpoint.path.data(), endpoint.path.size());
  const size_t size = offsetof(sockaddr_un, sun_path) + endpoint.path.size() + 1;
  return ::connect(fd, reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(size));
}

}  // namespace

RawClient::RawClient(const Endpoint& endpoint) {
  const int family = endpoint.is_unix() ? AF_UNIX : endpoint.host == "::1" ? AF_INET6 : AF_INET;
  fd_.Reset(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // A test that waits for ever tells nothing.
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (ConnectTo(fd_.get(), endpoint) == 0) return;
  ADD_FAILURE() << "connect to " << endpoint.ToString() << ": " << std::strerror(errno);
  fd_.Reset();
}

bool RawClient::Send(const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<size_t>(count);
  }
  return true;
}

void RawClient::ShutdownSend() {
  ::shutdown(fd_.get(), SHUT_WR);
}

bool RawClient::Readable(int milliseconds) {
  pollfd entry{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, milliseconds) > 0;
}

std::string RawClient::ReadSome() {
  std::array<char, 65'536> buffer;
  const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  return count > 0 ? std::string(buffer.data(), static_cast<size_t>(count)) : std::string();
}

std::string RawClient::ReadAll() {
  std::string all;
  for (std::string some = ReadSome(); !some.empty(); some = ReadSome()) all += some;
  return all;
}

RawResponse RawClient::ReadResponse() {
  return ParseResponse(ReadAll());
}

RawResponse ParseResponse(const std::string& text) {
  RawResponse response;
  const size_t head_end = text.find("\r\n\r\n");
  if (text.substr(0, 9) != "HTTP/1.1 " || head_end == std::string::npos) return response;
  EXPECT_TRUE(absl::SimpleAtoi(text.substr(9, 3), &response.status)) << text;
  size_t line = text.find("\r\n") + 2;
  while (line < head_end + 2) {
    const size_t end = text.find("\r\n", line);
    const size_t colon = text.find(": ", line);
    response.fields[absl::AsciiStrToLower(text.substr(line, colon - line))] =
        text.substr(colon + 2, end - colon - 2);
    line = end + 2;
  }
  response.body = text.substr(head_end + 4);
  return response;
}

RawResponse Ask(const Endpoint& endpoint, const std::string& method, const std::string& target,
                const std::string& body, const std::string& fields) {
  RawClient client(endpoint);
  const std::string length =
      body.empty() ? "" : absl::StrCat("Content-Length: ", body.size(), "\r\n");
  client.Send(absl::StrCat(method, " ", target, " HTTP/1.1\r\n", fields, length, "\r\n", body));
  return client.ReadResponse();
}

Endpoint UniqueSocketPath() {
  static const std::string directory = [] {
    std::string name = absl::StrCat(::testing::TempDir(), "/floodgate-admin-XXXXXX");
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    static std::string kept;
    kept = name;
    std::atexit([] { ::rmdir(kept.c_str()); });
    return name;
  }();
  static std::atomic<int> next{0};
  return {.kind = Endpoint::Kind::kUnixPath,
          .host = "",
          .port = 0,
          .path = absl::StrCat(directory, "/", next.fetch_add(1), ".sock")};
}

}  // namespace floodgate
