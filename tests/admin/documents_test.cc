// The JSON documents, out and in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_replace.h"
#include "admin/page.h"
#include "admin/requests.h"
#include "admin/status_json.h"
#include "base/version.h"

namespace floodgate {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// The status of the contract, word for word, but for the values.
constexpr char kContractStatus[] = R"({
 "gate":{"state":"holding","since":"2026-01-02T03:04:05Z","waiting_for":["peergrouper"],"opens_in_ms":null},
 "engine":"io_uring","version":"…","uptime_s":1.5,
 "listeners":[{"name":"agent","address":"[::]:17070","state":"parked","queue":{"depth":12,"limit":4096}}],
 "connections":{"accepted":0,"waiting":0,"admitted":0,"active":0,"finished":0,"stale":0,"delayed":0,"patience_ms":null,
   "refused":{"source_rate":0,"source_connections":0,"connections":0,"denied":0,"overload":0,"handshake":0,"backend":0}},
 "handshakes":{"in_flight":0,"completed":0,"resumed":0,"failed":0}})";

// Every member of `expected` is in `actual` with the same type, all the way down.
void ExpectHolds(const Json& expected, const Json& actual, const std::string& where) {
  ASSERT_EQ(expected.type_name(), std::string(actual.type_name())) << where;
  if (expected.is_array() && !expected.empty()) {
    ASSERT_FALSE(actual.empty()) << where;
    ExpectHolds(expected[0], actual[0], where + "/0");
  }
  if (!expected.is_object()) return;
  for (const auto& [key, value] : expected.items()) {
    ASSERT_TRUE(actual.contains(key)) << where << "/" << key;
    ExpectHolds(value, actual[key], where + "/" + key);
  }
}

StatusSnapshot ContractSnapshot() {
  StatusSnapshot status;
  status.gate_since_unix_ms = 1'767'323'045'000;
  status.waiting_for = {"peergrouper"};
  status.engine = "io_uring";
  status.uptime = Duration::Milliseconds(1500);
  status.listeners = {{.port = Port::kAgent,
                       .address = "[::]:17070",
                       .state = ListenerState::kParked,
                       .queue_depth = 12,
                       .queue_limit = 4096}};
  return status;
}

TEST(StatusJson, HoldsTheContract) {
  const Json actual = Json::parse(StatusJson(ContractSnapshot()));
  ExpectHolds(Json::parse(kContractStatus), actual, "");
  // The members that the contract gives values for.
  Json expected = Json::parse(kContractStatus);
  expected["version"] = Version();
  for (const char* key :
       {"engine", "version", "uptime_s", "listeners", "connections", "handshakes"}) {
    EXPECT_EQ(actual[key], expected[key]) << key;
  }
  for (const auto& [key, value] : expected["gate"].items()) EXPECT_EQ(actual["gate"][key], value);
}

TEST(StatusJson, AddsUpBothPorts) {
  StatusSnapshot status = ContractSnapshot();
  PortCounters& controller = status.ports[static_cast<size_t>(Port::kController)];
  PortCounters& agent = status.ports[static_cast<size_t>(Port::kAgent)];
  uint64_t next = 1;
  for (PortCounters* port : {&controller, &agent}) {
    for (uint64_t* counter :
         {&port->accepted, &port->waiting, &port->delayed, &port->stale, &port->admitted,
          &port->handshaking, &port->active, &port->finished, &port->handshakes_completed,
          &port->handshakes_resumed, &port->handshakes_failed}) {
      *counter = next++;
    }
    for (uint64_t& counter : port->refused) counter = next++;
  }
  agent.handshakes_begun = 5;
  const Json json = Json::parse(StatusJson(status));
  EXPECT_EQ(json["ports"]["controller"]["connections"]["accepted"], controller.accepted);
  EXPECT_EQ(json["ports"]["agent"]["handshakes"]["in_flight"], agent.handshaking);
  EXPECT_EQ(json["ports"]["agent"]["handshakes"]["begun"], 5);
  const Json total = {{"connections", json["connections"]}, {"handshakes", json["handshakes"]}};
  size_t compared = 0;
  const Json flat = total.flatten();
  for (const auto& [path, value] : flat.items()) {
    if (path == "/connections/patience_ms") continue;
    const Json::json_pointer pointer(path);
    EXPECT_EQ(value.get<uint64_t>(), json["ports"]["controller"].at(pointer).get<uint64_t>() +
                                         json["ports"]["agent"][pointer].get<uint64_t>())
        << path;
    ++compared;
  }
  EXPECT_EQ(compared, 18u) << "seven counts, seven reasons, four of handshakes";
}

TEST(StatusJson, TellsWhatIsKnown) {
  StatusSnapshot status = ContractSnapshot();
  status.gate = GateState::kSettling;
  status.waiting_for.clear();
  status.opens_in = Duration::Milliseconds(1250);
  status.patience = Duration::Milliseconds(900);
  status.connections_limit = 10;
  const Json json = Json::parse(StatusJson(status));
  EXPECT_EQ(json["gate"]["state"], "settling");
  EXPECT_EQ(json["gate"]["opens_in_ms"], 1250);
  EXPECT_EQ(json["gate"]["waiting_for"], Json::array());
  EXPECT_EQ(json["connections"]["patience_ms"], 900);
  EXPECT_EQ(json["limits"], Json::parse(R"({"connections":10})"));
}

TEST(StatusJson, IsOneLine) {
  EXPECT_THAT(StatusJson(ContractSnapshot()), Not(HasSubstr("\n")));
}

TEST(WaitJson, AddsTheOutcome) {
  const Json json = Json::parse(WaitJson(ContractSnapshot(), GateState::kOpen, false));
  EXPECT_EQ(json["wait"], Json::parse(R"({"state":"open","reached":false})"));
  EXPECT_EQ(json["gate"]["state"], "holding");
}

TEST(BoundPortsJson, IsThatOfTheContract) {
  EXPECT_EQ(
      BoundPortsJson(
          {.controller = {"127.0.0.1:41011"}, .agent = {"[::]:41012"}, .admin = {"unix:/run/x"}}),
      R"({"controller":["127.0.0.1:41011"],"agent":["[::]:41012"],"admin":["unix:/run/x"]})");
  EXPECT_EQ(BoundPortsJson({}), R"({"controller":[],"agent":[],"admin":[]})");
}

TEST(SourcesJson, KeepsTheOrder) {
  const Json json = Json::parse(
      SourcesJson({{.source = "b", .admitted = 1, .refused = 9, .tokens = 0.5, .connections = 2},
                   {.source = "a"}}));
  EXPECT_EQ(json["sources"][0], Json::parse(R"({"source":"b","admitted":1,"refused":9,
                                                "tokens":0.5,"connections":2})"));
  EXPECT_EQ(json["sources"][1]["source"], "a");
  EXPECT_EQ(SourcesJson({}), R"({"sources":[]})");
}

TEST(ErrorJson, SurvivesBytesThatAreNotText) {
  const Json json = Json::parse(ErrorJson("bad \xff\xfe \"quote\"\n", "remedy"));
  EXPECT_EQ(json["error"], "bad \xEF\xBF\xBD\xEF\xBF\xBD \"quote\"\n");
}

TEST(ReloadJson, TellsEveryFault) {
  const Json json = Json::parse(ReloadJson({.faults = {"a.toml:1:2: first", "a.toml:3:4: second"},
                                            .applied = {},
                                            .restart_needed = {}}));
  EXPECT_EQ(json["faults"].size(), 2u);
  EXPECT_THAT(json["error"].get<std::string>(), HasSubstr("2 faults"));
}

TEST(FormatUnixMs, IsRfc3339InUtc) {
  EXPECT_EQ(FormatUnixMs(1'767'323'045'000), "2026-01-02T03:04:05Z");
  EXPECT_EQ(FormatUnixMs(1'767'323'045'250), "2026-01-02T03:04:05.25Z");
  EXPECT_EQ(FormatUnixMs(0), "1970-01-01T00:00:00Z");
}

TEST(ParseSignal, ReadsTheContractsExample) {
  const auto servers = ParseSignal(
      R"({"kind":"peergrouper","servers":{"0":{"addresses":["10.0.0.1:17070"]},"1":{}}})");
  ASSERT_TRUE(servers.ok()) << servers.status();
  EXPECT_EQ(*servers, (PeerServers{{"0", {"10.0.0.1:17070"}}, {"1", {}}}));
  EXPECT_TRUE(ParseSignal(R"({"kind":"peergrouper","servers":{},"later":1})").ok());
}

TEST(ParseSignal, SaysWhatIsWrongAndWhere) {
  const auto fault = [](absl::string_view body) {
    return std::string(ParseSignal(body).status().message());
  };
  EXPECT_THAT(fault(""), HasSubstr("empty"));
  EXPECT_THAT(fault("{\n  \"kind\" 1}"), HasSubstr("line 2, column 10"));
  EXPECT_THAT(fault("{"), Not(HasSubstr("json.exception")));
  EXPECT_THAT(fault("[]"), HasSubstr("not an object"));
  EXPECT_THAT(fault("{}"), HasSubstr("`kind` is missing"));
  EXPECT_THAT(fault(R"({"kind":1})"), HasSubstr("`kind` is not a string"));
  EXPECT_THAT(fault(R"({"kind":"else"})"), HasSubstr("peergrouper"));
  EXPECT_THAT(fault(R"({"kind":"peergrouper"})"), HasSubstr("`servers` is missing"));
  EXPECT_THAT(fault(R"({"kind":"peergrouper","servers":[]})"), HasSubstr("`servers` is not"));
  EXPECT_THAT(fault(R"({"kind":"peergrouper","servers":{"7":1}})"), HasSubstr("`servers.7`"));
  EXPECT_THAT(fault(R"({"kind":"peergrouper","servers":{"7":{"addresses":1}}})"),
              HasSubstr("`servers.7`"));
  EXPECT_THAT(fault(R"({"kind":"peergrouper","servers":{"7":{"addresses":[1]}}})"),
              HasSubstr("not a string"));
}

TEST(ParseSignal, StandsDeepNesting) {
  EXPECT_FALSE(ParseSignal(std::string(60'000, '[')).ok());
  EXPECT_FALSE(ParseSignal(std::string(30'000, '[') + std::string(30'000, ']')).ok());
}

TEST(ParseGateAction, KnowsTwo) {
  EXPECT_EQ(*ParseGateAction(R"({"action":"open"})"), GateAction::kOpen);
  EXPECT_EQ(*ParseGateAction(R"({"action":"hold"})"), GateAction::kHold);
  EXPECT_FALSE(ParseGateAction(R"({"action":"shut"})").ok());
  EXPECT_FALSE(ParseGateAction(R"({"action":true})").ok());
  EXPECT_FALSE(ParseGateAction("open").ok());
}

TEST(Page, IsSelfContained) {
  const Page page = MakePage();
  EXPECT_THAT(page.html, Not(HasSubstr("{{")));
  EXPECT_THAT(page.html, Not(HasSubstr("style=\"")));
  EXPECT_THAT(page.html, Not(HasSubstr("innerHTML"))) << "names from outside are text";
  // The one address in it names the language of drawings; nothing is fetched from there.
  const std::string html = absl::StrReplaceAll(page.html, {{"http://www.w3.org/2000/svg", "SVG"}});
  EXPECT_THAT(html, Not(HasSubstr("http")));
  EXPECT_THAT(html, Not(HasSubstr("src=")));
  EXPECT_NE(MakePage().content_security_policy, page.content_security_policy);
}

}  // namespace
}  // namespace floodgate
