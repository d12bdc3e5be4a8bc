// floodgate-storm as a process: agents that arrive by the clock, and what is told by the interval.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "tests/e2e/wait.h"
#include "tests/tools/small_server.h"
#include "tests/tools/storm_process.h"

namespace floodgate::tools {
namespace {

using Outcomes = std::map<std::string, uint64_t>;

// A queue of none holds one connection; the SYNs of all others go unanswered.
BoundListener Full() {
  BoundListener listener = BindLoopback();
  e2e::Require(::listen(listener.fd.get(), 0) == 0, "listen");
  return listener;
}

TEST(StormTimeline, ArrivalsComeWhateverBecomesOfTheEarlierOnes) {
  const BoundListener listener = Full();
  for (const std::string shape : {"uniform", "poisson", "waves"}) {
    const StormRun run = RunStorm({"--mode", "wait", "--agents", "100", "--arrivals", shape,
                                   "--rate", "500", "--wave-every", "50ms", "--patience", "100ms",
                                   "--interval", "50ms", listener.target});
    EXPECT_EQ(run.Count("attempts"), 100U) << shape;
    EXPECT_EQ(run.Count("retries"), 0U);
    EXPECT_EQ(run.json.at("ended_by"), "done");
    // 100 at 500 a second, then the last one's patience.
    EXPECT_GE(run.json.at("elapsed_s"), 0.2);
    EXPECT_EQ(run.json.at("latency_ms").at("arrival_late").at("count"), 100);
    EXPECT_EQ(run.json.at("time_to_all_s"), nullptr);
    EXPECT_EQ(run.json.at("time_to_99_percent_s"), nullptr);
    EXPECT_EQ(run.json.at("time_to_50_percent_s"), nullptr);
    if (shape == "waves") {
      EXPECT_EQ(run.json.at("timeline").at(1).at("arrived"), 25);
    }
  }
}

TEST(StormTimeline, RetriesComeOnTopOfArrivals) {
  const BoundListener nobody = BindLoopback();  // Bound, not listening: refused at once.
  for (const std::string retry : {"immediate", "fixed", "exponential", "decorrelated-jitter"}) {
    const StormRun run = RunStorm({"--mode", "tcp", "--agents", "20", "--arrivals", "uniform",
                                   "--rate", "200", "--retry", retry, "--retry-base", "1ms",
                                   "--retry-cap", "5ms", "--attempts-max", "6", nobody.target});
    EXPECT_EQ(run.Outcomes(), (Outcomes{{"refused", 120}})) << retry;
    EXPECT_EQ(run.Count("retries"), 100U);
    // Were retries paced like arrivals, they would take 120 / 200 s.
    EXPECT_LT(run.json.at("until_last_ended_s"), 0.3) << retry;
  }
}

TEST(StormTimeline, DelaysBetweenAttemptsFollowThePolicy) {
  // When each connection of the one agent came, in milliseconds since the first.
  std::mutex mutex;
  std::vector<double> came_ms;
  SmallServer server([&](int fd) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const std::scoped_lock lock(mutex);
    came_ms.push_back(std::chrono::duration<double, std::milli>(now).count());
    MakeResetOnClose(fd);
  });
  RunStorm({"--mode", "wait", "--agents", "1", "--retry", "exponential", "--retry-base", "20ms",
            "--retry-cap", "80ms", "--attempts-max", "5", server.target()});
  const std::scoped_lock lock(mutex);
  ASSERT_EQ(came_ms.size(), 5U);
  const std::vector<double> least_ms = {20, 40, 80, 80};
  for (size_t i = 0; i < 4; ++i) {
    // The accept may be late, by less than half of the shortest delay unless the machine stands.
    EXPECT_GE(came_ms[i + 1] - came_ms[i], least_ms[i] - 10) << i;
  }
}

TEST(StormTimeline, DoneAgentsArriveAgainForALongOpenLoop) {
  SmallServer server([](int fd) { AnswerHttp(fd, kAnswerOk); });
  const StormRun run =
      RunStorm({"--mode", "http", "--agents", "50", "--attempts", "120", "--arrivals", "poisson",
                "--rate", "400", "--interval", "100ms", server.target()});
  EXPECT_EQ(run.Outcomes(), (Outcomes{{"served", 120}}));
  EXPECT_EQ(run.json.at("ended_by"), "attempts");
  EXPECT_EQ(run.Count("arrivals_missed"), 0U);
  EXPECT_GT(run.json.at("elapsed_s"), 0.15);
}

TEST(StormTimeline, ArrivalsWithoutAFreeAgentAreMissedAndCounted) {
  const BoundListener listener = Full();
  const StormRun run =
      RunStorm({"--mode", "wait", "--agents", "3", "--attempts", "6", "--arrivals", "uniform",
                "--rate", "200", "--patience", "200ms", listener.target});
  EXPECT_EQ(run.Count("attempts"), 6U);
  EXPECT_GT(run.Count("arrivals_missed"), 10U);
}

TEST(StormTimeline, PatienceIsMixedByEqualShares) {
  const BoundListener listener = BindLoopback();
  ASSERT_EQ(::listen(listener.fd.get(), 64), 0);
  const StormRun run = RunStorm({"--mode", "wait", "--agents", "20", "--patience", "mix:50ms,30s",
                                 "--duration", "400ms", listener.target});
  EXPECT_EQ(run.Outcomes(), (Outcomes{{"patience_in_answer", 10}, {"unfinished", 10}}));
}

TEST(StormTimeline, ImpatientAgentsCloseAtOnce) {
  // What the server sees of the connection's end is when the agent's patience was over.
  std::mutex mutex;
  std::vector<double> lived_ms;
  SmallServer server([&](int fd) {
    const auto begun = std::chrono::steady_clock::now();
    WaitForClose(fd);
    const auto lived = std::chrono::steady_clock::now() - begun;
    const std::scoped_lock lock(mutex);
    lived_ms.push_back(std::chrono::duration<double, std::milli>(lived).count());
  });
  const StormRun run =
      RunStorm({"--mode", "wait", "--agents", "5", "--patience", "100ms", "--retry", "fixed",
                "--retry-base", "10s", "--retry-cap", "10s", "--duration", "3s", server.target()});
  EXPECT_EQ(run.Outcomes(), (Outcomes{{"patience_in_answer", 5}}));
  EXPECT_TRUE(e2e::Eventually([&] {
    const std::scoped_lock lock(mutex);
    return lived_ms.size() == 5;
  }));
  const std::scoped_lock lock(mutex);
  for (const double lived : lived_ms) EXPECT_LT(lived, 2'000) << "not at the storm's end";
}

TEST(StormTimeline, TellsWhenAllWereServed) {
  SmallServer server([](int fd) { AnswerHttp(fd, kAnswerOk); });
  const StormRun run =
      RunStorm({"--mode", "http", "--agents", "20", "--silent", "10", "--patience", "300ms",
                "--arrivals", "uniform", "--rate", "100", server.target()});
  EXPECT_EQ(run.Count("agents_served"), 18U);
  EXPECT_EQ(run.json.at("time_to_all_s"), run.json.at("until_last_served_s"));
  EXPECT_EQ(run.json.at("time_to_99_percent_s"), run.json.at("time_to_all_s"));
  EXPECT_GE(run.json.at("time_to_all_s"), 0.15);
  // When the ninth honest one was served: it is the ninth to arrive, or comes later.
  EXPECT_GE(run.json.at("time_to_50_percent_s"), 0.08);
  EXPECT_LT(run.json.at("time_to_50_percent_s"), run.json.at("time_to_all_s"));
}

TEST(StormTimeline, UnansweredSynsAreSentAgainAndCounted) {
  const BoundListener listener = Full();
  const StormRun run =
      RunStorm({"--mode", "tcp", "--agents", "10", "--connect-timeout", "1500ms", listener.target});
  // Two fit in (listen(2): a queue of 0 holds one, and its SYN-ACK may be on its way).
  EXPECT_GE(run.Count("syn_retransmits"), 8U);
}

TEST(StormTimeline, CsvSaysWhatJsonSays) {
  SmallServer server([](int fd) { AnswerHttp(fd, kAnswerOk); });
  const e2e::TemporaryDirectory directory;
  const std::string path = directory.File("timeline.csv");
  const StormRun run = RunStorm({"--mode", "http", "--agents", "30", "--rate", "200", "--interval",
                                 "50ms", "--csv", path, server.target()});
  const std::vector<std::string> lines = absl::StrSplit(e2e::ReadFile(path), '\n');
  const std::vector<std::string> names = absl::StrSplit(lines.at(0), ',');
  const auto& rows = run.json.at("timeline");
  ASSERT_EQ(lines.size(), rows.size() + 2);  // the names, and what follows the last line's end
  EXPECT_GE(rows.size(), 3U);
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::vector<std::string> fields = absl::StrSplit(lines.at(i + 1), ',');
    ASSERT_EQ(fields.size(), names.size());
    for (size_t j = 0; j < names.size(); ++j) {
      const auto& value = rows.at(i).at(names[j]);
      if (value.is_null()) {
        EXPECT_EQ(fields[j], "");
      } else {
        EXPECT_NEAR(std::stod(fields[j]), value.get<double>(), 1e-6) << names[j];
      }
    }
  }
}

}  // namespace
}  // namespace floodgate::tools
