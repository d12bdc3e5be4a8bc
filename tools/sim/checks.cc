#include "tools/sim/checks.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/prng.h"
#include "base/version.h"
#include "sim/check.h"

namespace floodgate::sim {
namespace {

constexpr size_t kFailuresShownMax = 10;

// For the signal handler: what this thread is at.
thread_local char replay_line[200];

std::string ReplayCommand(uint64_t seed, const Mutant* mutant) {
  std::string command = absl::StrCat("floodgate-sim check --seed ", seed);
  if (mutant != nullptr) absl::StrAppend(&command, " --mutant ", mutant->name);
  return absl::StrCat(command, "   # ", Version());
}

// A broken assertion of the daemon ends the process (base/check.h); its seed must be known all the
// same.
extern "C" void OnAbort(int) {
  const ssize_t written = write(STDERR_FILENO, replay_line, std::strlen(replay_line));
  static_cast<void>(written);
}

// What all threads have found.
class Findings {
 public:
  explicit Findings(const CheckCommand& command) : command_(command) {}

  void Add(const CheckResult& result) {
    const std::scoped_lock lock(mutex_);
    ++runs_;
    events_ += result.events;
    attempts_ += result.attempts;
    admitted_ += result.admitted;
    digests_[result.seed] = result.digest;
    if (!result.failed()) return;
    ++failures_;
    ++rules_[result.rule];
    if (failures_ > kFailuresShownMax) return;
    std::printf("%s\n  %s\n", result.text.c_str(),
                ReplayCommand(result.seed, command_.mutant).c_str());
    std::fflush(stdout);
  }

  int Report(double elapsed_s) const {
    for (const auto& [rule, count] : rules_) {
      std::printf("%-20s %llu runs\n", rule.c_str(), static_cast<unsigned long long>(count));
    }
    std::printf("%llu runs, %llu failed; %llu events, %llu attempts, %llu admitted; %.1f s\n",
                static_cast<unsigned long long>(runs_), static_cast<unsigned long long>(failures_),
                static_cast<unsigned long long>(events_),
                static_cast<unsigned long long>(attempts_),
                static_cast<unsigned long long>(admitted_), elapsed_s);
    if (command_.digest) std::printf("digest %016llx\n", static_cast<unsigned long long>(Digest()));
    return failures_ > 0 ? 1 : 0;
  }

 private:
  uint64_t Digest() const {
    uint64_t all = 0;
    for (const auto& [seed, digest] : digests_) all = Prng::Mix(all ^ digest ^ Prng::Mix(seed));
    return all;
  }

  const CheckCommand& command_;
  std::mutex mutex_;
  uint64_t runs_ = 0;
  uint64_t failures_ = 0;
  uint64_t events_ = 0;
  uint64_t attempts_ = 0;
  uint64_t admitted_ = 0;
  std::map<std::string, uint64_t> rules_;
  std::map<uint64_t, uint64_t> digests_;  // by seed
};

void PrintLine(const std::string& line) {
  std::printf("%s\n", line.c_str());
}

void RunOne(const CheckCommand& command, uint64_t seed, Findings& findings) {
  const std::string line = ReplayCommand(seed, command.mutant) + "\n";
  std::snprintf(replay_line, sizeof(replay_line), "%s", line.c_str());
  findings.Add(command.trace ? RunCheck(seed, command.mutant, PrintLine)
                             : RunCheck(seed, command.mutant));
}

}  // namespace

int RunChecks(const CheckCommand& command) {
  std::signal(SIGABRT, OnAbort);
  const auto started = std::chrono::steady_clock::now();
  Findings findings(command);
  const uint64_t first = command.seed.value_or(command.first);
  const uint64_t count = command.seed.has_value() ? 1 : command.seeds;
  const uint64_t cores = std::max(1U, std::thread::hardware_concurrency());
  const uint64_t threads = command.trace ? 1 : std::min(cores, count);
  std::atomic<uint64_t> next{0};
  const auto work = [&] {
    for (uint64_t index = next++; index < count; index = next++) {
      RunOne(command, first + index, findings);
    }
  };
  std::vector<std::jthread> helpers;
  for (uint64_t i = 1; i < threads; ++i) helpers.emplace_back(work);
  work();
  helpers.clear();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started;
  return findings.Report(elapsed.count());
}

}  // namespace floodgate::sim
