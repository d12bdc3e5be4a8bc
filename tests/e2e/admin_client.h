// The control interface as a program uses it: HTTP/1.1 over the admin socket, one connection a
// request.
#ifndef FLOODGATE_TESTS_E2E_ADMIN_CLIENT_H_
#define FLOODGATE_TESTS_E2E_ADMIN_CLIENT_H_

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/e2e/wait.h"

namespace floodgate::e2e {

using Json = nlohmann::json;

struct HttpAnswer {
  int status = 0;
  std::string head;
  std::string body;
  Json json() const;  // throws if the body is none
};

class AdminClient {
 public:
  // `address`: "unix:/path" or "127.0.0.1:9070".
  explicit AdminClient(std::string address) : address_(std::move(address)) {}

  HttpAnswer Get(const std::string& path) const;
  HttpAnswer Post(const std::string& path, const std::string& body = "") const;

  // GET /v1/status. Every reading is checked: the counters of each port and their sums must fulfil
  // the equations of the control interface, or the test fails.
  Json Status() const;
  // Blocks until the gate is in that state; throws if it is not in time.
  void AwaitGate(const std::string& state) const;
  std::string GateState() const;
  void SignalPeergrouper(const std::string& id = "0") const;
  void Gate(const std::string& action) const;  // "open", "hold"

  // Reads the status until the condition holds; throws with the last reading if it never does.
  Json AwaitStatus(const std::string& what,
                   const std::function<bool(const Json& status)>& condition) const;
  // By port, of GET /v1/status: `counter` is a path such as "active" or "refused/handshake".
  uint64_t Counter(const std::string& port, const std::string& counter) const;
  void AwaitCounter(const std::string& port, const std::string& counter, uint64_t value) const;
  // The sum of the queue depths of the listeners of that name.
  uint64_t QueueDepth(const std::string& port) const;
  void AwaitQueueDepth(const std::string& port, uint64_t depth) const;

 private:
  HttpAnswer Ask(const std::string& request) const;

  std::string address_;
};

// `counter` of `port` in a status.
uint64_t CounterIn(const Json& status, const std::string& port, const std::string& counter);
uint64_t QueueDepthIn(const Json& status, const std::string& port);

}  // namespace floodgate::e2e

#endif  // FLOODGATE_TESTS_E2E_ADMIN_CLIENT_H_
