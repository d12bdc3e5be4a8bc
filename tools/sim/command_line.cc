#include "tools/sim/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/version.h"
#include "core/config.h"
#include "core/duration.h"
#include "floodgate/backoff_text.h"
#include "tools/options/option_kinds.h"
#include "tools/sim/choices.h"

namespace floodgate::sim {
namespace {

constexpr uint64_t kAgentsMax = 1'000'000;
constexpr int kCoresMax = 64;
constexpr int kBacklogMax = 1'000'000;

// What is read as text and then looked at together.
struct Texts {
  std::vector<std::string> loads = {"0.5", "1", "1.3", "2.5", "5", "10", "20"};
  std::vector<std::string> patiences = {"1s"};
  std::vector<std::string> retries = {"none"};
  std::vector<std::string> holds = {"park", "refuse"};
  std::vector<std::string> sets;
  std::string order = std::string(kServiceRuleNames.front());
  std::vector<std::string> left_out;
};

void AddList(CLI::App& app, const std::string& name, std::vector<std::string>& values,
             const std::string& type, const std::string& help) {
  app.add_option(name, values, help)->type_name(type)->delimiter(',')->capture_default_str();
}

// Reads each of `texts`, or says what would be right.
template <typename Value, typename Parse>
std::vector<Value> ReadList(const std::string& name, const std::vector<std::string>& texts,
                            Parse parse, const std::string& remedy) {
  std::vector<Value> values;
  for (const std::string& text : texts) {
    const auto value = parse(text);
    if (!value.has_value()) Refuse(name, absl::StrCat("\"", text, "\" is none; write ", remedy));
    values.push_back(*value);
  }
  return values;
}

// What every experiment takes.
void AddCommon(CLI::App& app, Command& command, Texts& texts) {
  AddSeed(app, "--seed", command.scenario.seed, "Of all that is left to chance")
      ->capture_default_str();
  app.add_flag("--json", command.json, "Print the results as JSON");
  AddDuration(app, "--handshake", command.scenario.daemon.tls.hello,
              "CPU time of a handshake's expensive step: 4300us is RSA-4096, 250us ECDSA");
  app.add_option("--cores", command.scenario.processor.cores, "Cores of the front end's host")
      ->type_name("N")
      ->check(CLI::Range(1, kCoresMax).description(""))
      ->capture_default_str();
  app.add_option("--somaxconn", command.scenario.network.somaxconn, "net.core.somaxconn")
      ->type_name("N")
      ->check(CLI::Range(1, kBacklogMax).description(""))
      ->capture_default_str();
  AddDuration(app, "--backend-cost", command.scenario.backend.cost,
              "CPU time of each answer, taken from the front end's cores; 0s: elsewhere");
  app.add_option("--set", texts.sets, "A key of the configuration, as floodgate's --set")
      ->type_name("SECTION.KEY=VALUE")
      ->allow_extra_args(false);
  AddList(
      app, "--patience", texts.patiences, "DURATION,...",
      "How long an attempt may take: 1s; exp:1s, exponential with that mean; 500ms/30s, half of "
      "the agents each");
  AddList(
      app, "--retry", texts.retries, "POLICY,...",
      "What agents do after a failed attempt: none, immediate, fixed, exponential, full-jitter, "
      "decorrelated-jitter");
  AddDuration(app, "--retry-base", command.fleet.retry_base, "fixed: each delay; else the first");
  AddDuration(app, "--retry-cap", command.fleet.retry_cap, "Longest delay");
  AddDuration(app, "--retry-pause", command.fleet.retry_pause, "Least delay, also of immediate");
  app.add_option("--order", texts.order, "Whom to serve next, for comparison: docs/overload.md")
      ->type_name(absl::StrJoin(kServiceRuleNames, "|"))
      ->capture_default_str();
  AddList(app, "--without", texts.left_out, "look-ahead|short-queue|few-begun|late-leavers,...",
          "Parts of the order of service to leave out");
  AddDuration(app, "--one-way", command.fleet.one_way, "Least time from an agent to the server");
  app.add_option("--old-kernels", command.fleet.exponential_syn_pct,
                 "Per cent of the agents whose kernel is older than Linux 6.5: it sends a dropped "
                 "SYN again after 1, 2, 4, ... s instead of every second")
      ->type_name("PERCENT")
      ->check(CLI::Range(0, 100).description(""))
      ->capture_default_str();
}

CLI::App* AddOverload(CLI::App& app, Command& command, Texts& texts) {
  CLI::App* sub = app.add_subcommand(
      "overload", "Goodput under lasting overload, for each load, patience and retry policy");
  AddCommon(*sub, command, texts);
  AddList(*sub, "--load", texts.loads, "FACTOR,...", "Arrivals, as a multiple of the capacity");
  AddDuration(*sub, "--warm-up", command.warm_up,
              "What comes before that; 0s: two patiences, 3 s to 20 s");
  AddDuration(*sub, "--window", command.window, "How long is measured, after the warm-up");
  return sub;
}

CLI::App* AddRecovery(CLI::App& app, Command& command, Texts& texts) {
  CLI::App* sub = app.add_subcommand(
      "recovery", "How soon after an overload new agents are served as if there had been none");
  AddCommon(*sub, command, texts);
  AddDuration(*sub, "--storm", command.recovery.storm, "How long the overload of ten lasts");
  AddDuration(*sub, "--watched", command.recovery.watched, "How long is looked at afterwards");
  return sub;
}

CLI::App* AddParked(CLI::App& app, Command& command, Texts& texts) {
  CLI::App* sub = app.add_subcommand(
      "parked", "Agents that wait behind a shut gate: are all served, and in their order?");
  AddCommon(*sub, command, texts);
  sub->add_option("--agents", command.parked.agents, "Agents that park")
      ->type_name("N")
      ->check(CLI::Range(uint64_t{1}, kAgentsMax).description(""))
      ->capture_default_str();
  AddDuration(*sub, "--parked", command.parked.parked, "When the gate opens");
  AddDuration(*sub, "--newcomers-gap", command.parked.newcomers_gap,
              "Between newcomers after the opening, on average; 0s: nobody");
  AddDuration(*sub, "--newcomers-for", command.parked.newcomers_for, "How long newcomers come");
  return sub;
}

CLI::App* AddFleet(CLI::App& app, Command& command, Texts& texts) {
  CLI::App* sub = app.add_subcommand(
      "fleet", "From the signal until the whole fleet is connected, parked or refused before");
  AddCommon(*sub, command, texts);
  sub->add_option("--agents", command.cold_start.agents, "Agents, all at once")
      ->type_name("N")
      ->check(CLI::Range(uint64_t{1}, kAgentsMax).description(""))
      ->capture_default_str();
  AddDuration(*sub, "--signal-after", command.cold_start.signal_after, "When the gate opens");
  AddDuration(*sub, "--limit", command.cold_start.limit, "How long is waited after that");
  AddList(*sub, "--hold", texts.holds, "park|refuse,...", "agent.hold");
  return sub;
}

CLI::App* AddCheck(CLI::App& app, Command& command) {
  CLI::App* sub = app.add_subcommand(
      "check", "Bug search: clients, faults and operators that a seed draws, judged by an oracle");
  CheckCommand& check = command.check;
  sub->add_option("--seeds", check.seeds, "How many")->type_name("N")->capture_default_str();
  AddSeed(*sub, "--first", check.first, "The first of them")->capture_default_str();
  AddSeed(*sub, "--seed", check.seed, "This one alone");
  const auto read_mutant = [&check](const std::string& name) {
    check.mutant = FindMutant(name);
    if (check.mutant != nullptr) return;
    std::string names;
    for (const Mutant& mutant : Mutants()) absl::StrAppend(&names, "\n  ", mutant.name);
    Refuse("--mutant", absl::StrCat("\"", name, "\" is none; there are", names));
  };
  sub->add_option_function<std::string>("--mutant", read_mutant, "With a bug planted")
      ->type_name("NAME");
  sub->add_flag("--trace", check.trace, "Print what happens; for --seed");
  sub->add_flag("--digest", check.digest, "Print one digest over all runs");
  return sub;
}

// Each experiment's own defaults, for what was not given.
void SetDefaults(const CLI::App& sub, Command& command, Texts& texts) {
  const bool patience_given = sub.count("--patience") > 0;
  const bool retry_given = sub.count("--retry") > 0;
  switch (command.experiment) {
    case Experiment::kOverload:
      if (!patience_given) texts.patiences = {"1s", "exp:1s", "500ms/30s"};
      if (!retry_given) texts.retries = {"none", "immediate", "full-jitter"};
      return;
    case Experiment::kRecovery:
    case Experiment::kCheck:
      return;
    case Experiment::kParked:
      if (!patience_given) texts.patiences = {"90s"};
      return;
    case Experiment::kFleet:
      if (!retry_given) texts.retries = {"immediate"};
      return;
  }
}

void ApplySets(const Texts& texts, Command& command) {
  Options options = ScenarioOptions();
  // Every key has to be there; what a scripted TLS cannot read is not looked at.
  options.admin.listen = {.kind = Endpoint::Kind::kUnixAbstract, .host = "", .path = "scripted"};
  options.tls->certificate = "scripted";
  options.tls->private_key = "scripted";
  const ConfigResult result = ReadConfig(WriteConfig(options), "floodgate-sim", texts.sets);
  if (!result.faults.empty()) {
    ConfigFault fault = result.faults.front();
    fault.file.clear();  // It is "--set", which Refuse says.
    Refuse("--set", fault.ToString());
  }
  command.scenario.daemon.options = result.options;
}

void ApplyOrder(const Texts& texts, OverloadPolicy& policy) {
  const std::optional<ServiceRule> rule = ParseServiceRule(texts.order);
  if (!rule.has_value()) {
    Refuse("--order", absl::StrCat("\"", texts.order, "\" is none; write ",
                                   absl::StrJoin(kServiceRuleNames, ", ")));
  }
  policy.rule = *rule;
  for (const std::string& part : texts.left_out) {
    if (LeaveOut(part, policy)) continue;
    Refuse("--without", absl::StrCat("\"", part,
                                     "\" is no part of it; write look-ahead, short-queue, "
                                     "few-begun or late-leavers"));
  }
}

void Finish(const CLI::App& sub, Texts& texts, Command& command) {
  SetDefaults(sub, command, texts);
  ApplySets(texts, command);
  ApplyOrder(texts, command.scenario.daemon.overload);
  command.loads_pct = ReadList<uint32_t>("--load", texts.loads, ParseLoad, "0.01 to 1000");
  command.patiences = ReadList<AgentPatience>("--patience", texts.patiences, ParsePatience,
                                              "1s, exp:1s or 500ms/30s");
  command.retries = ReadList<RetryPolicy>(
      "--retry", texts.retries, ParseRetryPolicy,
      "none, immediate, fixed, exponential, full-jitter or decorrelated-jitter");
  command.holds = ReadList<Hold>("--hold", texts.holds, ParseHold, "park or refuse");
  command.scenario.share_core = command.scenario.backend.cost.ns > 0;
  command.fleet.tls = command.scenario.daemon.options.tls.has_value();
  if (command.fleet.retry_base > command.fleet.retry_cap) {
    Refuse("--retry-base", "is longer than --retry-cap");
  }
  const bool endless = command.experiment == Experiment::kOverload && command.window.ns <= 0;
  if (endless) Refuse("--window", "0s measures nothing; give it some time");
}

}  // namespace

std::optional<Command> ReadCommandLine(int argc, char** argv, int* exit_code) {
  Command command;
  Texts texts;
  CLI::App app{
      "The daemon on a simulated kernel and network, with thousands of simulated agents: what it "
      "does under load, from one seed.",
      "floodgate-sim"};
  app.set_version_flag("--version", std::string("floodgate-sim ") + Version());
  app.require_subcommand(1);
  const std::vector<std::pair<CLI::App*, Experiment>> subs = {
      {AddOverload(app, command, texts), Experiment::kOverload},
      {AddRecovery(app, command, texts), Experiment::kRecovery},
      {AddParked(app, command, texts), Experiment::kParked},
      {AddFleet(app, command, texts), Experiment::kFleet},
      {AddCheck(app, command), Experiment::kCheck}};
  app.footer("Exit: 0 ran, 1 failed or (check) found a bug, 2 bad usage.");
  try {
    app.parse(argc, argv);
    for (const auto& [sub, experiment] : subs) {
      if (!sub->parsed()) continue;
      command.experiment = experiment;
      if (experiment != Experiment::kCheck) Finish(*sub, texts, command);
    }
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      *exit_code = app.exit(error);
    } else {
      std::fprintf(stderr, "floodgate-sim: %s; see floodgate-sim --help\n", error.what());
      *exit_code = 2;
    }
    return std::nullopt;
  }
  return command;
}

}  // namespace floodgate::sim
