#include "tools/tune/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/version.h"

namespace floodgate::tune {
namespace {

constexpr int64_t kAgentsMax = 1'000'000;

constexpr char kFooter[] =
    "Exit status: 0 did it, 1 failed or found what would lose agents, 2 bad usage.\n"
    "See docs/tuning.md.";

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

}  // namespace

std::optional<CommandLine> ReadCommandLine(int argc, char** argv, int* exit_code) {
  CommandLine line;
  CLI::App app{"Audits a host for floodgate.", "floodgate-tune"};
  app.set_version_flag("--version", std::string("floodgate-tune ") + Version());
  app.footer(kFooter);
  app.require_subcommand(1);
  AddAudit(app, line);
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
