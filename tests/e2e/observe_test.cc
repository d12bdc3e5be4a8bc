// What operators look at: log, metrics, page, and the tools that they already have.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/e2e/engine_test.h"

namespace floodgate::e2e {
namespace {

class ObserveTest : public EngineTest {};
FLOODGATE_ON_EVERY_ENGINE(ObserveTest);

TEST_P(ObserveTest, EveryLineOfTheJsonLogIsAnObject) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(TlsConfig(backend)).SetText("runtime.log_format", "json"));
  Client client = Client::Connect(daemon.agent());
  client.Send("\xff\xfe no hello and no UTF-8");
  client.FinishSending();
  client.AwaitEnd();
  daemon.Stop();
  size_t lines = 0;
  const std::string log = daemon.Log();
  for (const auto line : absl::StrSplit(absl::StripSuffix(log, "\n"), '\n')) {
    const Json entry = Json::parse(line, nullptr, false);
    ASSERT_TRUE(entry.is_object()) << line;
    for (const char* key : {"time", "level", "event", "message"}) {
      EXPECT_TRUE(entry.contains(key)) << key << ": " << line;
    }
    ++lines;
  }
  EXPECT_GE(lines, 4U);
}

TEST_P(ObserveTest, RefusalsAreSummedUpAndNotOneLineEach) {
  TestBackend backend;
  DaemonProcess daemon(OnePhase(PlainConfig(backend))
                           .Set("agent.deny", "[\"127.0.0.9/32\"]")
                           .SetText("runtime.log", "info"));
  for (int i = 0; i < 200; ++i) Client::Connect(daemon.agent(), "127.0.0.9").AwaitEnd();
  daemon.Stop();
  const std::vector<std::string> lines = absl::StrSplit(daemon.Log(), '\n');
  EXPECT_LT(lines.size(), 30U);
  EXPECT_TRUE(absl::StrContains(daemon.Log(), "denied")) << daemon.Log();
}

TEST_P(ObserveTest, TheMetricsHaveEveryNameOfTheContract) {
  TestBackend backend;
  DaemonProcess daemon(TlsConfig(backend).SetText("limits.patience", "10s"));
  daemon.admin().Gate("open");
  ASSERT_TRUE(TlsClient::Connect(daemon.agent()).Echoes("hello"));
  daemon.admin().AwaitCounter("agent", "finished", 1);
  const HttpAnswer answer = daemon.admin().Get("/metrics");
  EXPECT_EQ(answer.status, 200);
  for (const char* sample :
       {"gate_state{state=\"open\"} 1",
        "gate_state{state=\"holding\"} 0",
        "gate_open_seconds ",
        "listener_queue_depth{listener=\"agent\"} 0",
        "listener_queue_limit{listener=\"controller\"} ",
        "listen_overflows_total ",
        "connections_accepted_total{listener=\"agent\"} 1",
        "connections_admitted_total{listener=\"agent\"} 1",
        "connections_refused_total{listener=\"agent\",reason=\"source_rate\"} 0",
        "connections_refused_total{listener=\"agent\",reason=\"backend\"} 0",
        "connections_stale_total 0",
        "connections_waiting 0",
        "connections_delayed 0",
        "agent_patience_seconds 10",
        "connections_active{listener=\"agent\"} 0",
        "connection_queue_seconds_bucket{le=\"+Inf\"} ",
        "connection_queue_seconds_sum ",
        "connection_queue_seconds_count ",
        "handshakes_in_flight 0",
        "handshakes_total{listener=\"agent\",result=\"full\"} 1",
        "handshake_seconds_count 1",
        "backend_connect_seconds_count 1",
        "backend_errors_total 0",
        "relay_bytes_total{direction=\"to_backend\"} ",
        "sources_tracked ",
        "sources_evicted_total 0"}) {
    EXPECT_TRUE(absl::StrContains(answer.body, absl::StrCat("\nfloodgate_", sample))) << sample;
  }
  for (const char* sample : {"process_cpu_seconds_total ", "process_open_fds ", "process_max_fds ",
                             "process_resident_memory_bytes ", "process_start_time_seconds "}) {
    EXPECT_TRUE(absl::StrContains(answer.body, absl::StrCat("\n", sample))) << sample;
  }
}

TEST_P(ObserveTest, StatusNamesItsEngineAndItsListeners) {
  TestBackend backend;
  DaemonProcess daemon(PlainConfig(backend));
  const Json holding = daemon.admin().Status();
  EXPECT_EQ(holding.at("engine"), GetParam());
  const auto state_of = [](const Json& status, const std::string& name) -> std::string {
    for (const Json& listener : status.at("listeners")) {
      if (listener.at("name") == name) return listener.at("state");
    }
    return "missing";
  };
  EXPECT_EQ(state_of(holding, "agent"), "parked");
  EXPECT_EQ(state_of(holding, "controller"), "accepting");
  EXPECT_TRUE(holding.at("gate").at("opens_in_ms").is_null());
  daemon.admin().Gate("open");
  daemon.admin().AwaitGate("open");
  EXPECT_EQ(state_of(daemon.admin().Status(), "agent"), "accepting");
}

TEST_P(ObserveTest, CurlGetsAnAnswerFromTheBackendAndFromTheControlInterface) {
  TestBackend backend(TestBackend::AnswerHttp);
  DaemonProcess daemon(OnePhase(TlsConfig(backend)));
  const Finished answer =
      RunToEnd({"curl", "--silent", "--show-error", "--cacert", files().File("server.pem"),
                "--interface", "127.0.0.1", absl::StrCat("https://", daemon.agent(), "/")});
  EXPECT_EQ(answer.exit_code, 0) << answer.errors;
  EXPECT_TRUE(absl::StartsWith(answer.output, "127.0.0.1:")) << answer.output;
  const std::string socket(absl::StripPrefix(daemon.admin_address(), "unix:"));
  const Finished status =
      RunToEnd({"curl", "--silent", "--unix-socket", socket, "http://localhost/v1/status"});
  EXPECT_EQ(Json::parse(status.output).at("gate").at("state"), "open");
}

TEST_P(ObserveTest, OpensslsClientShakesHands) {
  TestBackend backend(TestBackend::AnswerHttp);
  DaemonProcess daemon(OnePhase(TlsConfig(backend)));
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    const Finished client =
        RunToEnd({"openssl", "s_client", "-connect", daemon.agent(), "-CAfile",
                  files().File("server.pem"), "-verify_return_error", "-brief", version});
    EXPECT_EQ(client.exit_code, 0) << client.errors;
    EXPECT_TRUE(absl::StrContains(client.errors + client.output, "Verification: OK"))
        << client.errors;
  }
}

}  // namespace
}  // namespace floodgate::e2e
