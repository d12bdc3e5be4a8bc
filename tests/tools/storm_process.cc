#include "tests/tools/storm_process.h"

#include <gtest/gtest.h>

#include <chrono>

namespace floodgate::tools {
namespace {

void CheckLatencies(const StormRun& run) {
  for (const auto& [phase, row] : run.json.at("latency_ms").items()) {
    EXPECT_LE(row.at("min"), row.at("p50")) << phase;
    EXPECT_LE(row.at("p50"), row.at("p90")) << phase;
    EXPECT_LE(row.at("p90"), row.at("p99")) << phase;
    EXPECT_LE(row.at("p99"), row.at("max")) << phase;
    EXPECT_LE(row.at("mean"), row.at("max")) << phase;
    EXPECT_GE(row.at("min"), 0) << phase;
  }
  const auto outcomes = run.json.at("outcomes");
  EXPECT_EQ(run.LatencyCount("connect"), run.Count("connected"));
  EXPECT_EQ(run.LatencyCount("served"), outcomes.at("served"));
  EXPECT_EQ(run.LatencyCount("from_first_try"), outcomes.at("served"));
  EXPECT_EQ(run.LatencyCount("time_to_admitted") + run.LatencyCount("time_to_return"),
            outcomes.at("served"));
  EXPECT_EQ(run.LatencyCount("arrival_late"),
            run.Count("attempts") - run.Count("retries") - run.Count("reconnects"));
  const auto& heartbeats = run.json.at("heartbeats");
  EXPECT_EQ(run.LatencyCount("heartbeat"), heartbeats.at("answered"));
  EXPECT_LE(heartbeats.at("answered").get<uint64_t>() + heartbeats.at("missed").get<uint64_t>(),
            heartbeats.at("sent").get<uint64_t>());
  EXPECT_GE(run.LatencyCount("connect"), run.LatencyCount("handshake"));
  EXPECT_EQ(run.LatencyCount("handshake"),
            run.json.at("handshakes").at("full").get<uint64_t>() +
                run.json.at("handshakes").at("resumed").get<uint64_t>());
}

void CheckSums(const StormRun& run) {
  uint64_t sum = 0;
  for (const auto& [name, count] : run.json.at("outcomes").items()) sum += count.get<uint64_t>();
  EXPECT_EQ(run.Count("attempts"), sum);
  EXPECT_LE(run.Count("connected"), run.Count("attempts"));
  EXPECT_LE(run.Count("retries"), run.Count("attempts"));
  EXPECT_LE(run.Count("agents_served") + run.Count("agents_unserved"), run.Count("agents"));
  EXPECT_LE(run.json.at("until_last_served_s"), run.json.at("until_last_ended_s"));
  EXPECT_LE(run.json.at("until_last_ended_s"), run.json.at("elapsed_s"));
  // On the clock that steady_clock is here, too.
  const std::chrono::duration<double> now = std::chrono::steady_clock::now().time_since_epoch();
  EXPECT_LE(
      run.json.at("started_monotonic_s").get<double>() + run.json.at("elapsed_s").get<double>(),
      now.count());
}

// The timeline's rows are of equal length and leave nothing out.
void CheckTimeline(const StormRun& run) {
  const auto& rows = run.json.at("timeline");
  ASSERT_FALSE(rows.empty());
  const std::map<std::string, uint64_t> totals = {
      {"attempts", run.Count("attempts")},
      {"arrived", run.Count("attempts") - run.Count("retries") - run.Count("reconnects")},
      {"cut_off", run.Count("closed_while_held")},
      {"connected", run.Count("connected")},
      {"served", run.json.at("outcomes").at("served")}};
  for (const auto& [key, total] : totals) {
    uint64_t sum = 0;
    for (const auto& row : rows) sum += row.at(key).get<uint64_t>();
    EXPECT_EQ(sum, total) << key;
  }
  uint64_t ended = run.json.at("outcomes").at("unfinished");
  for (const auto& row : rows) {
    for (const char* key : {"served", "ended_by_patience", "reset", "closed", "refused", "other"}) {
      ended += row.at(key).get<uint64_t>();
    }
    EXPECT_EQ(row.at("served_p50_ms").is_null(), row.at("served") == 0);
    EXPECT_LE(row.at("open"), run.Count("open_max"));
  }
  EXPECT_EQ(ended, run.Count("attempts"));
  EXPECT_EQ(rows.at(0).at("t_s"), 0);
  EXPECT_LE(rows.back().at("t_s"), run.json.at("elapsed_s"));
}

}  // namespace

std::vector<std::string> StormCommand(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), STORM_PATH);
  return arguments;
}

std::map<std::string, uint64_t> StormRun::Outcomes() const {
  std::map<std::string, uint64_t> occurred;
  for (const auto& [name, count] : json.at("outcomes").items()) {
    if (count != 0) occurred[name] = count.get<uint64_t>();
  }
  return occurred;
}

uint64_t StormRun::LatencyCount(const std::string& phase) const {
  return json.at("latency_ms").at(phase).at("count").get<uint64_t>();
}

StormRun ReadStorm(int exit_code, const std::string& output, const std::string& errors) {
  StormRun run{.exit_code = exit_code, .json = {}, .errors = errors};
  run.json = nlohmann::json::parse(output, nullptr, false);
  e2e::Require(run.json.is_object(), "no JSON came: " + output + errors);
  CheckSums(run);
  CheckLatencies(run);
  CheckTimeline(run);
  return run;
}

StormRun RunStorm(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = StormCommand(arguments);
  command.emplace_back("--json");
  const e2e::Finished done = e2e::RunToEnd(command);
  return ReadStorm(done.exit_code, done.output, done.errors);
}

}  // namespace floodgate::tools
