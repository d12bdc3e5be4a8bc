// The backend of the comparison: answers each request with a few bytes, or, for GET /bulk/BYTES,
// with so many. A PROXY v2 header in front is skipped.
//
//   peer_backend PORT
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "bench/peers/socket_loop.h"
#include "front/proxy_protocol_reader.h"

namespace floodgate::peers {
namespace {

struct Client {
  bool introduced = false;
  bool answering = false;
  std::string input;
  std::string head;  // of the answer, still to be sent
  uint64_t body_left = 0;
};

std::map<int, Client> clients;
const std::vector<char> block(256 * 1024, 'x');

void Close(int fd) {
  ::close(fd);
  clients.erase(fd);
}

// False: the client is gone.
bool ReadRequest(int fd, Client& client) {
  char buffer[16384];
  for (;;) {
    const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
    if (size == 0) return client.answering;
    if (size < 0) return errno == EAGAIN;
    client.input.append(buffer, static_cast<size_t>(size));
    if (!client.introduced && client.input[0] == '\r') {
      const ProxyParse parse = ParseProxyV2(AsBytes(client.input));
      if (parse.state == ProxyParse::State::kInvalid) return false;
      if (parse.state == ProxyParse::State::kIncomplete) continue;
      client.input.erase(0, parse.size);
    }
    client.introduced = true;
    if (client.answering || client.input.find("\r\n\r\n") == std::string::npos) continue;
    client.answering = true;
    constexpr char kBulk[] = "GET /bulk/";
    client.body_left = 12;
    if (client.input.rfind(kBulk, 0) == 0) {
      client.body_left = std::strtoull(client.input.c_str() + sizeof kBulk - 1, nullptr, 10);
    }
    client.head = absl::StrCat(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ", client.body_left, "\r\n\r\n");
    if (client.body_left <= block.size()) {
      client.head.append(block.data(), static_cast<size_t>(client.body_left));
      client.body_left = 0;
    }
  }
}

// False: done, or the client is gone.
bool SendAnswer(int fd, Client& client) {
  while (!client.head.empty() || client.body_left > 0) {
    const bool head = !client.head.empty();
    const char* data = head ? client.head.data() : block.data();
    const size_t size =
        head ? client.head.size() : std::min<uint64_t>(block.size(), client.body_left);
    const ssize_t sent = ::send(fd, data, size, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    if (head) {
      client.head.erase(0, static_cast<size_t>(sent));
    } else {
      client.body_left -= static_cast<uint64_t>(sent);
    }
  }
  return false;
}

}  // namespace
}  // namespace floodgate::peers

int main(int argc, char** argv) {
  using namespace floodgate::peers;
  if (argc != 2) {
    std::fprintf(stderr, "peer_backend: expected a port\n");
    return 2;
  }
  const int listener = Listen("peer_backend", argv[1]);
  Run(
      listener, [](int fd) { clients[fd]; },
      [](int fd, uint32_t) {
        Client& client = clients[fd];
        if (!ReadRequest(fd, client) || (client.answering && !SendAnswer(fd, client))) Close(fd);
      });
}
