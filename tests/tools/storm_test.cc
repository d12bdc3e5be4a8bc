// floodgate-storm as a process against small servers: whatever they do to it, its figures add up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/wait.h"
#include "tests/tools/small_server.h"
#include "tests/tools/storm_process.h"

namespace floodgate::tools {
namespace {

using Outcomes = std::map<std::string, uint64_t>;
using testing::HasSubstr;

// Somebody listens, nobody accepts.
BoundListener Parked(int backlog) {
  BoundListener listener = BindLoopback();
  e2e::Require(::listen(listener.fd.get(), backlog) == 0, "listen");
  return listener;
}

// An empty answer, then wait: for agents that only want the connection.
void Stay(int fd) {
  WaitForClose(fd);
}

TEST(Storm, CountsRequestsThatAreAnswered) {
  SmallServer server([](int fd) { AnswerHttp(fd, kAnswerOk); });
  const StormRun run = RunStorm({"--mode", "http", "--agents", "50", server.target()});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.Outcomes(), (Outcomes{{"served", 50}}));
  EXPECT_EQ(run.Count("agents_served"), 50U);
  EXPECT_EQ(run.Count("agents_unserved"), 0U);
  EXPECT_EQ(run.Count("bytes_received"), 50 * std::string(kAnswerOk).size());
  EXPECT_EQ(run.LatencyCount("first_byte"), 50U);
  EXPECT_EQ(run.json.at("ended_by"), "done");
  EXPECT_GT(run.json.at("goodput_per_s"), 0);
  EXPECT_EQ(server.accepted(), 50U);
}

TEST(Storm, JudgesAnswers) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "bad_answer"},
      {"HTTP/1.1 404 Gone\r\n\r\nuntil the end", "bad_answer"},
      {"220 mail.example ESMTP\r\n\r\n", "bad_answer"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "answer_cut_off"},
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "served"},
      {"HTTP/1.1 302 There\r\nContent-Length: 0\r\n\r\n", "served"},
  };
  for (const auto& [answer, outcome] : cases) {
    const std::string& text = answer;
    SmallServer server([text](int fd) { AnswerHttp(fd, text); });
    const StormRun run = RunStorm({"--mode", "http", "--agents", "5", server.target()});
    EXPECT_EQ(run.Outcomes(), (Outcomes{{outcome, 5}})) << answer;
  }
}

TEST(Storm, CountsFullHandshakes) {
  TlsServerContext tls;
  SmallServer server([&tls](int fd) { tls.Serve(fd, kAnswerOk); });
  for (const std::string version : {"1.2", "1.3"}) {
    const StormRun run =
        RunStorm({"--mode", "https", "--agents", "20", "--tls-version", version, server.target()});
    EXPECT_EQ(run.Outcomes(), (Outcomes{{"served", 20}}));
    EXPECT_EQ(run.json.at("handshakes").at("full"), 20);
    EXPECT_EQ(run.LatencyCount("first_byte"), 20U);
  }
  const StormRun run = RunStorm({"--mode", "tls", "--agents", "20", server.target()});
  EXPECT_EQ(run.Outcomes(), (Outcomes{{"served", 20}}));
  EXPECT_EQ(run.LatencyCount("first_byte"), 0U);
}

// OpenSSL marks a session as not resumable when a connection ends without close_notify. Agents that
// shared one session made full handshakes from then on, and "resumed" figures were those of full
// handshakes.
TEST(Storm, ResumesEachHandshakeHoweverAgentsLeave) {
  TlsServerContext tls;
  SmallServer server([&tls](int fd) { tls.Serve(fd, kAnswerOk); });
  for (const std::string version : {"1.2", "1.3"}) {
    for (const std::string leave : {"--close-by-reset", "--retry-cap=10s"}) {
      const StormRun run = RunStorm({"--mode", "https-resumed", "--agents", "40", "--concurrency",
                                     "4", "--tls-version", version, leave, server.target()});
      EXPECT_EQ(run.Outcomes(), (Outcomes{{"served", 40}}));
      EXPECT_EQ(run.json.at("handshakes").at("resumed"), 40) << version << leave;
    }
  }
}

TEST(Storm, SaysWhenThereIsNoSessionToResume) {
  SmallServer server([](int fd) { ReadUntil(fd, "\x01"); });
  const e2e::Finished done =
      e2e::RunToEnd(StormCommand({"--mode", "tls-resumed", "--agents", "1", server.target()}));
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.errors, HasSubstr("no session to resume"));
}

TEST(Storm, TellsFailuresApart) {
  struct Case {
    const char* mode;
    const char* outcome;
    SmallServer::Handler handler;
  };
  const std::string record_head("\x16\x03\x03\x00\x7a", 5);
  const std::vector<Case> cases = {
      {"tls", "reset_before_tls", MakeResetOnClose},
      {"tls", "reset_in_handshake",
       [record_head](int fd) {
         ReadUntil(fd, "localhost");  // The server's name in the hello.
         SendAll(fd, record_head);
         MakeResetOnClose(fd);
       }},
      {"tls", "closed_before_tls",
       [](int fd) {
         ReadUntil(fd, "localhost");
         ::shutdown(fd, SHUT_WR);
         WaitForClose(fd);
       }},
      {"tls", "closed_in_handshake",
       [record_head](int fd) {
         ReadUntil(fd, "localhost");
         SendAll(fd, record_head);
         ::shutdown(fd, SHUT_WR);
         WaitForClose(fd);
       }},
      {"tls", "tls_error",
       [](int fd) {
         SendAll(fd, "this is a greeting in plain text\n");
         WaitForClose(fd);
       }},
      {"hello", "reset_before_answer", MakeResetOnClose},
      {"hello", "closed_before_answer", [](int fd) { ReadUntil(fd, "hello\n"); }},
      {"http", "closed_before_answer", [](int fd) { ReadUntil(fd, "\r\n\r\n"); }},
      {"wait", "served", [](int fd) { SendAll(fd, "220 welcome\r\n"); }},
      {"hello", "served",
       [](int fd) {
         if (!ReadUntil(fd, "hello\n").empty()) SendAll(fd, "hi");
       }},
  };
  for (const Case& one : cases) {
    SmallServer server(one.handler);
    const StormRun run = RunStorm({"--mode", one.mode, "--agents", "10", server.target()});
    EXPECT_EQ(run.Outcomes(), (Outcomes{{one.outcome, 10}}));
    EXPECT_EQ(run.Count("connected"), 10U) << one.outcome;
    EXPECT_EQ(run.json.at("first_error") != "", one.outcome == std::string("tls_error"));
  }
}

TEST(Storm, CountsTheRefusedAndTheirRetries) {
  const BoundListener nobody = BindLoopback();  // Bound, not listening.
  const StormRun once = RunStorm({"--mode", "tcp", "--agents", "7", nobody.target});
  EXPECT_EQ(once.Outcomes(), (Outcomes{{"refused", 7}}));
  EXPECT_EQ(once.Count("connected"), 0U);
  EXPECT_EQ(once.Count("retries"), 0U);
  EXPECT_EQ(once.Count("agents_unserved"), 7U);
  for (const std::string retry : {"immediate", "full-jitter"}) {
    const StormRun run =
        RunStorm({"--mode", "tcp", "--agents", "7", "--retry", retry, "--retry-base", "1ms",
                  "--retry-cap", "4ms", "--attempts-max", "4", nobody.target});
    EXPECT_EQ(run.Outcomes(), (Outcomes{{"refused", 28}})) << retry;
    EXPECT_EQ(run.Count("retries"), 21U) << retry;
  }
}

TEST(Storm, RetriesUntilServed) {
  // The first connection of each agent is turned away.
  std::mutex mutex;
  int seen = 0;
  SmallServer server([&](int fd) {
    {
      const std::scoped_lock lock(mutex);
      if (seen++ < 10) return MakeResetOnClose(fd);
    }
    AnswerHttp(fd, kAnswerOk);
  });
  const StormRun run = RunStorm({"--mode", "http", "--agents", "10", "--retry", "full-jitter",
                                 "--retry-base", "2ms", "--require-served", server.target()});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.Outcomes(), (Outcomes{{"reset_before_answer", 10}, {"served", 10}}));
  EXPECT_EQ(run.Count("retries"), 10U);
  EXPECT_EQ(run.Count("agents_served"), 10U);
}

TEST(Storm, ParkedAgentsRunOutOfPatienceOrTime) {
  const BoundListener listener = Parked(64);
  const std::string& target = listener.target;
  EXPECT_EQ(RunStorm({"--mode", "tls", "--agents", "5", "--patience", "60ms", target}).Outcomes(),
            (Outcomes{{"patience_in_handshake", 5}}));
  EXPECT_EQ(RunStorm({"--mode", "tls", "--agents", "5", "--handshake-timeout", "60ms", target})
                .Outcomes(),
            (Outcomes{{"handshake_timeout", 5}}));
  EXPECT_EQ(RunStorm({"--mode", "wait", "--agents", "5", "--patience", "60ms", target}).Outcomes(),
            (Outcomes{{"patience_in_answer", 5}}));
  EXPECT_EQ(RunStorm({"--mode", "hello", "--agents", "5", "--first-byte-timeout", "60ms", target})
                .Outcomes(),
            (Outcomes{{"first_byte_timeout", 5}}));
  EXPECT_EQ(RunStorm({"--mode", "tcp", "--agents", "5", target}).Outcomes(),
            (Outcomes{{"served", 5}}));
  const StormRun run = RunStorm({"--mode", "tls", "--agents", "5", "--duration", "60ms", target});
  EXPECT_EQ(run.Outcomes(), (Outcomes{{"unfinished", 5}}));
  EXPECT_EQ(run.json.at("ended_by"), "duration");
}

// A listener's queue of none holds one connection; the others' SYNs go unanswered.
TEST(Storm, ConnectsThatAreNotAnsweredTimeOut) {
  const BoundListener listener = Parked(0);
  const StormRun timed =
      RunStorm({"--mode", "tcp", "--agents", "8", "--connect-timeout", "200ms", listener.target});
  EXPECT_GE(timed.Outcomes()["connect_timeout"], 1U);
  EXPECT_EQ(timed.Outcomes()["connect_timeout"] + timed.Outcomes()["served"], 8U);
  const StormRun impatient =
      RunStorm({"--mode", "tcp", "--agents", "4", "--patience", "200ms", listener.target});
  EXPECT_EQ(impatient.Outcomes(), (Outcomes{{"patience_in_connect", 4}}));
}

TEST(Storm, SomeGiveUpAndStayAway) {
  const BoundListener listener = Parked(64);
  const StormRun run =
      RunStorm({"--mode", "tls", "--agents", "20", "--give-up", "25", "--give-up-after", "40ms",
                "--patience", "300ms", "--retry", "immediate", "--attempts-max", "2",
                "--require-served", listener.target});
  EXPECT_EQ(run.Outcomes(), (Outcomes{{"gave_up", 5}, {"patience_in_handshake", 30}}));
  EXPECT_EQ(run.Count("agents_unserved"), 15U);
  EXPECT_EQ(run.exit_code, 1);
}

TEST(Storm, FaultyAgentsAreCountedApart) {
  TlsServerContext tls;
  SmallServer server([&tls](int fd) { tls.Serve(fd, kAnswerOk); });
  const StormRun run =
      RunStorm({"--mode", "https", "--agents", "20", "--silent", "10", "--garbage", "15", "--reset",
                "20", "--patience", "3s", "--require-served", server.target()});
  EXPECT_EQ(run.exit_code, 0) << run.json;
  EXPECT_EQ(run.Outcomes(),
            (Outcomes{{"served", 11}, {"fault_ended_by_server", 3}, {"fault_ended_by_agent", 6}}));
  EXPECT_EQ(run.Count("agents_faulty"), 9U);
  EXPECT_EQ(run.Count("agents_served"), 11U);
}

TEST(Storm, AgentsComeFromTheirSources) {
  SmallServer server(Stay);
  RunStorm({"--mode", "tcp", "--agents", "40", "--sources", "20", server.target()});
  RunStorm({"--mode", "tcp", "--agents", "12", "--sources", "127.9.8.0/29", server.target()});
  ASSERT_TRUE(e2e::Eventually([&server] { return server.accepted() == 52; }));
  std::map<std::string, int> connections;
  for (const std::string& peer : server.peers()) ++connections[peer];
  std::map<std::string, int> expected;
  for (int i = 1; i <= 20; ++i) expected[absl::StrCat("127.1.0.", i)] = 2;
  for (int i = 1; i <= 6; ++i) expected[absl::StrCat("127.9.8.", i)] = 2;
  EXPECT_EQ(connections, expected);
}

TEST(Storm, TakesTargetsInTurnUnixSocketsAmongThem) {
  const auto answer = [](int fd) { AnswerHttp(fd, kAnswerOk); };
  SmallServer tcp(answer);
  // A queue of one: most connects find it full and are tried again.
  SmallServer local(BindAbstract(absl::StrCat("floodgate-storm-test-", ::getpid())), answer, 1);
  const StormRun run = RunStorm({"--mode", "http", "--agents", "60", tcp.target(), local.target()});
  EXPECT_EQ(run.Outcomes(), (Outcomes{{"served", 60}}));
  EXPECT_EQ(tcp.accepted(), 30U);
  EXPECT_EQ(local.accepted(), 30U);
}

TEST(Storm, BoundsAttemptsConcurrencyAndRate) {
  SmallServer server([](int fd) { AnswerHttp(fd, kAnswerOk); });
  const StormRun counted =
      RunStorm({"--mode", "http", "--agents", "4", "--attempts", "101", server.target()});
  EXPECT_EQ(counted.Outcomes(), (Outcomes{{"served", 101}}));
  EXPECT_EQ(counted.Count("agents_served"), 4U);
  EXPECT_EQ(counted.Count("retries"), 0U);
  EXPECT_EQ(counted.json.at("ended_by"), "attempts");
  EXPECT_LE(counted.Count("open_max"), 4U);
  const StormRun narrow =
      RunStorm({"--mode", "http", "--agents", "30", "--concurrency", "3", server.target()});
  EXPECT_EQ(narrow.Outcomes(), (Outcomes{{"served", 30}}));
  EXPECT_LE(narrow.Count("open_max"), 3U);
  const StormRun slow =
      RunStorm({"--mode", "http", "--agents", "11", "--rate", "100", server.target()});
  EXPECT_EQ(slow.Outcomes(), (Outcomes{{"served", 11}}));
  EXPECT_GE(slow.json.at("elapsed_s"), 0.1);
}

TEST(Storm, ServedAgentsStay) {
  SmallServer server(Stay);
  const StormRun run =
      RunStorm({"--mode", "tcp", "--agents", "15", "--hold", "200ms", server.target()});
  EXPECT_EQ(run.Outcomes(), (Outcomes{{"served", 15}}));
  EXPECT_EQ(run.Count("open_max"), 15U);
  EXPECT_EQ(run.Count("closed_while_held"), 0U);
  EXPECT_GE(run.json.at("elapsed_s"), 0.2);
}

TEST(Storm, CountsThoseCutOffWhileTheyStay) {
  SmallServer cuts([](int) {});
  const StormRun cut = RunStorm({"--mode", "tcp", "--agents", "5", "--hold", "50s", cuts.target()});
  EXPECT_EQ(cut.Count("closed_while_held"), 5U);
  EXPECT_EQ(cut.json.at("ended_by"), "done");  // Nobody waits for the end of a connection's hold.
  EXPECT_LT(cut.json.at("elapsed_s"), 25);
  // A server that says so beforehand cuts nobody off.
  SmallServer says([](int fd) {
    AnswerHttp(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
  const StormRun said =
      RunStorm({"--mode", "http", "--agents", "5", "--hold", "50s", says.target()});
  EXPECT_EQ(said.Count("closed_while_held"), 0U);
  EXPECT_LT(said.json.at("elapsed_s"), 25);
}

TEST(Storm, ReportsWhenInterrupted) {
  SmallServer server(Stay);
  const e2e::TemporaryDirectory directory;
  e2e::ChildProcess storm({.arguments = StormCommand({"--mode", "tcp", "--agents", "9", "--hold",
                                                      "forever", "--json", server.target()}),
                           .output_path = directory.File("output"),
                           .errors_path = directory.File("errors"),
                           .inherited_fd = -1,
                           .descriptors_max = std::nullopt});
  ASSERT_TRUE(e2e::Eventually([&server] { return server.accepted() == 9; }));
  storm.Signal(SIGINT);
  const std::optional<int> status = storm.Wait();
  ASSERT_TRUE(status.has_value());
  const StormRun run = ReadStorm(WIFEXITED(*status) ? WEXITSTATUS(*status) : -1,
                                 e2e::ReadFile(directory.File("output")), "");
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.json.at("ended_by"), "interrupt");
  EXPECT_EQ(run.Count("attempts"), 9U);
}

TEST(Storm, TheSameSeedCastsTheSameRoles) {
  // Seen from outside: the sources of those who say something.
  std::vector<std::set<std::string>> talkers;
  for (const std::string seed : {"5", "5", "6"}) {
    std::mutex mutex;
    std::set<std::string> talked;
    SmallServer server([&](int fd) {
      const std::string peer = PeerOf(fd);
      if (ReadUntil(fd, "hello\n").empty()) return;
      const std::scoped_lock lock(mutex);
      talked.insert(peer);
      SendAll(fd, "hi");
    });
    const StormRun run =
        RunStorm({"--mode", "hello", "--agents", "40", "--sources", "40", "--silent", "50",
                  "--patience", "2s", "--seed", seed, server.target()});
    EXPECT_EQ(run.Outcomes(), (Outcomes{{"served", 20}, {"fault_ended_by_agent", 20}}));
    const std::scoped_lock lock(mutex);
    talkers.push_back(talked);
  }
  EXPECT_EQ(talkers[0], talkers[1]);
  EXPECT_NE(talkers[0], talkers[2]);
}

}  // namespace
}  // namespace floodgate::tools
