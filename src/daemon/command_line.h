// The daemon's command line.
#ifndef FLOODGATE_DAEMON_COMMAND_LINE_H_
#define FLOODGATE_DAEMON_COMMAND_LINE_H_

#include <optional>
#include <string>
#include <vector>

namespace floodgate {

struct CommandLine {
  std::string config;             // path; empty with --demo
  std::vector<std::string> sets;  // section.key=value, --engine and --ports-file included
  bool check = false;
  bool print_config = false;
  bool demo = false;
  int notify_fd = -1;
};

// Reads the arguments. When there is nothing to run (help, version, bad usage), prints what is to
// be said and gives the exit code in `exit_code`.
std::optional<CommandLine> ReadCommandLine(int argc, char** argv, int* exit_code);

}  // namespace floodgate

#endif  // FLOODGATE_DAEMON_COMMAND_LINE_H_
