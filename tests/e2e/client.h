// A stream socket as tests use one: blocking calls, each with a deadline.
#ifndef FLOODGATE_TESTS_E2E_CLIENT_H_
#define FLOODGATE_TESTS_E2E_CLIENT_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "base/fd.h"
#include "tests/e2e/wait.h"

namespace floodgate::e2e {

struct Received {
  enum class Kind { kBytes, kEnd, kReset, kNothing };
  Kind kind = Kind::kNothing;  // kNothing: the deadline passed
  std::string bytes;
};

class Client {
 public:
  // `address` as floodgated tells it: "127.0.0.1:4711", "[::1]:4711", "[::]:4711" (the loopback
  // address is meant), "unix:/path", "unix:@name". `source`: the address to come from, or "".
  // Throws if it cannot connect in time.
  static Client Connect(const std::string& address, const std::string& source = "");
  // Like Connect; an invalid client if the peer refuses. (One that accepts and resets at once does
  // not: that comes out as a reset of what is done next.)
  static Client TryConnect(const std::string& address, const std::string& source = "");
  // A socket that is connected already (a backend's).
  explicit Client(OwnedFd fd) : fd_(std::move(fd)) {}

  bool valid() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }
  // "127.0.0.1:50000", as the PROXY header names it; "" for unix sockets.
  std::string local_address() const;

  // All of it, or throws.
  void Send(absl::string_view bytes);
  // False if the peer has gone or takes nothing until the deadline.
  bool TrySend(absl::string_view bytes, std::chrono::milliseconds timeout = kPatience);
  // What is there, at most `size`; waits for something.
  Received Receive(size_t size = 65'536, std::chrono::milliseconds timeout = kPatience);
  // Exactly so many bytes, or throws.
  std::string ReceiveExactly(size_t size);
  // Everything until the end of the stream; throws on a reset or at the deadline.
  std::string ReceiveAll();
  // Sends it and awaits the same bytes back.
  bool Echoes(absl::string_view text);
  // Waits for the peer to end it, and drops what it still sends.
  Received::Kind AwaitEnd(std::chrono::milliseconds timeout = kPatience);
  // Nothing has come from the peer: no byte, no end, no reset.
  bool Untouched() const;

  void FinishSending();
  // Closes with a reset.
  void Reset();
  void Close() { fd_.Reset(); }

 private:
  OwnedFd fd_;
  bool reset_ = false;  // A call was told already; the kernel tells it only once.
};

// A listening socket; `address` as above, port 0 allowed. With kBoundOnly it does not listen:
// whoever connects is refused, and nobody else can get the port meanwhile.
inline constexpr int kBoundOnly = -1;
struct ListeningSocket {
  OwnedFd fd;
  std::string address;  // really bound
};
ListeningSocket Listen(const std::string& address, int backlog = 4096);

// A socket that has begun to connect; nothing says that it ever will be.
OwnedFd ConnectWithoutWaiting(const std::string& address);

// Raises this process's soft limit of descriptors to the hard one: some tests hold thousands.
void RaiseDescriptorLimit();
// Sets the soft limit of a process.
void SetDescriptorLimit(pid_t pid, uint64_t limit);

}  // namespace floodgate::e2e

#endif  // FLOODGATE_TESTS_E2E_CLIENT_H_
