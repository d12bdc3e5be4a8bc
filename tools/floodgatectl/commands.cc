#include "tools/floodgatectl/commands.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/standard_output.h"
#include "tools/floodgatectl/tables.h"

namespace floodgate {
namespace {

using Table = absl::StatusOr<std::string> (*)(absl::string_view json);

// With --json the answer is printed whatever it is; an HTTP error is an error in any case.
absl::Status Show(const CommandLine& line, const absl::StatusOr<AdminAnswer>& answer, Table table) {
  if (!answer.ok()) return answer.status();
  if (line.json) {
    if (absl::Status status = WriteStandardOutput(absl::StrCat(answer->body, "\n")); !status.ok())
      return status;
  }
  if (answer->status != 200) {
    return absl::FailedPreconditionError(ErrorText(answer->status, answer->body));
  }
  if (line.json) return absl::OkStatus();
  const absl::StatusOr<std::string> text = table(answer->body);
  return text.ok() ? WriteStandardOutput(*text) : absl::InternalError(text.status().message());
}

absl::StatusOr<std::string> PlainStatusTable(absl::string_view json) {
  return StatusTable(json);
}
absl::StatusOr<std::string> AsItIs(absl::string_view text) {
  return std::string(text);
}

absl::Status RunSignal(const AdminClient& client, const CommandLine& line) {
  const absl::StatusOr<std::string> body = SignalBody(line.servers);
  if (!body.ok()) return body.status();
  return Show(line, client.Post("/v1/signal", *body), GateLine);
}

absl::Status RunMetrics(const AdminClient& client) {
  CommandLine plain;  // The metrics are no JSON: --json changes nothing.
  return Show(plain, client.Get("/metrics"), AsItIs);
}

// A daemon that is not there yet, or not any more, may come; one that this user may not ask stays
// closed to it.
bool MayCome(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable;
}

// Long polls, one after the other, until the state is reached or the time is over. Nothing tells
// when a daemon comes up: that is tried again and again.
absl::Status RunWait(const AdminClient& client, const CommandLine& line) {
  using Clock = std::chrono::steady_clock;
  constexpr int64_t kPollMs = 30'000;
  constexpr int64_t kTryAgainMs = 200;
  const Clock::time_point started = Clock::now();
  for (;;) {
    const int64_t waited_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started).count();
    const int64_t left_ms =
        line.timeout ? std::max<int64_t>(0, line.timeout->milliseconds() - waited_ms) : kPollMs;
    const absl::StatusOr<AdminAnswer> answer = client.Get(
        absl::StrCat("/v1/status?wait=", line.state, "&timeout_ms=", std::min(left_ms, kPollMs)),
        Duration::Milliseconds(kPollMs + 10'000));
    if (!answer.ok() && MayCome(answer.status()) && left_ms > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(std::min(left_ms, kTryAgainMs)));
      continue;
    }
    if (!answer.ok()) return answer.status();
    if (answer->status == 503 && left_ms > 0) {
      // Too many wait already. The interface asks for a second.
      std::this_thread::sleep_for(std::chrono::milliseconds(std::min<int64_t>(left_ms, 1000)));
      continue;
    }
    if (answer->status != 200) {
      return absl::FailedPreconditionError(ErrorText(answer->status, answer->body));
    }
    const absl::StatusOr<WaitOutcome> outcome = ReadWaitOutcome(answer->body);
    if (!outcome.ok()) return absl::InternalError(outcome.status().message());
    if (outcome->reached) return Show(line, answer, PlainStatusTable);
    if (line.timeout && left_ms <= kPollMs) {
      return absl::DeadlineExceededError(absl::StrCat(
          "the gate is ", outcome->gate, ", not ", line.state, ", after ",
          line.timeout->milliseconds(), " ms; ",
          outcome->waiting_for.empty() ? "see floodgatectl status"
                                       : absl::StrCat("it waits for ", outcome->waiting_for)));
    }
  }
}

}  // namespace

absl::Status Run(const CommandLine& line) {
  const AdminClient client(line.admin);
  switch (line.command) {
    case Command::kStatus:
      return Show(line, client.Get("/v1/status"), PlainStatusTable);
    case Command::kBoundPorts:
      return Show(line, client.Get("/v1/ports"), PortsTable);
    case Command::kSignal:
      return RunSignal(client, line);
    case Command::kOpen:
      return Show(line, client.Post("/v1/gate", R"({"action":"open"})"), GateLine);
    case Command::kHold:
      return Show(line, client.Post("/v1/gate", R"({"action":"hold"})"), GateLine);
    case Command::kSources:
      return Show(line, client.Get(absl::StrCat("/v1/sources?top=", line.top)), SourcesTable);
    case Command::kTop:
      return RunTop(client, line);
    case Command::kReload:
      return Show(line, client.Post("/v1/reload"), ReloadTable);
    case Command::kDrain:
      return Show(line, client.Post("/v1/drain"), GateLine);
    case Command::kMetrics:
      return RunMetrics(client);
    case Command::kWait:
      return RunWait(client, line);
  }
  return absl::InternalError("unknown command");
}

absl::StatusOr<std::string> SignalBody(const std::vector<std::string>& servers) {
  nlohmann::json listed = nlohmann::json::object();
  for (const std::string& server : servers) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(server, absl::MaxSplits('=', 1));
    if (parts.first.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--server ", server,
                       ": the id is missing; use ID or ID=ADDR,ADDR, such as "
                       "0=10.0.0.1:17070"));
    }
    if (listed.contains(parts.first)) {
      return absl::InvalidArgumentError(absl::StrCat("--server ", server, ": id ", parts.first,
                                                     " is there twice; put all its addresses "
                                                     "behind one, separated by commas"));
    }
    const std::vector<std::string> addresses = absl::StrSplit(parts.second, ',', absl::SkipEmpty());
    listed[parts.first] = {{"addresses", addresses}};
  }
  return nlohmann::json{{"kind", "peergrouper"}, {"servers", listed}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace floodgate
