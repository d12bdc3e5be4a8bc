// floodgatectl as people run it: a process, its output and its exit status.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/str_cat.h"
#include "admin/server.h"
#include "base/version.h"
#include "tests/admin/exposition.h"
#include "tests/admin/fake_control.h"
#include "tests/admin/raw_client.h"
#include "tools/admin/admin_client.h"
#include "tools/floodgatectl/commands.h"

namespace floodgate {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

struct Outcome {
  int exit_code = -1;
  std::string output;
  std::string error;
};

// One run of floodgatectl.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments,
                   const std::vector<std::string>& environment = {}) {
    std::array<int, 2> output{};
    std::array<int, 2> error{};
    EXPECT_EQ(::pipe2(output.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(error.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, error[1], STDERR_FILENO);
    std::vector<std::string> words = {FLOODGATECTL_PATH};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<std::string> variables = environment;
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::vector<char*> envp;
    for (std::string& variable : variables) envp.push_back(variable.data());
    envp.push_back(nullptr);
    EXPECT_EQ(::posix_spawn(&pid_, FLOODGATECTL_PATH, &actions, nullptr, argv.data(), envp.data()),
              0);
    posix_spawn_file_actions_destroy(&actions);
    output_.Reset(output[0]);
    error_.Reset(error[0]);
    ::close(output[1]);
    ::close(error[1]);
  }

  void Signal(int number) const { ::kill(pid_, number); }

  // Reads standard output until it has `text`. False: it ended before.
  bool AwaitOutput(const std::string& text) {
    while (read_.find(text) == std::string::npos) {
      std::array<char, 4096> buffer;
      const ssize_t count = ::read(output_.get(), buffer.data(), buffer.size());
      if (count <= 0) return false;
      read_.append(buffer.data(), static_cast<size_t>(count));
    }
    return true;
  }

  Outcome Wait() {
    Outcome outcome;
    std::thread errors([&] { ReadAll(error_.get(), outcome.error); });
    outcome.output = read_;
    ReadAll(output_.get(), outcome.output);
    errors.join();
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return outcome;
  }

 private:
  static void ReadAll(int fd, std::string& text) {
    std::array<char, 4096> buffer;
    for (ssize_t count; (count = ::read(fd, buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<size_t>(count));
    }
  }

  pid_t pid_ = -1;
  OwnedFd output_;
  OwnedFd error_;
  std::string read_;
};

Outcome RunBare(const std::vector<std::string>& arguments,
                const std::vector<std::string>& environment = {}) {
  return Process(arguments, environment).Wait();
}

class CtlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = AdminServer::Create(UniqueSocketPath(), 0600, control_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    server_->Start();
  }
  std::vector<std::string> Words(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--admin", server_->bound().ToString()});
    return arguments;
  }
  Outcome Run(const std::vector<std::string>& arguments) { return RunBare(Words(arguments)); }
  // Must succeed; its output.
  std::string Output(const std::vector<std::string>& arguments) {
    const Outcome outcome = Run(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
    EXPECT_EQ(outcome.error, "");
    return outcome.output;
  }

  FakeControl control_;
  std::unique_ptr<AdminServer> server_;
};

void ExpectFailure(const Outcome& outcome, int exit_code, const std::string& message) {
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.error;
  EXPECT_THAT(outcome.error, StartsWith("floodgatectl: "));
  EXPECT_THAT(outcome.error, HasSubstr(message));
  EXPECT_EQ(outcome.error.back(), '\n');
}

TEST_F(CtlTest, ShowsTheStatus) {
  StatusSnapshot status = control_.Status();
  status.gate = GateState::kSettling;
  status.opens_in = Duration::Milliseconds(1500);
  status.listeners = {{.port = Port::kAgent,
                       .address = "[::]:17070",
                       .state = ListenerState::kParked,
                       .queue_depth = 12,
                       .queue_limit = 4096}};
  status.ports[static_cast<size_t>(Port::kAgent)].refused[0] = 4711;
  control_.SetStatus(status);
  const std::string output = Output({"status"});
  EXPECT_THAT(output, HasSubstr("gate        settling since 2026-01-02T03:04:05Z\n"));
  EXPECT_THAT(output, HasSubstr("waits for   peergrouper\n"));
  EXPECT_THAT(output, HasSubstr("opens in    1.5 s\n"));
  EXPECT_THAT(output, HasSubstr("agent     [::]:17070  parked     12   4096\n"));
  EXPECT_THAT(output, HasSubstr("refused: source_rate                  0   4711\n"));
  EXPECT_EQ(Json::parse(Output({"--json", "status"}))["gate"]["state"], "settling");
  EXPECT_EQ(Json::parse(Output({"status", "--json"}))["gate"]["opens_in_ms"], 1500);
}

TEST_F(CtlTest, ShowsThePorts) {
  EXPECT_EQ(Output({"ports"}),
            "controller  127.0.0.1:41011\nagent       [::]:41012\n"
            "admin       unix:/x\n");
  EXPECT_EQ(Output({"--json", "ports"}),
            R"({"controller":["127.0.0.1:41011"],"agent":["[::]:41012"],"admin":["unix:/x"]})"
            "\n");
}

TEST_F(CtlTest, Signals) {
  EXPECT_EQ(Output({"signal", "peergrouper", "--server", "0=10.0.0.1:17070,10.0.0.2:17070",
                    "--server", "1"}),
            "gate settling\n");
  EXPECT_EQ(control_.signalled(),
            (PeerServers{{"0", {"10.0.0.1:17070", "10.0.0.2:17070"}}, {"1", {}}}));
  ExpectFailure(Run({"signal", "peergrouper", "--server", "7"}), 1, "gate.self_id");
  ExpectFailure(Run({"signal", "peergrouper", "--server", "=a:1"}), 2, "the id is missing");
  ExpectFailure(Run({"signal", "peergrouper", "--server", "0", "--server", "0"}), 2, "twice");
  ExpectFailure(Run({"signal", "peergrouper"}), 2, "--server");
  ExpectFailure(Run({"signal"}), 2, "subcommand");
  ExpectFailure(Run({"signal", "smoke"}), 2, "smoke");
}

TEST_F(CtlTest, OpensHoldsAndDrains) {
  EXPECT_EQ(Output({"open"}), "gate open\n");
  EXPECT_EQ(control_.Status().gate, GateState::kOpen);
  EXPECT_EQ(Output({"--json", "hold"}), "{\"gate\":\"holding\"}\n");
  EXPECT_EQ(Output({"drain"}), "gate stopping\n");
  ExpectFailure(Run({"open"}), 1, "floodgated is stopping, and its gate stays shut; ");
  ExpectFailure(Run({"hold"}), 1, "floodgated is stopping, and its gate stays shut; ");
}

TEST_F(CtlTest, ListsSources) {
  const std::string output = Output({"sources", "--top", "7"});
  EXPECT_EQ(control_.top_asked(), 7);
  EXPECT_THAT(output, HasSubstr("192.0.2.1/32        40         3     0.2            0\n"));
  ExpectFailure(Run({"sources", "--top", "0"}), 2, "--top");
  ExpectFailure(Run({"sources", "--top", "1001"}), 2, "--top");
}

TEST_F(CtlTest, Reloads) {
  EXPECT_EQ(Output({"reload"}), "applied: limits.source_rate\nneeds a restart: agent.listen\n");
  control_.SetReload({});
  EXPECT_EQ(Output({"reload"}), "nothing has changed\n");
  control_.SetReload(
      {.faults = {"f.toml:1:2: one", "f.toml:3:4: two"}, .applied = {}, .restart_needed = {}});
  const Outcome outcome = Run({"reload"});
  ExpectFailure(outcome, 1, "2 faults");
  EXPECT_THAT(outcome.error, HasSubstr("\n  f.toml:1:2: one\n  f.toml:3:4: two\n"));
  EXPECT_EQ(outcome.output, "");
  const Outcome json = Run({"--json", "reload"});
  EXPECT_EQ(json.exit_code, 1);
  EXPECT_EQ(Json::parse(json.output)["faults"].size(), 2u);
}

TEST_F(CtlTest, PrintsTheMetrics) {
  EXPECT_THAT(ParseExposition(Output({"metrics"})).faults, IsEmpty());
}

TEST_F(CtlTest, Waits) {
  EXPECT_THAT(Output({"wait", "holding"}), HasSubstr("gate        holding"));
  Process process(Words({"wait", "open", "--timeout", "1m30s"}));
  ASSERT_TRUE(control_.AwaitWaiting(1));
  control_.SetGate(GateState::kOpen);
  EXPECT_EQ(process.Wait().exit_code, 0);
}

// As in ExecStartPre of what needs the gate: it once failed where nobody listened yet.
TEST_F(CtlTest, WaitsForTheDaemonToComeUp) {
  const Endpoint address = server_->bound();
  server_->Stop();
  server_.reset();
  Process process({"--admin", address.ToString(), "wait", "open"});
  control_.SetGate(GateState::kOpen);
  auto server = AdminServer::Create(address, 0600, control_);
  ASSERT_TRUE(server.ok()) << server.status();
  (*server)->Start();
  const Outcome outcome = process.Wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
}

TEST_F(CtlTest, GoesOnWaitingThroughARestart) {
  const Endpoint address = server_->bound();
  Process process({"--admin", address.ToString(), "wait", "open"});
  ASSERT_TRUE(control_.AwaitWaiting(1));
  server_->Stop();
  server_.reset();
  control_.SetGate(GateState::kOpen);
  auto server = AdminServer::Create(address, 0600, control_);
  ASSERT_TRUE(server.ok()) << server.status();
  (*server)->Start();
  const Outcome outcome = process.Wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
}

TEST_F(CtlTest, GivesUpWaiting) {
  ExpectFailure(Run({"wait", "open", "--timeout", "20ms"}), 1,
                "the gate is holding, not open, after 20 ms; it waits for peergrouper");
  ExpectFailure(Run({"wait", "open", "--timeout", "0s"}), 1, "holding");
  ExpectFailure(Run({"wait", "opne"}), 2, "opne");
  ExpectFailure(Run({"wait"}), 2, "STATE");
  ExpectFailure(Run({"wait", "open", "--timeout", "soon"}), 2, "1m30s");
}

TEST_F(CtlTest, TopEndsOnCtrlC) {
  for (const int number : {SIGINT, SIGTERM}) {
    Process process(Words({"top", "--interval", "100ms"}));
    // The second block has rates.
    ASSERT_TRUE(process.AwaitOutput("agent/s"));
    process.Signal(number);
    const Outcome outcome = process.Wait();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
    EXPECT_EQ(outcome.error, "");
    EXPECT_THAT(outcome.output, HasSubstr("192.0.2.1/32"));
    EXPECT_EQ(outcome.output.find('\x1b'), std::string::npos) << "not a terminal";
  }
}

TEST_F(CtlTest, TopOnce) {
  EXPECT_THAT(Output({"top", "--once"}), HasSubstr("192.0.2.1/32"));
  EXPECT_EQ(Json::parse(Output({"--json", "top", "--once"}))["gate"]["state"], "holding");
  ExpectFailure(Run({"top", "--interval", "1ms"}), 2, "out of range");
}

TEST_F(CtlTest, TakesTheAddressFromTheEnvironment) {
  const std::string address = absl::StrCat("FLOODGATE_ADMIN=", server_->bound().ToString());
  EXPECT_EQ(RunBare({"ports"}, {address}).exit_code, 0);
  EXPECT_EQ(RunBare({"--admin", "unix:/nowhere", "ports"}, {address}).exit_code, 1);
}

TEST_F(CtlTest, FailsWhereItsOutputCannotBeWritten) {
  // /dev/full by the shell, which knows how to redirect.
  const std::string command = absl::StrCat(FLOODGATECTL_PATH, " --admin ",
                                           server_->bound().ToString(), " ports > /dev/full 2>&1");
  const int status = std::system(command.c_str());  // NOLINT(cert-env33-c)
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST(Ctl, SpeaksTcpAndAbstractNames) {
  for (const std::string address :
       {"127.0.0.1:0", "[::1]:0", "localhost:0", "unix:@floodgate-ctl-test"}) {
    FakeControl control;
    const std::string own =
        address.starts_with("unix") ? absl::StrCat(address, ::getpid()) : address;
    auto server = AdminServer::Create(*Endpoint::Parse(own), 0, control);
    ASSERT_TRUE(server.ok()) << server.status();
    (*server)->Start();
    const Outcome outcome = RunBare({"--admin", (*server)->bound().ToString(), "open"});
    EXPECT_EQ(outcome.exit_code, 0) << address << ": " << outcome.error;
    EXPECT_EQ(control.Status().gate, GateState::kOpen);
  }
}

TEST(Ctl, SaysWhyNobodyAnswers) {
  ExpectFailure(RunBare({"--admin", "unix:/nowhere/admin.sock", "status"}), 1,
                "no socket at unix:/nowhere/admin.sock; is floodgated running?");
  ExpectFailure(RunBare({"--admin", "unix:@nobody-is-called-so", "status"}), 1,
                "nobody listens at unix:@nobody-is-called-so");
  ExpectFailure(RunBare({"--admin", "unix:/nowhere", "wait", "open", "--timeout", "300ms"}), 1,
                "no socket at unix:/nowhere; is floodgated running?");
  ExpectFailure(RunBare({"--admin", "nonsense", "status"}), 2, "--admin nonsense");
  // The default is where the package puts it.
  ExpectFailure(RunBare({"--admin", "unix:/nowhere", "top"}), 1, "is floodgated running?");
}

// In a process of its own: root, who may connect everywhere, becomes somebody else there.
[[noreturn]] void DiagnoseAsNobody(const Endpoint& endpoint) {
  constexpr uid_t kNobody = 65'534;
  if (::geteuid() == 0 &&
      (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) {
    std::perror("cannot become nobody");
  }
  const absl::Status status = DiagnoseConnection(endpoint);
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  std::exit(status.code() == absl::StatusCode::kPermissionDenied ? 1 : 0);
}

TEST(CtlDeathTest, SaysWhoMayConnect) {
  FakeControl control;
  const Endpoint endpoint = UniqueSocketPath();
  const std::string directory = endpoint.path.substr(0, endpoint.path.rfind('/'));
  ASSERT_EQ(::chmod(directory.c_str(), 0711), 0);
  const auto refused = ::testing::ExitedWithCode(1);
  {
    auto server = AdminServer::Create(endpoint, 0000, control);
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_EXIT(DiagnoseAsNobody(endpoint), refused, "not allowed.*only its owner may connect");
  }
  if (::geteuid() == 0) {  // Anybody else owns the file, and its group's bits do not count.
    auto server = AdminServer::Create(endpoint, 0660, control);
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_EXIT(DiagnoseAsNobody(endpoint), refused, "members of group [^ ]+ may connect");
    ASSERT_EQ(::chmod(directory.c_str(), 0700), 0);
    EXPECT_EXIT(DiagnoseAsNobody(endpoint), refused, "a directory on the way");
  }
  ASSERT_EQ(::chmod(directory.c_str(), 0700), 0);
}

TEST(Ctl, HelpNamesEveryCommand) {
  const Outcome outcome = RunBare({"--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  for (const char* word : {"status", "ports", "signal", "open", "hold", "sources", "top", "reload",
                           "drain", "metrics", "wait", "--admin", "--json", "--version"}) {
    EXPECT_THAT(outcome.output, HasSubstr(word));
  }
  EXPECT_THAT(RunBare({"wait", "--help"}).output, HasSubstr("--timeout"));
}

TEST(Ctl, TellsItsVersion) {
  const Outcome outcome = RunBare({"--version"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.output, absl::StrCat("floodgatectl ", Version(), "\n"));
}

TEST(Ctl, RefusesBadUsage) {
  ExpectFailure(RunBare({}), 2, "--help");
  ExpectFailure(RunBare({"stats"}), 2, "stats");
  ExpectFailure(RunBare({"--colour", "status"}), 2, "--colour");
  ExpectFailure(RunBare({"status", "extra"}), 2, "extra");
}

TEST(SignalBody, IsTheContracts) {
  EXPECT_EQ(Json::parse(*SignalBody({"0=a:1,b:2", "1", "2="})),
            Json::parse(R"({"kind":"peergrouper","servers":{"0":{"addresses":["a:1","b:2"]},
                            "1":{"addresses":[]},"2":{"addresses":[]}}})"));
}

}  // namespace
}  // namespace floodgate
