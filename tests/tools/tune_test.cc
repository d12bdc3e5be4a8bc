// floodgate-tune as a process: its audit of a host that the test spoils, in a network namespace of
// its own, and of a running floodgated there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/fd.h"
#include "tests/e2e/daemon_process.h"

namespace floodgate::tools {
namespace {

using e2e::DaemonProcess;
using e2e::Finished;
using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr int kAgents = 1000;
constexpr char kSomaxconn[] = "/proc/sys/net/core/somaxconn";

Finished Tune(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), TUNE_PATH);
  return e2e::RunToEnd(arguments);
}

// So that there is a 127.0.0.1.
bool RaiseLoopback() {
  const OwnedFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof(request.ifr_name) - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ::ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0;
}

// Moves this process into a network namespace of its own whose settings it may write; everything
// that it starts is in there, too. An error in words: this host does not permit it.
std::string EnterOwnNetwork() {
  const uid_t user = ::geteuid();
  // Without privileges it takes a user namespace in which this user is root.
  const int kinds = user == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET;
  if (::unshare(kinds) != 0) return absl::StrCat("unshare(2): ", std::strerror(errno));
  if (user != 0) e2e::WriteFile("/proc/self/uid_map", absl::StrCat("0 ", user, " 1"));
  if (!RaiseLoopback()) return absl::StrCat("raising lo: ", std::strerror(errno));
  e2e::WriteFile(kSomaxconn, "128");
  if (e2e::ReadFile(kSomaxconn) != "128\n") return absl::StrCat(kSomaxconn, " cannot be written");
  return "";
}

// By severity but "ok": the checks, and all that they ask to be set.
struct Found {
  int exit_code = -1;
  std::multimap<std::string, std::string> checks;  // severity -> check
  std::vector<json> changes;
};

Found Audit(const DaemonProcess& daemon) {
  const Finished run = Tune(
      {"audit", "--agents", absl::StrCat(kAgents), "--json", "--admin", daemon.admin_address()});
  Found found{.exit_code = run.exit_code, .checks = {}, .changes = {}};
  EXPECT_EQ(run.errors, "");
  const json document = json::parse(run.output);
  for (const json& finding : document.at("findings")) {
    if (finding.at("severity") != "ok") {
      found.checks.emplace(finding.at("severity"), finding.at("check"));
    }
    for (const json& change : finding.at("set")) found.changes.push_back(change);
  }
  return found;
}

// Does what an audit printed: settings are written, the rest is for the next start of floodgated.
void Apply(const std::vector<json>& changes, e2e::Config& config, DaemonProcess::Options& options) {
  for (const json& change : changes) {
    const std::string key = change.at("key");
    const std::string value = change.at("value");
    if (change.at("kind") == "sysctl") {
      e2e::WriteFile(absl::StrCat("/proc/sys/", absl::StrReplaceAll(key, {{".", "/"}})), value);
    } else if (change.at("kind") == "configuration") {
      config.Set(key, value);
    } else {
      ASSERT_EQ(key, "LimitNOFILE");
      uint64_t limit = 0;
      ASSERT_TRUE(absl::SimpleAtoi(value, &limit));
      options.descriptors_max = limit;
    }
  }
}

e2e::Config SmallConfig() {
  e2e::Config config;
  config.Set("controller.listen", "[\"unix:@floodgate-tune-test\"]")
      .Set("agent.listen", "[\"127.0.0.1:0\"]")
      .Set("agent.backlog", "16")
      .Set("limits.connections", "10")
      .SetText("backend.address", "unix:@floodgate-tune-backend");
  return config;
}

class TuneAuditInItsOwnNetwork : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string refused = EnterOwnNetwork(); !refused.empty()) {
      GTEST_SKIP() << "needs a network namespace of its own, which this host refuses: " << refused;
    }
  }
};

TEST_F(TuneAuditInItsOwnNetwork, WhatASpoiltHostLosesIsFoundAndWhatItPrintsMendsIt) {
  e2e::Config config = SmallConfig();
  DaemonProcess::Options options{.descriptors_max = 256};
  Found found;
  {
    const DaemonProcess daemon(config, options);
    found = Audit(daemon);
    EXPECT_EQ(found.exit_code, 1);
    EXPECT_THAT(found.checks,
                testing::UnorderedElementsAre(testing::Pair("loses-agents", "somaxconn"),
                                              testing::Pair("loses-agents", "listener"),
                                              testing::Pair("loses-agents", "descriptors"),
                                              testing::Pair("loses-agents", "connections"),
                                              testing::Pair("note", "tcp_syncookies")));
    const Finished text =
        Tune({"audit", "--agents", absl::StrCat(kAgents), "--admin", daemon.admin_address()});
    EXPECT_EQ(text.exit_code, 1);
    EXPECT_THAT(text.output, HasSubstr("loses-agents net.core.somaxconn = 128\n"));
    EXPECT_THAT(text.output, HasSubstr("loses-agents limits.connections = 10\n"));
    EXPECT_THAT(text.output, HasSubstr(absl::StrCat("agent listener ", daemon.agent(),
                                                    ": limit 16, 0 waiting\n")));
    EXPECT_THAT(text.output, HasSubstr(absl::StrCat("open files of floodgated, process ",
                                                    daemon.pid(), ": at most 256\n")));
    for (const json& change : found.changes) {
      EXPECT_THAT(text.output, HasSubstr(absl::StrCat(
                                   "\n    set: ", change.at("line").get<std::string>(), "\n")));
    }
  }
  Apply(found.changes, config, options);
  const DaemonProcess daemon(config, options);
  const Found after = Audit(daemon);
  EXPECT_EQ(after.exit_code, 0);
  EXPECT_THAT(after.checks, IsEmpty());
  EXPECT_THAT(after.changes, IsEmpty());
}

TEST_F(TuneAuditInItsOwnNetwork, AReloadIsEnoughAfterSomaxconnWasRaised) {
  e2e::Config config = SmallConfig();
  config.Set("agent.backlog", absl::StrCat(kAgents));
  const DaemonProcess daemon(config);
  const auto limit = [&daemon] {
    const json listener = daemon.admin().Status().at("listeners").back();
    EXPECT_EQ(listener.at("name"), "agent");
    return listener.at("queue").at("limit").get<int>();
  };
  EXPECT_EQ(limit(), 128);
  e2e::WriteFile(kSomaxconn, absl::StrCat(kAgents));
  EXPECT_EQ(limit(), 128);
  ASSERT_EQ(daemon.admin().Post("/v1/reload").status, 200);
  EXPECT_EQ(limit(), kAgents);
}

TEST(TuneAudit, ADaemonThatIsNotThereIsAnError) {
  const Finished run = Tune({"audit", "--agents", "5", "--admin", "unix:@floodgate-nobody"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.output, "");
  EXPECT_THAT(run.errors, StartsWith("floodgate-tune: "));
  EXPECT_THAT(run.errors, HasSubstr("is floodgated running?"));
}

// A good question to predict, with these options in the place of its own.
std::vector<std::string> Question(const std::vector<std::string>& options) {
  std::map<std::string, std::string> all = {
      {"--agents", "50"}, {"--cores", "1"}, {"--patience", "10s"}, {"--handshake-cost", "250us"}};
  for (size_t i = 0; i + 1 < options.size(); i += 2) all[options[i]] = options[i + 1];
  std::vector<std::string> arguments = {"predict"};
  for (const auto& [option, value] : all) arguments.insert(arguments.end(), {option, value});
  return arguments;
}

TEST(TunePredictProcess, OneRunForEachBacklog) {
  std::vector<std::string> arguments =
      Question({"--handshake-cost", "measure", "--key", "rsa-2048", "--backlog", "8,64"});
  const Finished table = Tune(arguments);
  EXPECT_EQ(table.exit_code, 0) << table.errors;
  EXPECT_THAT(table.output, StartsWith("50 agents at once when the gate opens, patience 10s, "));
  EXPECT_THAT(table.output, HasSubstr("50/     50"));
  arguments.emplace_back("--json");
  const Finished run = Tune(arguments);
  EXPECT_EQ(run.exit_code, 0) << run.errors;
  const json document = json::parse(run.output);
  EXPECT_EQ(document.at("handshake_measured"), "rsa-2048");
  EXPECT_GT(document.at("handshake_cost_us"), 0);
  ASSERT_EQ(document.at("settings").size(), 2U);
  EXPECT_EQ(document.at("settings").at(0).at("backlog"), 8);
  EXPECT_EQ(document.at("settings").at(1).at("backlog"), 64);
  for (const json& setting : document.at("settings")) EXPECT_EQ(setting.at("served"), 50);
}

TEST(TuneReportProcess, ADirectoryWithoutRecordsIsAnError) {
  const e2e::TemporaryDirectory directory;
  const Finished run = Tune({"report", directory.path()});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.output, "");
  EXPECT_THAT(run.errors, StartsWith(absl::StrCat("floodgate-tune: ", directory.path(), ": has ")));
  EXPECT_THAT(run.errors, HasSubstr("run one first"));
}

TEST(TuneReportProcess, ALineThatIsNoRecordIsAnErrorThatNamesIt) {
  const e2e::TemporaryDirectory directory;
  e2e::WriteFile(directory.File("comparisons.jsonl"), "{}\n");
  const Finished run = Tune({"report", directory.path()});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.errors, HasSubstr("comparisons.jsonl:1"));
}

TEST(TuneUsage, HelpAndVersion) {
  const Finished help = Tune({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, HasSubstr("audit"));
  EXPECT_THAT(help.output, HasSubstr("predict"));
  EXPECT_THAT(help.output, HasSubstr("report"));
  const Finished report = Tune({"report", "--help"});
  EXPECT_EQ(report.exit_code, 0);
  EXPECT_THAT(report.output, HasSubstr("report [OPTIONS] DIR\n"));
  EXPECT_THAT(report.output, testing::Not(HasSubstr("DIR DIR")));
  const Finished version = Tune({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.output, StartsWith("floodgate-tune "));
}

TEST(TuneUsage, TheHelpOfEachCommandHasTheExitStatusAndTheLimitsOfDurations) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
      {"audit", {}},
      {"predict",
       {"--patience DURATION (1us to 8760h)", "--handshake-cost DURATION (1us to 10s)|measure",
        "--limit DURATION (1us to 24h)"}},
      {"recommend",
       {"--patience DURATION (1us to 8760h)", "--recovery DURATION (1us to 24h)",
        "--parked DURATION (1us to 1h)"}},
      {"report", {}},
      {"sweep", {"--patience DURATION (1us to 8760h)", "--limit DURATION (1us to 24h)"}},
  };
  for (const auto& [command, types] : cases) {
    const Finished help = Tune({command, "--help"});
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_THAT(help.output, HasSubstr("2 bad usage, 130 interrupted by Ctrl-C, 143 by SIGTERM"));
    for (const std::string& type : types) EXPECT_THAT(help.output, HasSubstr(type)) << command;
  }
}

TEST(TuneUsage, MistakesAreToldWithTheirRemedy) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "subcommand is required"},
      {{"frobnicate"}, "frobnicate is not known here"},
      {{"audit"}, "--agents is required"},
      {{"audit", "--agents", "0"}, "not in range 1 to 1000000"},
      {{"audit", "--agents", "1000001"}, "not in range 1 to 1000000"},
      {{"audit", "--agents", "5", "--admin", "nohost"}, "--admin: nohost: the port is missing"},
      {{"predict", "--agents", "5"}, "is required"},
      {{"report"}, "DIR is required"},
      {{"report", "a", "b"}, "b is not known here"},
      {Question({"--patience", "soon"}), "write 3s, exp:3s or 500ms/30s"},
      {Question({"--patience", "1.5s"}),
       "each time 1us to 8760h, in whole numbers with their units: 1500ms, not 1.5s"},
      {Question({"--retry", "never"}), "write none, immediate, fixed"},
      {Question({"--handshake-cost", "0s"}), "\"0s\" is no duration of 1us to 10s; write whole"},
      {Question({"--handshake-cost", "11s"}), "\"11s\" is no duration of 1us to 10s; write whole"},
      {Question({"--handshake-cost", "0.25ms"}), "largest first: 250us, 1500ms, 2s or 1m30s"},
      {Question({"--limit", "24h1us"}), "no duration of 1us to 24h"},
      {Question({"--cores", "65"}), "not in range 1 to 64"},
      {Question({"--backlog", "16,0"}), "not in range 1 to 1000000"},
      {Question({"--key", "ecdsa"}), "is of --handshake-cost measure alone"},
      {Question({"--handshake-cost", "measure", "--key", "dsa"}), "--key"},
  };
  for (const auto& [arguments, message] : cases) {
    const Finished run = Tune(arguments);
    EXPECT_EQ(run.exit_code, 2) << message;
    EXPECT_EQ(run.output, "");
    EXPECT_THAT(run.errors, StartsWith("floodgate-tune: "));
    EXPECT_THAT(run.errors, HasSubstr(message));
  }
}

}  // namespace
}  // namespace floodgate::tools
