// floodgate-storm: reads the command line, runs the storm, prints what it found out.
#include <atomic>
#include <csignal>
#include <cstdio>

#include "tools/storm/options.h"
#include "tools/storm/results.h"
#include "tools/storm/storm.h"

namespace {

std::atomic<bool> interrupted{false};

void OnInterrupt(int /*signal*/) {
  interrupted.store(true, std::memory_order_relaxed);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace floodgate::storm;
  int exit_code = 0;
  const std::optional<Options> options = ReadOptions(argc, argv, &exit_code);
  if (!options.has_value()) return exit_code;
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, OnInterrupt);
  std::signal(SIGTERM, OnInterrupt);
  absl::StatusOr<std::unique_ptr<Storm>> storm = Storm::Create(*options);
  if (!storm.ok()) {
    std::fprintf(stderr, "floodgate-storm: %s\n", std::string(storm.status().message()).c_str());
    return 1;
  }
  Results results = (*storm)->Run(interrupted);
  std::fputs(options->json ? (ResultsJson(results) + "\n").c_str() : ResultsTable(results).c_str(),
             stdout);
  const bool all_served = results.agents_served >= results.agents;
  return options->require_served && !all_served ? 1 : 0;
}
