#include "tools/tune/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/version.h"
#include "core/duration.h"
#include "floodgate/backoff_text.h"
#include "tools/sim/choices.h"
#include "tools/tune/key_names.h"

namespace floodgate::tune {
namespace {

constexpr int64_t kAgentsMax = 1'000'000;
constexpr int kBacklogMax = 1'000'000;
constexpr int kCoresMax = 64;
constexpr int kDefaultBacklog = 4096;
constexpr Duration kHandshakeMost = Duration::Seconds(10);
constexpr Duration kLimitMost = Duration::Seconds(86'400);

constexpr char kFooter[] =
    "Exit status: 0 did it, 1 failed or found what would lose agents, 2 bad usage.\n"
    "See docs/tuning.md.";

// What is read as text and then looked at together.
struct Texts {
  std::string patience;
  std::string retry = "immediate";
  std::string handshake_cost;
  std::string key = "ecdsa";
  std::string limit = "10m";
};

[[noreturn]] void Refuse(const std::string& option, const std::string& why) {
  throw CLI::ValidationError(option, why);
}

void AddCommon(CLI::App& app, CommandLine& line) {
  app.add_option("--agents", line.agents, "Agents that come at once")
      ->required()
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, kAgentsMax).description(""));
  app.add_flag("--json", line.json, "Print the result as JSON");
}

void AddAudit(CLI::App& app, CommandLine& line) {
  CLI::App* sub = app.add_subcommand(
      "audit", "What of this host's settings would lose agents, and what to set instead");
  AddCommon(*sub, line);
  const auto read = [&line](const std::string& text) {
    absl::StatusOr<Endpoint> admin = Endpoint::Parse(text);
    if (!admin.ok()) {
      Refuse("--admin", absl::StrCat(text, ": ", std::string(admin.status().message())));
    }
    line.admin = *std::move(admin);
  };
  sub->add_option_function<std::string>(
         "--admin", read,
         "A running floodgated's admin.listen: unix:/path, host:port. Its listeners and its limit "
         "of open files are looked at, too")
      ->type_name("ADDR")
      ->envname("FLOODGATE_ADMIN");
  sub->add_flag("--unix-backend", line.unix_backend, "backend.address is a unix socket");
}

Duration ReadDuration(const std::string& option, const std::string& text, Duration most) {
  const std::optional<Duration> duration = ParseDuration(text);
  if (!duration.has_value() || duration->ns <= 0 || *duration > most) {
    Refuse(option, absl::StrCat("\"", text, "\" is no duration up to ", FormatDuration(most),
                                "; write 250us, 2s or 1m30s"));
  }
  return *duration;
}

void ReadHandshake(const Texts& texts, CommandLine& line) {
  line.key = ParseKey(texts.key).value_or(KeyKind::kEcdsaP256);
  line.measure = texts.handshake_cost == "measure";
  if (line.measure) return;
  line.question.handshake =
      PartsOf(ReadDuration("--handshake-cost", texts.handshake_cost, kHandshakeMost));
}

void Interpret(const CLI::App& sub, const Texts& texts, CommandLine& line) {
  line.command = Command::kPredict;
  line.question.agents = line.agents;
  const std::optional<sim::AgentPatience> patience = sim::ParsePatience(texts.patience);
  if (!patience.has_value()) {
    Refuse("--patience",
           absl::StrCat("\"", texts.patience, "\" is none; write 3s, exp:3s or 500ms/30s"));
  }
  line.question.patience = *patience;
  const std::optional<RetryPolicy> retry = ParseRetryPolicy(texts.retry);
  if (!retry.has_value()) {
    Refuse("--retry", absl::StrCat("\"", texts.retry,
                                   "\" is none; write none, immediate, fixed, exponential, "
                                   "full-jitter or decorrelated-jitter"));
  }
  line.question.retry = *retry;
  line.question.limit = ReadDuration("--limit", texts.limit, kLimitMost);
  ReadHandshake(texts, line);
  if (sub.count("--key") > 0 && !line.measure) {
    Refuse("--key", "is of --handshake-cost measure alone; leave one out");
  }
  if (line.backlogs.empty()) {
    line.backlogs = {kDefaultBacklog};
    if (line.agents != kDefaultBacklog) line.backlogs.push_back(static_cast<int>(line.agents));
  }
}

void AddSimulated(CLI::App& sub, CommandLine& line) {
  sub.add_option("--cores", line.question.cores, "Cores of floodgated's host, and its workers")
      ->required()
      ->type_name("N")
      ->check(CLI::Range(1, kCoresMax).description(""));
  sub.add_option("--backlog", line.backlogs,
                 "agent.backlog, one run each; default: 4096, and the number of agents")
      ->type_name("N,...")
      ->delimiter(',')
      ->check(CLI::Range(1, kBacklogMax).description(""));
  sub.add_option("--seed", line.question.seed, "Of all that is left to chance")
      ->type_name("N")
      ->capture_default_str();
}

void AddPredict(CLI::App& app, CommandLine& line, Texts& texts) {
  CLI::App* sub = app.add_subcommand(
      "predict", "How soon a fleet is connected that comes when the gate opens, simulated");
  AddCommon(*sub, line);
  AddSimulated(*sub, line);
  sub->add_option("--patience", texts.patience,
                  "How long an attempt may take: 3s; exp:3s, exponential with that mean; "
                  "500ms/30s, half of the agents each")
      ->required()
      ->type_name("DURATION");
  sub->add_option("--handshake-cost", texts.handshake_cost,
                  "CPU time of a TLS handshake on that host, or \"measure\": measured on this one")
      ->required()
      ->type_name("DURATION|measure");
  sub->add_option("--key", texts.key, "measure: of the certificate")
      ->check(CLI::IsMember({"ecdsa", "rsa-2048", "rsa-4096"}).description(""))
      ->type_name("ecdsa|rsa-2048|rsa-4096")
      ->capture_default_str();
  sub->add_option("--retry", texts.retry,
                  "After a failed attempt: none, immediate, fixed, exponential, full-jitter, "
                  "decorrelated-jitter")
      ->type_name("POLICY")
      ->capture_default_str();
  sub->add_option("--limit", texts.limit, "How long is waited for the last agent, simulated time")
      ->type_name("DURATION")
      ->capture_default_str();
  sub->callback([sub, &line, &texts] { Interpret(*sub, texts, line); });
}

}  // namespace

std::optional<CommandLine> ReadCommandLine(int argc, char** argv, int* exit_code) {
  CommandLine line;
  Texts texts;
  CLI::App app{"Audits a host for floodgate, and predicts how it bears a fleet.", "floodgate-tune"};
  app.set_version_flag("--version", std::string("floodgate-tune ") + Version());
  app.footer(kFooter);
  app.require_subcommand(1);
  AddAudit(app, line);
  AddPredict(app, line, texts);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      *exit_code = app.exit(error);
      return std::nullopt;
    }
    // CLI11 misses the command before it tells which word it did not know.
    const std::vector<std::string> unknown = app.remaining(true);
    const std::string what = unknown.empty() ? error.what() : unknown[0] + " is not known here";
    std::fprintf(stderr, "floodgate-tune: %s; see floodgate-tune --help\n", what.c_str());
    *exit_code = 2;
    return std::nullopt;
  }
  return line;
}

}  // namespace floodgate::tune
