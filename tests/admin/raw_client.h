// An HTTP client made of bytes, so that tests can send what no library would.
#ifndef FLOODGATE_TESTS_ADMIN_RAW_CLIENT_H_
#define FLOODGATE_TESTS_ADMIN_RAW_CLIENT_H_

#include <map>
#include <string>

#include "base/endpoint.h"
#include "base/fd.h"

namespace floodgate {

struct RawResponse {
  int status = 0;                             // 0: the connection ended without an answer
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;
};

class RawClient {
 public:
  // Connects; a failure fails the test and leaves !connected().
  explicit RawClient(const Endpoint& endpoint);
  bool connected() const { return fd_.valid(); }

  // False: the other side has closed.
  bool Send(const std::string& bytes);
  // Says that no more will be sent, and still reads.
  void ShutdownSend();
  // Waits until there is something to read, the end among it. False: not within `milliseconds`.
  bool Readable(int milliseconds);
  // Reads at least one byte. Empty: end of the stream.
  std::string ReadSome();
  // Reads until the other side closes. Takes at most 20 seconds.
  std::string ReadAll();
  RawResponse ReadResponse();
  void Close() { fd_.Reset(); }

 private:
  OwnedFd fd_;
};

RawResponse ParseResponse(const std::string& text);

// One request over a connection of its own. `fields`: whole lines, each with its \r\n.
RawResponse Ask(const Endpoint& endpoint, const std::string& method, const std::string& target,
                const std::string& body = "", const std::string& fields = "Host: localhost\r\n");

// A socket path that nobody else has, in a directory that goes away with the test program.
Endpoint UniqueSocketPath();

}  // namespace floodgate

#endif  // FLOODGATE_TESTS_ADMIN_RAW_CLIENT_H_
