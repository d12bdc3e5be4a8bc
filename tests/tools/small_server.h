// Small servers that do one thing to whoever connects.
#ifndef FLOODGATE_TESTS_TOOLS_SMALL_SERVER_H_
#define FLOODGATE_TESTS_TOOLS_SMALL_SERVER_H_

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"

namespace floodgate::tools {

// A bound socket on 127.0.0.1 (port of the kernel's choice), or on a unix socket.
struct BoundListener {
  OwnedFd fd;
  std::string target;  // as floodgate-storm wants it
};
BoundListener BindLoopback();
BoundListener BindAbstract(const std::string& name);

// Accepts on one thread and runs the handler of each connection on another. Ends with the object:
// connections that still live are shut down.
class SmallServer {
 public:
  // Gets a blocking descriptor, whose reads end after ten seconds; it is closed afterwards.
  using Handler = std::function<void(int fd)>;

  explicit SmallServer(Handler handler, int backlog = 256);
  SmallServer(BoundListener listener, Handler handler, int backlog = 256);
  ~SmallServer();
  SmallServer(const SmallServer&) = delete;
  SmallServer& operator=(const SmallServer&) = delete;

  const std::string& target() const { return listener_.target; }
  size_t accepted() const;
  std::vector<std::string> peers() const;  // their addresses, in the order of accepting

 private:
  void Accept();
  void Serve(OwnedFd fd);

  BoundListener listener_;
  Handler handler_;
  mutable std::mutex mutex_;
  std::vector<std::string> peers_;    // under mutex_
  std::vector<int> live_;             // under mutex_
  std::vector<std::thread> threads_;  // of the accepting thread, until it has ended
  std::thread acceptor_;
};

// What a handler may do.
std::string PeerOf(int fd);                             // its address, or "unix"
std::string ReadUntil(int fd, const std::string& end);  // "" if the peer leaves first
void SendAll(int fd, const std::string& text);
void WaitForClose(int fd);
// Closing `fd` resets the connection.
void MakeResetOnClose(int fd);
void AnswerHttp(int fd, const std::string& answer);

// The server's side of TLS with a certificate of its own.
class TlsServerContext {
 public:
  TlsServerContext();
  ~TlsServerContext();
  TlsServerContext(const TlsServerContext&) = delete;
  TlsServerContext& operator=(const TlsServerContext&) = delete;

  // A handshake, then (if `answer` is not empty) one request and its answer; then waits for the
  // peer to leave.
  void Serve(int fd, const std::string& answer);

 private:
  SSL_CTX* context_;
};

extern const char kAnswerOk[];

}  // namespace floodgate::tools

#endif  // FLOODGATE_TESTS_TOOLS_SMALL_SERVER_H_
