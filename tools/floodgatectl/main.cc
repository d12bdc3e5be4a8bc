// floodgatectl: talks to a running daemon over its admin socket.
#include <csignal>
#include <cstdio>
#include <string>

#include "tools/floodgatectl/command_line.h"
#include "tools/floodgatectl/commands.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // A closed pipe is an error of write(2), with a message.
  int exit_code = 0;
  const std::optional<floodgate::CommandLine> line =
      floodgate::ReadCommandLine(argc, argv, &exit_code);
  if (!line.has_value()) return exit_code;
  const absl::Status status = floodgate::Run(*line);
  if (status.ok()) return 0;
  std::fprintf(stderr, "floodgatectl: %s\n", std::string(status.message()).c_str());
  return status.code() == absl::StatusCode::kInvalidArgument ? 2 : 1;
}
