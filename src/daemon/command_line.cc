#include "daemon/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "base/version.h"

namespace floodgate {

std::optional<CommandLine> ReadCommandLine(int argc, char** argv, int* exit_code) {
  CommandLine line;
  std::string engine;
  std::string ports_file;
  CLI::App app{
      "A connection admission front end: holds a controller's agents in the kernel's accept queue "
      "until it is stable, then lets them in at the pace that their TLS handshakes bear.",
      "floodgated"};
  app.set_version_flag("--version", std::string("floodgated ") + Version());
  app.add_option("--config", line.config, "Configuration file, TOML (see docs/configuration.md)")
      ->type_name("FILE");
  app.add_flag("--check", line.check,
               "Read the configuration, resolve everything, say every fault, bind nothing");
  app.add_flag("--print-config", line.print_config,
               "Print the effective configuration with every default filled in");
  app.add_option("--set", line.sets, "Set one option over the file; repeatable")
      ->type_name("SECTION.KEY=VALUE")
      ->expected(1)
      ->take_all();
  app.add_option("--engine", engine, "As runtime.engine: auto, io_uring or epoll")
      ->check(CLI::IsMember({"auto", "io_uring", "epoll"}));
  app.add_flag("--demo", line.demo,
               "Needs no file: an embedded backend, a self-signed certificate made at start, "
               "loopback ports chosen by the kernel");
  app.add_option("--ports-file", ports_file,
                 "Write the bound addresses to this file, as JSON, once all are bound")
      ->type_name("FILE");
  app.add_option("--notify-fd", line.notify_fd,
                 "Write the bound addresses to this descriptor, one line of JSON, then close it")
      ->type_name("N")
      ->check(CLI::Range(0, 1 << 20));
  app.footer(
      "Signals: SIGTERM and SIGINT stop gracefully (again: at once), SIGHUP reloads, SIGUSR1 opens "
      "the gate, SIGUSR2 holds it.\nExit: 0 done, 1 failed, 2 bad usage or bad configuration.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      *exit_code = app.exit(error);  // --help, --version
    } else {
      std::fprintf(stderr, "floodgated: %s; see floodgated --help\n", error.what());
      *exit_code = 2;
    }
    return std::nullopt;
  }
  if (line.config.empty() && !line.demo) {
    std::fprintf(stderr,
                 "floodgated: no configuration: give --config FILE, or --demo for a first look\n");
    *exit_code = 2;
    return std::nullopt;
  }
  // A JSON string is a TOML basic string for everything a path may hold.
  if (!engine.empty()) line.sets.push_back(absl::StrCat("runtime.engine=\"", engine, "\""));
  if (!ports_file.empty()) line.sets.push_back(absl::StrCat("runtime.ports_file=", ports_file));
  return line;
}

}  // namespace floodgate
