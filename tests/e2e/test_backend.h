// A backend for the daemon under test: accepts, reads the PROXY v2 header, and runs a handler.
#ifndef FLOODGATE_TESTS_E2E_TEST_BACKEND_H_
#define FLOODGATE_TESTS_E2E_TEST_BACKEND_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "front/proxy_protocol_reader.h"
#include "tests/e2e/client.h"

namespace floodgate::e2e {

struct Introduction {
  ProxyParse header;
  std::string raw;  // the header's bytes
};

class TestBackend {
 public:
  // What becomes of a connection, on a thread of its own; it is closed when the handler returns. An
  // exception (the peer has gone, a deadline) ends it with a reset.
  using Handler = std::function<void(Client& connection, const Introduction& introduction)>;

  struct Options {
    std::string address = "127.0.0.1:0";
    bool proxy_protocol = true;
    Handler handler = Echo;
  };

  TestBackend() : TestBackend(Options()) {}
  explicit TestBackend(Handler handler);
  explicit TestBackend(Options options);
  // Ends every connection and waits for their threads.
  ~TestBackend();

  const std::string& address() const { return address_; }
  // Of all connections that have introduced themselves, in order.
  std::vector<Introduction> introductions() const;
  // Waits until there are so many; throws if they never come.
  std::vector<Introduction> AwaitIntroductions(size_t count) const;
  // How many connections are there now, and how many there have been.
  size_t open() const;
  size_t accepted() const;

  // Sends back what comes, until the end; then ends its own direction.
  static void Echo(Client& connection, const Introduction& introduction);
  // Reads one HTTP request and answers it with the source's address, for each that comes.
  static void AnswerHttp(Client& connection, const Introduction& introduction);

 private:
  void Accept();
  void Serve(OwnedFd fd);
  Introduction Introduce(Client& connection) const;

  Options options_;
  std::string address_;
  OwnedFd listener_;
  OwnedFd stop_;              // an eventfd
  mutable std::mutex mutex_;  // of all that follows
  mutable std::condition_variable changed_;
  std::vector<Introduction> introductions_;
  std::set<int> open_;
  size_t accepted_ = 0;
  size_t threads_ = 0;
  std::thread thread_;
};

}  // namespace floodgate::e2e

#endif  // FLOODGATE_TESTS_E2E_TEST_BACKEND_H_
