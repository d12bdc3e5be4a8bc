#include "tools/tune/sweep_command.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/fd.h"
#include "tools/tune/child.h"
#include "tools/tune/clock.h"
#include "tools/tune/console.h"
#include "tools/tune/interrupt.h"
#include "tools/tune/plan_host.h"
#include "tools/tune/sweep.h"
#include "tools/tune/sweep_progress.h"
#include "tools/tune/trial_run.h"
#include "tools/tune/words.h"

namespace floodgate::tune {
namespace {

void Warn(const std::string& text) {
  std::fprintf(stderr, "floodgate-tune: warning: %s\n", text.c_str());
}

// The directory, made if it is not there, and locked as long as the descriptor is open.
absl::StatusOr<OwnedFd> TakeDirectory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  OwnedFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) {
    return absl::UnavailableError(absl::StrCat(
        "--out: the directory ", path,
        " cannot be made or opened: ", error ? error.message() : std::strerror(errno)));
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  return absl::UnavailableError(absl::StrCat("--out: another floodgate-tune sweeps into ", path,
                                             " now; wait for it, or use another"));
}

// Tells it. The exit status: 2 if other options would be right.
int Refused(const absl::Status& status) {
  const int failed = Fail(status);
  return absl::IsInvalidArgument(status) ? 2 : failed;
}

class Sweep {
 public:
  explicit Sweep(const SweepOptions& options) : options_(options), plan_(options.plan) {}

  int Run();

 private:
  // The plan, as it is or as it is written now, and the trials that there are. InvalidArgument:
  // there is another plan.
  absl::Status Resume();
  void WarnOfHost() const;
  absl::Status MakeTrials(const std::vector<Step>& missing);
  absl::Status MakeTrial(const TrialFiles& files, const Step& step, SweepProgress& progress);
  absl::Status Report() const;

  const SweepOptions& options_;
  Plan plan_;
  Bench bench_;
  Interrupt interrupt_;
  std::vector<Trial> trials_;
};

absl::Status Sweep::Resume() {
  absl::StatusOr<Records> records = ReadRecords(options_.out);
  if (!records.ok()) return records.status();
  if (!records->plan.has_value()) return AppendPlan(options_.out, plan_);
  const std::vector<std::string> differences = Differences(*records->plan, plan_);
  if (!differences.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--out: ", options_.out, " has the trials of another sweep: ",
        absl::StrJoin(differences, "; "), "; give the same options, or use another directory"));
  }
  plan_ = *std::move(records->plan);
  trials_ = std::move(records->trials);
  return absl::OkStatus();
}

void Sweep::WarnOfHost() const {
  const int64_t most = *std::max_element(plan_.backlogs.begin(), plan_.backlogs.end());
  Plan now;
  DescribeHost(now);
  if (now.somaxconn > 0 && most > now.somaxconn) {
    Warn(absl::StrCat("net.core.somaxconn is ", now.somaxconn,
                      ": it cuts every longer --backlog to that; set it with sysctl -w "
                      "net.core.somaxconn=",
                      most));
  }
  if (plan_.cores == now.host_cores) {
    Warn(absl::StrCat("floodgated has ",
                      plan_.cores == 1 ? "the one core that there is"
                                       : absl::StrCat("all ", Counted(plan_.cores, "core")),
                      ", so the storm takes from it; the figures are about both"));
  }
}

absl::Status Sweep::MakeTrial(const TrialFiles& files, const Step& step, SweepProgress& progress) {
  absl::StatusOr<TrialResult> result =
      RunTrial(step.setting, plan_.fleet, bench_, files, interrupt_,
               [&progress] { progress.Tick(ReadClock()); });
  if (!result.ok()) return result.status();
  Trial trial{.setting = step.setting, .run = step.run, .result = *std::move(result)};
  absl::Status status = AppendTrial(options_.out, trial);
  trials_.push_back(std::move(trial));
  return status;
}

absl::Status Sweep::MakeTrials(const std::vector<Step>& missing) {
  const size_t before = trials_.size();
  SweepProgress progress(before + missing.size(), ::isatty(STDERR_FILENO) == 1);
  absl::StatusOr<TrialFiles> files = TrialFiles::Make(plan_.key);
  if (!files.ok()) return files.status();
  for (size_t i = 0; i < missing.size(); ++i) {
    const auto next = missing.begin() + static_cast<std::ptrdiff_t>(i);
    progress.Begin(before + i + 1, *next, TimeFor({next, missing.end()}, trials_), ReadClock());
    if (absl::Status status = MakeTrial(*files, *next, progress); !status.ok()) {
      progress.Break();
      return status;
    }
    progress.End(trials_.back().result, TimeFor({next + 1, missing.end()}, trials_));
  }
  return absl::OkStatus();
}

absl::Status Sweep::Report() const {
  const std::vector<SettingOutcome> settings = InPlannedOrder(plan_, trials_);
  if (options_.json) return Print(SweepJson(plan_, settings, Missing(plan_, trials_).size()));
  return settings.empty() ? absl::OkStatus() : Print(SweepTable(plan_, settings));
}

int Sweep::Run() {
  interrupt_.CatchSignals();
  if (plan_.cores == 0) plan_.cores = std::max(1, static_cast<int>(OwnCores().size()) - 1);
  bench_ = {.cores = plan_.cores,
            .key = plan_.key,
            .floodgated = options_.floodgated,
            .storm = options_.storm,
            .limit = plan_.limit};
  if (absl::Status status = PrepareBench(plan_.fleet, bench_); !status.ok()) return Refused(status);
  const absl::StatusOr<OwnedFd> directory = TakeDirectory(options_.out);
  if (!directory.ok()) return Fail(directory.status());
  DescribeHost(plan_);
  if (absl::Status status = Resume(); !status.ok()) return Refused(status);
  const std::vector<Step> missing = Missing(plan_, trials_);
  if (!missing.empty()) WarnOfHost();
  const absl::Status made = missing.empty() ? absl::OkStatus() : MakeTrials(missing);
  if (!made.ok() && !absl::IsCancelled(made)) {
    return Fail(absl::Status(
        made.code(), absl::StrCat(made.message(), "\nThe trials so far are in ", options_.out,
                                  "; the same command goes on from there")));
  }
  if (absl::Status printed = Report(); !printed.ok()) return Fail(printed);
  if (made.ok()) return 0;
  std::fprintf(
      stderr,
      "floodgate-tune: interrupted; %zu of %zu trials %s in %s, and the same command makes "
      "the others\n",
      trials_.size(), StepsOf(plan_).size(), trials_.size() == 1 ? "is" : "are",
      options_.out.c_str());
  return interrupt_.exit_status();
}

}  // namespace

int RunSweep(const SweepOptions& options) {
  return Sweep(options).Run();
}

}  // namespace floodgate::tune
