#include "tools/floodgatectl/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/version.h"
#include "core/duration.h"
#include "core/states.h"

namespace floodgate {
namespace {

// The options as text; what they mean is checked after CLI11 is done with them.
struct Texts {
  std::string admin = "unix:/run/floodgate/admin.sock";
  std::string interval = "1s";
  std::string timeout;
};

constexpr char kFooter[] =
    "Exit status: 0 did it, 1 failed (for wait: the time is over), 2 bad usage.\n"
    "See docs/control-interface.md.";

void AddGateCommands(CLI::App& app, CommandLine& line, Texts& texts) {
  app.add_subcommand("open", "Open the gate now, whatever its conditions")->callback([&line] {
    line.command = Command::kOpen;
  });
  app.add_subcommand("hold", "Hold new agents again; established ones are left alone")
      ->callback([&line] { line.command = Command::kHold; });
  CLI::App* signal = app.add_subcommand("signal", "Tell the gate what happened");
  signal->require_subcommand(1);
  CLI::App* peergrouper =
      signal->add_subcommand("peergrouper", "The controllers that the peer grouper knows");
  peergrouper->callback([&line] { line.command = Command::kSignal; });
  peergrouper
      ->add_option("--server", line.servers,
                   "ID[=ADDR,ADDR]: one controller; repeat for each. gate.self_id must be among "
                   "them")
      ->required()
      ->allow_extra_args(false);
  CLI::App* wait = app.add_subcommand(
      "wait", "Block until the gate is in a state that lasts; floodgated may start meanwhile");
  wait->callback([&line] { line.command = Command::kWait; });
  const std::vector<std::string> states(kGateStateNames.begin(), kGateStateNames.end());
  wait->add_option("STATE", line.state)->required()->check(CLI::IsMember(states));
  wait->add_option("--timeout", texts.timeout,
                   "Give up after this long, such as 30s or 1m30s (default: never)");
}

void AddReadCommands(CLI::App& app, CommandLine& line, Texts& texts) {
  app.add_subcommand("status", "Gate, listeners and counters")->callback([&line] {
    line.command = Command::kStatus;
  });
  app.add_subcommand("ports", "The addresses really bound")->callback([&line] {
    line.command = Command::kBoundPorts;
  });
  CLI::App* sources = app.add_subcommand("sources", "The sources with most refusals");
  sources->callback([&line] { line.command = Command::kSources; });
  sources->add_option("--top", line.top, "How many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  CLI::App* top = app.add_subcommand("top", "Status with rates, redrawn until Ctrl-C");
  top->callback([&line] { line.command = Command::kTop; });
  top->add_flag("--once", line.once, "Print one block and end");
  top->add_option("--interval", texts.interval, "Between two readings, 100ms to 1h")
      ->capture_default_str();
  app.add_subcommand("metrics", "The metrics, in Prometheus' text format")->callback([&line] {
    line.command = Command::kMetrics;
  });
}

void AddDaemonCommands(CLI::App& app, CommandLine& line) {
  app.add_subcommand("reload", "Read the configuration and the certificates again")
      ->callback([&line] { line.command = Command::kReload; });
  app.add_subcommand("drain", "Stop gracefully, as SIGTERM does")->callback([&line] {
    line.command = Command::kDrain;
  });
}

absl::StatusOr<Duration> ReadDuration(absl::string_view option, absl::string_view text,
                                      Duration least, Duration most) {
  const std::optional<Duration> duration = ParseDuration(text);
  if (!duration.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat(option, " ", text, ": not a duration; use one like 250ms, 2s or 1m30s"));
  }
  if (*duration < least || *duration > most) {
    return absl::InvalidArgumentError(absl::StrCat(option, " ", text, ": out of range; use ",
                                                   least.milliseconds(), "ms to ",
                                                   most.milliseconds() / 1000, "s"));
  }
  return *duration;
}

absl::Status Interpret(const Texts& texts, CommandLine& line) {
  absl::StatusOr<Endpoint> admin = Endpoint::Parse(texts.admin);
  if (!admin.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--admin ", texts.admin, ": ", admin.status().message()));
  }
  line.admin = *std::move(admin);
  const absl::StatusOr<Duration> interval = ReadDuration(
      "--interval", texts.interval, Duration::Milliseconds(100), Duration::Seconds(3600));
  if (!interval.ok()) return interval.status();
  line.interval = *interval;
  if (texts.timeout.empty()) return absl::OkStatus();
  const absl::StatusOr<Duration> timeout = ReadDuration("--timeout", texts.timeout, Duration(),
                                                        Duration::Seconds(int64_t{366} * 86'400));
  if (!timeout.ok()) return timeout.status();
  line.timeout = *timeout;
  return absl::OkStatus();
}

}  // namespace

std::optional<CommandLine> ReadCommandLine(int argc, char** argv, int* exit_code) {
  CommandLine line;
  Texts texts;
  CLI::App app{"Talks to a running floodgated over its control interface.", "floodgatectl"};
  app.set_version_flag("--version", std::string("floodgatectl ") + Version());
  app.footer(kFooter);
  app.add_option("--admin", texts.admin, "floodgated's admin.listen: unix:/path, host:port")
      ->envname("FLOODGATE_ADMIN")
      ->capture_default_str();
  app.add_flag("--json", line.json, "Print the answer as it came");
  app.require_subcommand(1);
  app.fallthrough();
  AddReadCommands(app, line, texts);
  AddGateCommands(app, line, texts);
  AddDaemonCommands(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      *exit_code = app.exit(error);
    } else {
      // CLI11 misses the command before it tells which word it did not know.
      const std::vector<std::string> unknown = app.remaining(true);
      const std::string what = unknown.empty() ? error.what() : unknown[0] + " is not known here";
      std::fprintf(stderr, "floodgatectl: %s; see floodgatectl --help\n", what.c_str());
      *exit_code = 2;
    }
    return std::nullopt;
  }
  if (const absl::Status status = Interpret(texts, line); !status.ok()) {
    std::fprintf(stderr, "floodgatectl: %s\n", std::string(status.message()).c_str());
    *exit_code = 2;
    return std::nullopt;
  }
  return line;
}

}  // namespace floodgate
