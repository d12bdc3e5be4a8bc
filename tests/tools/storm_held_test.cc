// floodgate-storm as a process: agents that stay, that are slow, and what people see of a storm.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/e2e/wait.h"
#include "tests/tools/small_server.h"
#include "tests/tools/storm_process.h"

namespace floodgate::tools {
namespace {

using Outcomes = std::map<std::string, uint64_t>;

uint64_t Heartbeats(const StormRun& run, const char* which) {
  return run.json.at("heartbeats").at(which).get<uint64_t>();
}

// Answers each request on the connection until the peer leaves.
void KeepAlive(int fd) {
  while (!ReadUntil(fd, "\r\n\r\n").empty()) SendAll(fd, kAnswerOk);
}

TEST(StormHeld, HeartbeatsAreRequestsInHttp) {
  SmallServer server(KeepAlive);
  const StormRun run = RunStorm({"--mode", "http", "--agents", "5", "--hold", "450ms",
                                 "--heartbeat", "100ms", server.target()});
  EXPECT_EQ(run.Outcomes(), (Outcomes{{"served", 5}}));
  EXPECT_EQ(Heartbeats(run, "missed"), 0U);
  EXPECT_EQ(Heartbeats(run, "answered"), Heartbeats(run, "sent"));
  EXPECT_GE(Heartbeats(run, "sent"), 10U) << "four each, fewer if the machine is busy";
  EXPECT_LE(Heartbeats(run, "sent"), 20U);
  EXPECT_EQ(run.Count("closed_while_held"), 0U);
  EXPECT_EQ(run.Count("bytes_received"),
            (5 + Heartbeats(run, "answered")) * std::string(kAnswerOk).size());
}

TEST(StormHeld, HeartbeatsAreALineElsewhere) {
  SmallServer server([](int fd) {
    while (!ReadUntil(fd, "ping\n").empty()) SendAll(fd, "pong\n");
  });
  const StormRun run = RunStorm({"--mode", "tcp", "--agents", "3", "--hold", "300ms", "--heartbeat",
                                 "50ms", server.target()});
  EXPECT_GE(Heartbeats(run, "answered"), 3U);
  EXPECT_EQ(Heartbeats(run, "missed"), 0U);
}

TEST(StormHeld, UnansweredHeartbeatsEndTheConnection) {
  SmallServer server(WaitForClose);
  const StormRun run = RunStorm(
      {"--mode", "tcp", "--agents", "4", "--hold", "50s", "--heartbeat", "60ms", server.target()});
  EXPECT_EQ(Heartbeats(run, "sent"), 4U);
  EXPECT_EQ(Heartbeats(run, "missed"), 4U);
  EXPECT_EQ(run.Count("closed_while_held"), 4U);
  EXPECT_LT(run.json.at("elapsed_s"), 25);
}

TEST(StormHeld, BadAnswersToHeartbeatsEndIt) {
  SmallServer server([](int fd) {
    AnswerHttp(fd, kAnswerOk);
    AnswerHttp(fd, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    WaitForClose(fd);
  });
  const StormRun run = RunStorm(
      {"--mode", "http", "--agents", "2", "--hold", "50s", "--heartbeat", "50ms", server.target()});
  EXPECT_EQ(Heartbeats(run, "missed"), 2U);
  EXPECT_LT(run.json.at("elapsed_s"), 25);
}

// A controller that restarts: everybody is cut off once, and comes back.
TEST(StormHeld, ThoseCutOffComeBack) {
  for (const std::string arrivals : {"together", "uniform"}) {
    std::mutex mutex;
    int seen = 0;
    SmallServer server([&](int fd) {
      bool cuts = false;
      {
        const std::scoped_lock lock(mutex);
        cuts = seen++ < 6;
      }
      if (cuts) return AnswerHttp(fd, kAnswerOk);
      KeepAlive(fd);
    });
    std::vector<std::string> arguments = {
        "--mode",  "http",        "--agents",     "6",   "--hold",       "300ms", "--reconnect",
        "--retry", "full-jitter", "--retry-base", "5ms", server.target()};
    if (arrivals == "uniform") {
      arguments.insert(arguments.end(), {"--arrivals", "uniform", "--rate", "1000"});
    }
    const StormRun run = RunStorm(arguments);
    EXPECT_EQ(run.Outcomes(), (Outcomes{{"served", 12}})) << arrivals;
    EXPECT_EQ(run.Count("closed_while_held"), 6U);
    EXPECT_EQ(run.Count("reconnects"), 6U);
    EXPECT_EQ(run.LatencyCount("time_to_return"), 6U);
    EXPECT_EQ(run.Count("retries"), 0U);
    EXPECT_EQ(run.Count("agents_served"), 6U);
    EXPECT_EQ(run.json.at("ended_by"), "done");
  }
}

TEST(StormHeld, SlowAgentsSendTheirFirstWordsInPieces) {
  std::mutex mutex;
  int pieces = 0;
  SmallServer server([&](int fd) {
    std::string text;
    std::array<char, 4096> buffer;
    while (text.find("\r\n\r\n") == std::string::npos) {
      const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (size <= 0) return;
      text.append(buffer.data(), static_cast<size_t>(size));
      const std::scoped_lock lock(mutex);
      ++pieces;
    }
    SendAll(fd, kAnswerOk);
  });
  const StormRun run = RunStorm({"--mode", "http", "--agents", "1", "--slow", "100", "--slow-over",
                                 "450ms", server.target()});
  EXPECT_EQ(run.Outcomes(), (Outcomes{{"served", 1}}));
  EXPECT_GE(run.json.at("latency_ms").at("served").at("min"), 450);
  EXPECT_GE(pieces, 5) << "ten, but a busy machine may join some";
}

TEST(StormHeld, SlowHellosStillMakeHandshakes) {
  TlsServerContext tls;
  SmallServer server([&tls](int fd) { tls.Serve(fd, kAnswerOk); });
  for (const std::string version : {"1.2", "1.3"}) {
    const StormRun run =
        RunStorm({"--mode", "https", "--agents", "8", "--slow", "50", "--slow-over", "300ms",
                  "--tls-version", version, server.target()});
    EXPECT_EQ(run.Outcomes(), (Outcomes{{"served", 8}})) << version;
    const auto& handshake = run.json.at("latency_ms").at("handshake");
    EXPECT_GE(handshake.at("max"), 300);
    EXPECT_LT(handshake.at("min"), 300) << "half of them are not slow";
  }
}

TEST(StormHeld, SlowAgentsSeeTheServersEnd) {
  SmallServer server(MakeResetOnClose);
  const StormRun run = RunStorm(
      {"--mode", "tls", "--agents", "4", "--slow", "100", "--slow-over", "50s", server.target()});
  EXPECT_EQ(run.Outcomes(), (Outcomes{{"reset_before_tls", 4}}));
  EXPECT_LT(run.json.at("elapsed_s"), 25);
}

// All that was written to the other side, which is closed: then reads fail (EIO, pty(7)), once what
// the kernel still passes on has come.
std::string ReadTerminal(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size <= 0) return text;
    text.append(buffer.data(), static_cast<size_t>(size));
  }
}

TEST(StormHeld, TellsATerminalHowFarItIs) {
  const OwnedFd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_EQ(::grantpt(terminal.get()), 0);
  ASSERT_EQ(::unlockpt(terminal.get()), 0);
  std::array<char, 64> name;
  ASSERT_EQ(::ptsname_r(terminal.get(), name.data(), name.size()), 0);
  SmallServer server([](int fd) { AnswerHttp(fd, kAnswerOk); });
  const e2e::TemporaryDirectory directory;
  e2e::ChildProcess storm(
      {.arguments = StormCommand({"--mode", "http", "--agents", "7", "--json", server.target()}),
       .output_path = directory.File("output"),
       .errors_path = name.data(),
       .inherited_fd = -1,
       .descriptors_max = std::nullopt});
  ASSERT_EQ(storm.Wait(), 0);
  const std::string shown = ReadTerminal(terminal.get());
  EXPECT_THAT(shown, testing::HasSubstr("0.0 s: 0 attempts (0 retries), 0 of 7 agents served"));
  EXPECT_THAT(shown, testing::EndsWith("\r\x1b[K")) << "the line is gone afterwards";
  EXPECT_EQ(e2e::ReadFile(directory.File("output")).front(), '{') << "results are as ever";
}

}  // namespace
}  // namespace floodgate::tools
