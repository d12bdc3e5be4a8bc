// Every request of the control interface over real sockets.
#include "admin/server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "admin/router.h"
#include "tests/admin/exposition.h"
#include "tests/admin/fake_control.h"
#include "tests/admin/raw_client.h"

namespace floodgate {
namespace {

using Json = nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

// Runs over each kind of address.
class AdminServerTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const Endpoint listen =
        GetParam() == "unix" ? UniqueSocketPath() : *Endpoint::Parse(GetParam());
    absl::StatusOr<std::unique_ptr<AdminServer>> server =
        AdminServer::Create(listen, 0600, control_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    server_->Start();
  }

  RawResponse Get(const std::string& target) { return Ask(server_->bound(), "GET", target); }
  RawResponse Post(const std::string& target, const std::string& body) {
    return Ask(server_->bound(), "POST", target, body);
  }

  FakeControl control_;
  std::unique_ptr<AdminServer> server_;
};

void ExpectJsonError(const RawResponse& response, int status) {
  EXPECT_EQ(response.status, status) << response.body;
  EXPECT_THAT(response.fields, Contains(Pair("content-type", "application/json")));
  const Json json = Json::parse(response.body, nullptr, false);
  ASSERT_TRUE(json.is_object()) << response.body;
  EXPECT_FALSE(json.value("error", "").empty()) << response.body;
  EXPECT_FALSE(json.value("remedy", "").empty()) << response.body;
}

TEST_P(AdminServerTest, TellsTheStatus) {
  const RawResponse response = Get("/v1/status");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.fields, Contains(Pair("content-type", "application/json")));
  EXPECT_THAT(response.fields, Contains(Pair("cache-control", "no-store")));
  EXPECT_EQ(Json::parse(response.body)["gate"]["state"], "holding");
}

TEST_P(AdminServerTest, TellsThePorts) {
  EXPECT_EQ(Get("/v1/ports").body,
            R"({"controller":["127.0.0.1:41011"],"agent":["[::]:41012"],"admin":["unix:/x"]})");
}

TEST_P(AdminServerTest, TakesASignal) {
  const RawResponse response =
      Post("/v1/signal", R"({"kind":"peergrouper","servers":{"0":{"addresses":["a:1"]}}})");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"gate":"settling"})");
  EXPECT_EQ(control_.signalled(), (PeerServers{{"0", {"a:1"}}}));
}

TEST_P(AdminServerTest, RefusesASignalWithoutThisController) {
  const RawResponse response = Post("/v1/signal", R"({"kind":"peergrouper","servers":{"1":{}}})");
  ExpectJsonError(response, 422);
  EXPECT_THAT(response.body, HasSubstr("gate.self_id"));
}

TEST_P(AdminServerTest, RefusesAMalformedSignal) {
  const RawResponse response = Post("/v1/signal", "{\"kind\":\n]");
  ExpectJsonError(response, 400);
  EXPECT_THAT(response.body, HasSubstr("line 2, column 1"));
  ExpectJsonError(Post("/v1/signal", ""), 400);
  EXPECT_TRUE(control_.signalled().empty());
}

TEST_P(AdminServerTest, OpensAndHoldsTheGate) {
  EXPECT_EQ(Post("/v1/gate", R"({"action":"open"})").body, R"({"gate":"open"})");
  EXPECT_EQ(control_.Status().gate, GateState::kOpen);
  EXPECT_EQ(Post("/v1/gate", R"({"action":"hold"})").body, R"({"gate":"holding"})");
  EXPECT_EQ(control_.Status().gate, GateState::kHolding);
  ExpectJsonError(Post("/v1/gate", R"({"action":"shut"})"), 400);
}

// It once said 200 and did nothing.
TEST_P(AdminServerTest, RefusesToMoveTheGateWhileItStops) {
  Post("/v1/drain", "");
  for (const char* action : {"open", "hold"}) {
    const RawResponse response = Post("/v1/gate", absl::StrCat(R"({"action":")", action, R"("})"));
    ExpectJsonError(response, 409);
    EXPECT_THAT(response.body, HasSubstr("stopping"));
  }
}

TEST_P(AdminServerTest, ListsSourcesWithinBounds) {
  const RawResponse response = Get("/v1/sources");
  EXPECT_EQ(control_.top_asked(), 20);
  EXPECT_EQ(Json::parse(response.body)["sources"][0]["source"], "192.0.2.1/32");
  EXPECT_EQ(Get("/v1/sources?top=1").status, 200);
  EXPECT_EQ(Get("/v1/sources?top=1000").status, 200);
  EXPECT_EQ(control_.top_asked(), 1000);
  for (const char* bad : {"0", "1001", "-1", "x", "", "99999999999999999999"}) {
    ExpectJsonError(Get(absl::StrCat("/v1/sources?top=", bad)), 400);
  }
  EXPECT_EQ(control_.top_asked(), 1000);
}

TEST_P(AdminServerTest, Reloads) {
  EXPECT_EQ(Post("/v1/reload", "").body,
            R"({"applied":["limits.source_rate"],"restart_needed":["agent.listen"]})");
  control_.SetReload(
      {.faults = {"f.toml:1:1: one", "f.toml:2:2: two"}, .applied = {}, .restart_needed = {}});
  const RawResponse response = Post("/v1/reload", "");
  ExpectJsonError(response, 422);
  EXPECT_EQ(Json::parse(response.body)["faults"].size(), 2u);
}

TEST_P(AdminServerTest, Drains) {
  // As `curl -X POST` does it: no body and no Content-Length.
  const RawResponse response = Post("/v1/drain", "");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"gate":"stopping"})");
}

TEST_P(AdminServerTest, ServesMetrics) {
  const RawResponse response = Get("/metrics");
  EXPECT_THAT(response.fields,
              Contains(Pair("content-type", "text/plain; version=0.0.4; charset=utf-8")));
  const Exposition text = ParseExposition(response.body);
  EXPECT_THAT(text.faults, ::testing::IsEmpty());
  EXPECT_EQ(text.Value("floodgate_gate_state", {{"state", "holding"}}), 1);
  EXPECT_TRUE(text.families.contains("process_open_fds"));
}

TEST_P(AdminServerTest, IsHealthyAlwaysAndReadyOnlyWhenOpen) {
  for (const GateState state : {GateState::kHolding, GateState::kSettling, GateState::kDraining}) {
    control_.SetGate(state);
    EXPECT_EQ(Get("/healthz").status, 200);
    const RawResponse response = Get("/readyz");
    ExpectJsonError(response, 503);
    EXPECT_THAT(response.body, HasSubstr(std::string(Name(state))));
    EXPECT_THAT(response.body, HasSubstr("waits for peergrouper"));
  }
  control_.SetGate(GateState::kStopping);
  EXPECT_EQ(Get("/healthz").status, 200);
  const RawResponse stopping = Get("/readyz");
  ExpectJsonError(stopping, 503);
  EXPECT_THAT(stopping.body, HasSubstr("stopping"));
  EXPECT_THAT(stopping.body, Not(HasSubstr("/v1/gate"))) << "nothing opens it any more";
  control_.SetGate(GateState::kOpen);
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_EQ(Get("/readyz").status, 200);
}

TEST_P(AdminServerTest, ServesThePage) {
  const RawResponse response = Get("/");
  EXPECT_THAT(response.fields, Contains(Pair("content-type", "text/html; charset=utf-8")));
  EXPECT_THAT(response.fields, Contains(Pair("cache-control", "no-store")));
  EXPECT_THAT(response.fields, Contains(Pair("x-content-type-options", "nosniff")));
  const std::string policy = response.fields.at("content-security-policy");
  for (const char* rule : {"default-src 'none'", "connect-src 'self'", "base-uri 'none'",
                           "form-action 'none'", "frame-ancestors 'none'"}) {
    EXPECT_THAT(policy, HasSubstr(rule));
  }
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  const size_t begin = policy.find("'nonce-") + 7;
  const std::string nonce = policy.substr(begin, policy.find('\'', begin) - begin);
  EXPECT_GE(nonce.size(), 20u);
  EXPECT_THAT(response.body, HasSubstr("<script nonce=\"" + nonce + "\">"));
  EXPECT_THAT(response.body, HasSubstr("<style nonce=\"" + nonce + "\">"));
}

TEST_P(AdminServerTest, AnswersHeadWithoutABody) {
  for (const char* path : {"/", "/metrics", "/v1/status", "/healthz"}) {
    const RawResponse response = Ask(server_->bound(), "HEAD", path);
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_EQ(response.body, "") << path;
    EXPECT_NE(response.fields.at("content-length"), "0") << path;
  }
}

TEST_P(AdminServerTest, SaysWhatThereIsInstead) {
  const RawResponse response = Get("/v2/status");
  ExpectJsonError(response, 404);
  EXPECT_THAT(response.body, HasSubstr("/v1/status"));
  ExpectJsonError(Get("/v1/status/"), 404);
  ExpectJsonError(Get("/v1/../etc/passwd"), 404);
  ExpectJsonError(Get("/%00"), 404);
  ExpectJsonError(Get("/\xff\xfe"), 404);
}

TEST_P(AdminServerTest, SaysWhichMethodIsAllowed) {
  for (const char* method : {"GET", "HEAD", "DELETE", "PUT", "PATCH", "OPTIONS"}) {
    const RawResponse response = Ask(server_->bound(), method, "/v1/gate");
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_THAT(response.fields, Contains(Pair("allow", "POST"))) << method;
  }
  const RawResponse response = Post("/v1/status", "{}");
  ExpectJsonError(response, 405);
  EXPECT_THAT(response.fields, Contains(Pair("allow", "GET, HEAD")));
  ExpectJsonError(Ask(server_->bound(), "BREW", "/v1/gate"), 400);
}

TEST_P(AdminServerTest, BoundsBodiesAndAddresses) {
  ExpectJsonError(Post("/v1/gate", std::string(65'537, ' ')), 413);
  EXPECT_EQ(Post("/v1/gate", R"({"action":"open"})" + std::string(65'536 - 17, ' ')).status, 200);
  const RawResponse response = Get("/" + std::string(10'000, 'a'));
  ExpectJsonError(response, 414);
  ExpectJsonError(Get("/" + std::string(17'000, 'a')), 431);
}

TEST_P(AdminServerTest, TakesAnyContentType) {
  for (const char* type : {"application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                           "text/plain", "nonsense"}) {
    const RawResponse response =
        Ask(server_->bound(), "POST", "/v1/gate", R"({"action":"open"})",
            absl::StrCat("Host: localhost\r\nContent-Type: ", type, "\r\n"));
    EXPECT_EQ(response.status, 200) << type;
  }
}

TEST_P(AdminServerTest, SaysContinue) {
  RawClient client(server_->bound());
  client.Send(
      "POST /v1/gate HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
      "Content-Length: 17\r\n\r\n");
  EXPECT_EQ(client.ReadSome(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send(R"({"action":"open"})");
  EXPECT_EQ(client.ReadResponse().status, 200);
}

TEST_P(AdminServerTest, AnswersAClientThatHasClosedItsHalf) {
  RawClient client(server_->bound());
  client.Send("GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.ShutdownSend();
  EXPECT_EQ(client.ReadResponse().status, 200);
}

TEST_P(AdminServerTest, RefusesPagesFromElsewhere) {
  const auto with = [&](const std::string& fields) {
    return Ask(server_->bound(), "POST", "/v1/gate", R"({"action":"open"})", fields);
  };
  ExpectJsonError(with("Host: localhost\r\nOrigin: https://elsewhere.example\r\n"), 403);
  ExpectJsonError(with("Host: localhost\r\nOrigin: null\r\n"), 403);
  EXPECT_EQ(control_.Status().gate, GateState::kHolding);
  EXPECT_EQ(with("Host: localhost:1\r\nOrigin: http://localhost:1\r\n").status, 200);
}

TEST_P(AdminServerTest, WaitsForAState) {
  std::thread opener([&] {
    EXPECT_TRUE(control_.AwaitWaiting(1));
    control_.SetGate(GateState::kOpen);
  });
  const RawResponse response = Get("/v1/status?wait=open&timeout_ms=60000");
  opener.join();
  EXPECT_EQ(response.status, 200);
  const Json json = Json::parse(response.body);
  EXPECT_EQ(json["wait"], Json::parse(R"({"state":"open","reached":true})"));
  EXPECT_EQ(json["gate"]["state"], "open");
}

TEST_P(AdminServerTest, EndsAWaitInTime) {
  for (const char* timeout : {"0", "1", "150"}) {
    const RawResponse response = Get(absl::StrCat("/v1/status?wait=open&timeout_ms=", timeout));
    EXPECT_EQ(Json::parse(response.body)["wait"]["reached"], false);
  }
  ExpectJsonError(Get("/v1/status?wait=opne"), 400);
  ExpectJsonError(Get("/v1/status?wait="), 400);
  for (const char* bad : {"-1", "60001", "x"}) {
    ExpectJsonError(Get(absl::StrCat("/v1/status?wait=open&timeout_ms=", bad)), 400);
  }
}

TEST_P(AdminServerTest, AnswersOthersWhileAllWaitersWait) {
  std::vector<std::unique_ptr<RawClient>> waiters;
  for (int i = 0; i < Router::kWaitersMax; ++i) {
    waiters.push_back(std::make_unique<RawClient>(server_->bound()));
    waiters.back()->Send("GET /v1/status?wait=open&timeout_ms=60000 HTTP/1.1\r\n\r\n");
  }
  ASSERT_TRUE(control_.AwaitWaiting(Router::kWaitersMax));
  const RawResponse refused = Get("/v1/status?wait=open&timeout_ms=60000");
  ExpectJsonError(refused, 503);
  EXPECT_THAT(refused.fields, Contains(Pair("retry-after", "1")));
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_EQ(Get("/metrics").status, 200);
  // A waiter that goes away leaves its place to another.
  waiters[0]->Close();
  RawResponse response = refused;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (response.status == 503 && std::chrono::steady_clock::now() < deadline) {
    response = Get("/v1/status?wait=holding&timeout_ms=0");
  }
  EXPECT_EQ(response.status, 200);
  control_.SetGate(GateState::kOpen);
  for (size_t i = 1; i < waiters.size(); ++i) {
    EXPECT_EQ(Json::parse(waiters[i]->ReadResponse().body)["wait"]["reached"], true);
  }
}

TEST_P(AdminServerTest, StopEndsWaitsWithAnAnswer) {
  RawClient waiter(server_->bound());
  waiter.Send("GET /v1/status?wait=open&timeout_ms=60000 HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(control_.AwaitWaiting(1));
  server_->Stop();
  EXPECT_EQ(Json::parse(waiter.ReadResponse().body)["wait"]["reached"], false);
  server_->Stop();
}

TEST_P(AdminServerTest, ManyAskAtOnce) {
  std::vector<std::thread> askers;
  std::array<int, 8> answered{};
  for (size_t i = 0; i < answered.size(); ++i) {
    askers.emplace_back([this, i, &answered] {
      constexpr std::array<const char*, 4> kPaths = {"/metrics", "/v1/status", "/v1/sources", "/"};
      for (int round = 0; round < 25; ++round) {
        answered[i] += Get(kPaths[static_cast<size_t>(round) % kPaths.size()]).status == 200;
      }
    });
  }
  for (std::thread& asker : askers) asker.join();
  for (const int count : answered) EXPECT_EQ(count, 25);
}

INSTANTIATE_TEST_SUITE_P(Addresses, AdminServerTest,
                         ::testing::Values("unix", "127.0.0.1:0", "[::1]:0"),
                         [](const auto& address) {
                           return std::string(address.param == "unix"          ? "Unix"
                                              : address.param == "127.0.0.1:0" ? "Ipv4"
                                                                               : "Ipv6");
                         });

TEST(AdminServer, RefusesForeignNamesOnLoopback) {
  FakeControl control;
  auto server = AdminServer::Create(*Endpoint::Parse("127.0.0.1:0"), 0600, control);
  ASSERT_TRUE(server.ok());
  (*server)->Start();
  const auto status = [&](const std::string& host) {
    return Ask((*server)->bound(), "GET", "/v1/status", "", absl::StrCat("Host: ", host, "\r\n"))
        .status;
  };
  EXPECT_EQ(status("rebound.example"), 403);
  EXPECT_EQ(status("rebound.example:9070"), 403);
  EXPECT_EQ(status("localhost.example"), 403);
  EXPECT_EQ(status("127.0.0.1.example"), 403);
  EXPECT_EQ(status("127.0.0.1"), 200);
  EXPECT_EQ(status("127.0.0.1:9070"), 200);
  EXPECT_EQ(status("LOCALHOST:9070"), 200);
  EXPECT_EQ(status("[::1]:9070"), 200);
}

TEST(AdminServer, WarnsWhereOthersCanReachIt) {
  FakeControl control;
  const auto warning = [&](const std::string& text) {
    auto server = AdminServer::Create(*Endpoint::Parse(text), 0600, control);
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? (*server)->warning() : "";
  };
  EXPECT_EQ(warning("127.0.0.1:0"), "");
  EXPECT_EQ(warning("127.8.9.10:0"), "");
  EXPECT_EQ(warning("[::1]:0"), "");
  EXPECT_EQ(warning("unix:@floodgate-admin-test-warning"), "");
  EXPECT_THAT(warning("0.0.0.0:0"), HasSubstr("admin.listen"));
  EXPECT_THAT(warning("[::]:0"), HasSubstr("admin.listen"));
}

}  // namespace
}  // namespace floodgate
