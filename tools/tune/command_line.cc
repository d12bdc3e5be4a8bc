#include "tools/tune/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/version.h"
#include "tools/tune/option_values.h"

namespace floodgate::tune {
namespace {

constexpr char kFooter[] =
    "Exit status: 0 did it, 1 failed or found what would lose agents, 2 bad usage, 130 interrupted "
    "by Ctrl-C, 143 by SIGTERM.\n"
    "See docs/tuning.md.";

void AddAudit(CLI::App& app, CommandLine& line) {
  AuditOptions& options = line.audit;
  CLI::App* sub = app.add_subcommand(
      "audit", "What of this host's settings would lose agents, and what to set instead");
  AddAgents(*sub, options.agents);
  AddJson(*sub, options.json);
  const auto read = [&options](const std::string& text) {
    absl::StatusOr<Endpoint> admin = Endpoint::Parse(text);
    if (!admin.ok()) {
      Refuse("--admin", absl::StrCat(text, ": ", std::string(admin.status().message())));
    }
    options.admin = *std::move(admin);
  };
  sub->add_option_function<std::string>(
         "--admin", read,
         "A running floodgated's admin.listen: unix:/path, host:port. Its listeners, its limits of "
         "open files, connections and memory are looked at, too")
      ->type_name("ADDR")
      ->envname("FLOODGATE_ADMIN");
  sub->add_flag("--unix-backend", options.unix_backend, "backend.address is a unix socket");
  sub->callback([&line] { line.command = Command::kAudit; });
}

}  // namespace

std::optional<CommandLine> ReadCommandLine(int argc, char** argv, int* exit_code) {
  CommandLine line;
  CLI::App app{
      "Audits a host for floodgate, tries out settings, predicts how it bears a fleet, and "
      "recommends settings.",
      "floodgate-tune"};
  app.set_version_flag("--version", std::string("floodgate-tune ") + Version());
  app.footer(kFooter);
  app.require_subcommand(1);
  AddAudit(app, line);
  AddPredict(app, line.predict, [&line] { line.command = Command::kPredict; });
  AddRecommend(app, line.recommend, [&line] { line.command = Command::kRecommend; });
  AddReport(app, line.report, [&line] { line.command = Command::kReport; });
  AddSweep(app, line.sweep, [&line] { line.command = Command::kSweep; });
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
