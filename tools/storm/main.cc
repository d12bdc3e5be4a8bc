// floodgate-storm: reads the command line, runs the storm, prints what it found out.
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "base/standard_output.h"
#include "tools/storm/command_line.h"
#include "tools/storm/results.h"
#include "tools/storm/storm.h"

namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler writes it");

void OnInterrupt(int /*signal*/) {
  interrupted.store(true, std::memory_order_relaxed);
}

// The first signal ends the storm, which still reports; the second ends the process.
void CatchSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  struct sigaction action {};
  action.sa_handler = OnInterrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace floodgate::storm;
  int exit_code = 0;
  std::optional<Options> options = ReadCommandLine(argc, argv, &exit_code);
  if (!options.has_value()) return exit_code;
  // A line that changes is for people alone.
  options->progress = options->output != Output::kNone && ::isatty(STDERR_FILENO) == 1;
  std::ofstream csv;
  if (!options->csv.empty()) csv.open(options->csv, std::ios::trunc);
  if (!csv) {
    std::fprintf(stderr, "floodgate-storm: --csv: %s cannot be written: %s\n", options->csv.c_str(),
                 std::strerror(errno));
    return 1;
  }
  CatchSignals();
  absl::StatusOr<std::unique_ptr<Storm>> storm = Storm::Create(*options);
  if (!storm.ok()) {
    std::fprintf(stderr, "floodgate-storm: %s\n", std::string(storm.status().message()).c_str());
    return 1;
  }
  const Results results = (*storm)->Run(interrupted);
  absl::Status printed = absl::OkStatus();
  if (options->output == Output::kTable) {
    printed = floodgate::WriteStandardOutput(ResultsTable(results));
  } else if (options->output == Output::kJson) {
    printed = floodgate::WriteStandardOutput(ResultsJson(results) + "\n");
  }
  if (csv.is_open() && !(csv << TimelineCsv(results.timeline)).flush()) {
    std::fprintf(stderr, "floodgate-storm: --csv: %s cannot be written: %s\n", options->csv.c_str(),
                 std::strerror(errno));
    return 1;
  }
  if (!printed.ok()) {
    std::fprintf(stderr, "floodgate-storm: %s\n", std::string(printed.message()).c_str());
    return 1;
  }
  return options->require_served && results.agents_unserved > 0 ? 1 : 0;
}
