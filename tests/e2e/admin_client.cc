#include "tests/e2e/admin_client.h"

#include <gtest/gtest.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/e2e/client.h"

namespace floodgate::e2e {
namespace {

uint64_t At(const Json& counters, const char* name) {
  return counters.at(name).get<uint64_t>();
}

// What the control interface promises of its counters at every moment.
void ExpectEquations(const Json& connections, const Json& handshakes, const std::string& where) {
  uint64_t before_admission = 0;
  for (const auto& [reason, count] : connections.at("refused").items()) {
    if (reason != "handshake" && reason != "backend") before_admission += count.get<uint64_t>();
  }
  EXPECT_EQ(At(connections, "accepted"), At(connections, "waiting") + At(connections, "delayed") +
                                             At(connections, "stale") + before_admission +
                                             At(connections, "admitted"))
      << where << ": " << connections;
  EXPECT_EQ(At(connections, "admitted"), At(handshakes, "in_flight") + At(connections, "active") +
                                             At(connections, "finished") +
                                             At(connections.at("refused"), "handshake") +
                                             At(connections.at("refused"), "backend"))
      << where << ": " << connections << handshakes;
}

}  // namespace

Json HttpAnswer::json() const {
  Json parsed = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  Require(!parsed.is_discarded(), absl::StrCat("no JSON, status ", status, ": ", body));
  return parsed;
}

HttpAnswer AdminClient::Ask(const std::string& request) const {
  Client client = Client::Connect(address_);
  client.Send(request);
  const std::string text = client.ReceiveAll();
  const size_t end = text.find("\r\n\r\n");
  HttpAnswer answer;
  Require(end != std::string::npos && text.size() > 12 &&
              absl::SimpleAtoi(text.substr(9, 3), &answer.status),
          "no HTTP answer: " + text);
  answer.head = text.substr(0, end);
  answer.body = text.substr(end + 4);
  return answer;
}

HttpAnswer AdminClient::Get(const std::string& path) const {
  return Ask(
      absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
}

HttpAnswer AdminClient::Post(const std::string& path, const std::string& body) const {
  return Ask(absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
                          "Content-Type: application/json\r\nContent-Length: ", body.size(),
                          "\r\n\r\n", body));
}

Json AdminClient::Status() const {
  const HttpAnswer answer = Get("/v1/status");
  Require(answer.status == 200, "GET /v1/status: " + answer.head);
  Json status = answer.json();
  ExpectEquations(status.at("connections"), status.at("handshakes"), "in all");
  for (const auto& [port, counters] : status.at("ports").items()) {
    ExpectEquations(counters.at("connections"), counters.at("handshakes"), port);
  }
  return status;
}

void AdminClient::AwaitGate(const std::string& state) const {
  const Deadline deadline;
  const HttpAnswer answer =
      Get(absl::StrCat("/v1/status?wait=", state, "&timeout_ms=", deadline.left_ms()));
  Require(answer.status == 200 && answer.json().at("wait").at("reached") == true,
          absl::StrCat("the gate is not ", state, ": ", answer.body));
}

std::string AdminClient::GateState() const {
  return Status().at("gate").at("state");
}

void AdminClient::SignalPeergrouper(const std::string& id) const {
  const Json signal = {{"kind", "peergrouper"}, {"servers", {{id, Json::object()}}}};
  const HttpAnswer answer = Post("/v1/signal", signal.dump());
  Require(answer.status == 200, "signal: " + answer.body);
}

void AdminClient::Gate(const std::string& action) const {
  const HttpAnswer answer = Post("/v1/gate", Json{{"action", action}}.dump());
  Require(answer.status == 200, "gate: " + answer.body);
}

Json AdminClient::AwaitStatus(const std::string& what,
                              const std::function<bool(const Json& status)>& condition) const {
  Json status;
  const bool held = Eventually([&] {
    status = Status();
    return condition(status);
  });
  Require(held, absl::StrCat("never came: ", what, "; the last status is ", status.dump()));
  return status;
}

uint64_t CounterIn(const Json& status, const std::string& port, const std::string& counter) {
  const Json::json_pointer path(absl::StrCat("/", counter));
  const Json& counters = status.at("ports").at(port);
  if (counters.at("connections").contains(path)) return counters["connections"][path];
  return counters.at("handshakes").at(path);
}

uint64_t QueueDepthIn(const Json& status, const std::string& port) {
  uint64_t depth = 0;
  for (const Json& listener : status.at("listeners")) {
    if (listener.at("name") == port) depth += listener.at("queue").at("depth").get<uint64_t>();
  }
  return depth;
}

uint64_t AdminClient::Counter(const std::string& port, const std::string& counter) const {
  return CounterIn(Status(), port, counter);
}

void AdminClient::AwaitCounter(const std::string& port, const std::string& counter,
                               uint64_t value) const {
  AwaitStatus(absl::StrCat(port, " ", counter, " = ", value),
              [&](const Json& status) { return CounterIn(status, port, counter) == value; });
}

uint64_t AdminClient::QueueDepth(const std::string& port) const {
  return QueueDepthIn(Status(), port);
}

void AdminClient::AwaitQueueDepth(const std::string& port, uint64_t depth) const {
  AwaitStatus(absl::StrCat(depth, " in the queue of ", port),
              [&](const Json& status) { return QueueDepthIn(status, port) == depth; });
}

}  // namespace floodgate::e2e
