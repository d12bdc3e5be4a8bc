#include "tools/tune/trial_run.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/endpoint.h"
#include "io/socket.h"
#include "tools/admin/admin_client.h"
#include "tools/storm/command_line.h"
#include "tools/tune/child.h"
#include "tools/tune/clock.h"
#include "tools/tune/programs.h"
#include "tools/tune/trial_commands.h"
#include "tools/tune/trial_reading.h"

namespace floodgate::tune {
namespace {

constexpr Duration kSampleEvery = Duration::Milliseconds(50);
// Generous: the machine is busy, and nobody waits for it unless something is broken.
constexpr Duration kStartLimit = Duration::Seconds(30);
constexpr Duration kOpenLimit = Duration::Seconds(10);
constexpr Duration kAnswerLimit = Duration::Seconds(2);
constexpr Duration kStormExtra = Duration::Seconds(60);  // to get ready, and to print
constexpr Duration kProbeLimit = Duration::Seconds(20);
constexpr Duration kSettleLimit = Duration::Seconds(10);
constexpr Duration kStopLimit = Duration::Seconds(5);
constexpr size_t kTailBytes = 1500;
constexpr char kSignal[] = R"({"kind":"peergrouper","servers":{"0":{}}})";

// CPU time of a process that runs, with all of its threads. nullopt: the kernel does not tell.
std::optional<Duration> CpuOf(pid_t process) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &time) != 0) {
    return std::nullopt;
  }
  return Duration::Seconds(time.tv_sec) + Duration::Nanoseconds(time.tv_nsec);
}

// For poll(2): milliseconds until then, rounded up, not negative.
int MillisecondsUntil(Instant then) {
  const int64_t left = (then - ReadClock()).ns;
  return static_cast<int>(std::clamp<int64_t>((left + 999'999) / 1'000'000, 0, 60'000));
}

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

absl::Status WritePrivate(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (file << text && file.flush()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(path, " cannot be written: ", std::strerror(errno), "; set TMPDIR"));
}

absl::Status Interrupted() {
  return absl::CancelledError("interrupted");
}

// The programs inherit the limit of this one.
absl::Status CheckDescriptors(int64_t agents) {
  const uint64_t needed = DescriptorsOfTrial(agents);
  const uint64_t limit = RaiseDescriptorLimit();
  if (limit >= needed) return absl::OkStatus();
  const int64_t possible = AgentsOfTrial(limit);
  return absl::FailedPreconditionError(absl::StrCat(
      "a trial of ", agents, " agents takes ", needed, " open files, and the hard limit is ", limit,
      "; raise it (as root: ulimit -n ", needed, ")",
      possible > 0 ? absl::StrCat(", or take at most ", possible, " --agents") : ""));
}

// One trial's programs. They end when this goes.
class Run {
 public:
  Run(const Setting& setting, const Fleet& fleet, const Bench& bench, const TrialFiles& files,
      const Interrupt& interrupt)
      : setting_(setting),
        fleet_(fleet),
        bench_(bench),
        files_(files),
        interrupt_(interrupt),
        shares_(ShareCores(OwnCores(), bench.cores)) {}
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  absl::StatusOr<TrialResult> Whole(const std::function<void()>& tick);

 private:
  enum class Event { kInterrupt, kDaemonEnded, kOther, kTime };

  absl::Status StartDaemon();
  absl::Status OpenGate();
  absl::StatusOr<std::unique_ptr<Child>> StartStorm(const std::vector<std::string>& command,
                                                    const std::string& name) const;
  absl::Status Watch(const std::function<void()>& tick);
  absl::StatusOr<ProbeReading> EndProbe();
  absl::StatusOr<StatusReading> Settle(const StormReading& storm);

  // Waits until `fd` (-1: none) is readable, something else happens that ends a trial, or then.
  Event Await(int fd, Instant until) const;
  // What an event that ends the trial is as an error.
  absl::Status Error(Event event) const;
  absl::StatusOr<StatusReading> ReadStatus() const;
  // "PROGRAM: PROBLEM; it said: ..." with the end of that file.
  absl::Status Failed(const std::string& program, const std::string& problem,
                      const std::string& file) const;

  const Setting& setting_;
  const Fleet& fleet_;
  const Bench& bench_;
  const TrialFiles& files_;
  const Interrupt& interrupt_;
  const CoreShares shares_;
  std::unique_ptr<Child> daemon_;
  std::unique_ptr<Child> probe_;
  std::unique_ptr<Child> storm_;
  std::optional<AdminClient> admin_;
  Ports ports_;
  std::vector<StatusSample> samples_;
};

Run::~Run() {
  storm_.reset();
  probe_.reset();
  if (daemon_ == nullptr) return;
  // By the second signal at once; then it has removed what it made.
  daemon_->Signal(SIGTERM);
  daemon_->Signal(SIGINT);
  daemon_->Await(kStopLimit);
}

Run::Event Run::Await(int fd, Instant until) const {
  while (true) {
    std::array<pollfd, 3> events = {
        pollfd{.fd = interrupt_.fd(), .events = POLLIN, .revents = 0},
        pollfd{.fd = daemon_ == nullptr ? -1 : daemon_->fd(), .events = POLLIN, .revents = 0},
        pollfd{.fd = fd, .events = POLLIN, .revents = 0}};
    const int ready = ::poll(events.data(), events.size(), MillisecondsUntil(until));
    if (ready > 0 && events[0].revents != 0) return Event::kInterrupt;
    if (ready > 0 && events[2].revents != 0) return Event::kOther;
    if (ready > 0 && events[1].revents != 0) return Event::kDaemonEnded;
    if (ReadClock() >= until) return Event::kTime;
  }
}

absl::Status Run::Failed(const std::string& program, const std::string& problem,
                         const std::string& file) const {
  std::string text = ReadText(files_.File(file));
  if (text.size() > kTailBytes) text.erase(0, text.size() - kTailBytes);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return absl::UnavailableError(
      absl::StrCat(program, " ", problem, "; it said: ", text.empty() ? "nothing" : text));
}

absl::Status Run::Error(Event event) const {
  if (event == Event::kInterrupt) return Interrupted();
  if (event == Event::kDaemonEnded) {
    daemon_->Await(kStopLimit);
    return Failed(bench_.floodgated, absl::StrCat("ended ", daemon_->HowItEnded()), "floodgated");
  }
  return Failed(bench_.floodgated, "did not do it in time", "floodgated");
}

absl::Status Run::StartDaemon() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return absl::UnavailableError(absl::StrCat("pipe2: ", std::strerror(errno)));
  }
  const OwnedFd told(ends[0]);
  OwnedFd tell(ends[1]);
  Endpoint admin;
  admin.kind = Endpoint::Kind::kUnixPath;
  admin.path = files_.File("admin.sock");
  absl::StatusOr<std::unique_ptr<Child>> daemon =
      Child::Start({.arguments = DaemonCommand(setting_, bench_, tell.get(), admin.ToString(),
                                               files_.certificate(), files_.private_key()),
                    .cores = shares_.daemon,
                    .output = files_.File("floodgated"),
                    .errors = files_.File("floodgated"),
                    .temporary = files_.directory(),
                    .inherited_fd = tell.get()});
  if (!daemon.ok()) return daemon.status();
  daemon_ = *std::move(daemon);
  tell.Reset();
  admin_.emplace(admin);
  const Instant until = ReadClock() + kStartLimit;
  std::string line;
  while (line.find('\n') == std::string::npos) {
    const Event event = Await(told.get(), until);
    if (event != Event::kOther) return Error(event);
    std::array<char, 4096> buffer;
    const ssize_t got = ::read(told.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    // It has closed the pipe without a word: its end comes next.
    if (got <= 0) return Error(Await(-1, until));
    line.append(buffer.data(), static_cast<size_t>(got));
  }
  absl::StatusOr<Ports> ports = ReadPorts(line);
  if (!ports.ok()) return ports.status();
  ports_ = *std::move(ports);
  return absl::OkStatus();
}

absl::StatusOr<StatusReading> Run::ReadStatus() const {
  const absl::StatusOr<AdminAnswer> answer = admin_->Get("/v1/status", kAnswerLimit);
  if (!answer.ok()) return answer.status();
  return ReadAgentPort(answer->body);
}

absl::Status Run::OpenGate() {
  const absl::StatusOr<AdminAnswer> answer = admin_->Post("/v1/signal", kSignal);
  if (!answer.ok()) return answer.status();
  if (answer->status != 200) {
    return absl::UnavailableError(
        absl::StrCat("floodgated did not take the signal: ", answer->body));
  }
  const Instant until = ReadClock() + kOpenLimit;
  while (true) {
    absl::StatusOr<StatusReading> status = ReadStatus();
    if (!status.ok()) return status.status();
    if (status->gate_is_open) {
      samples_.push_back({.at = ReadClock(), .reading = *status});
      return absl::OkStatus();
    }
    if (ReadClock() >= until) return Error(Event::kTime);
    const Event event = Await(-1, ReadClock() + Duration::Milliseconds(5));
    if (event != Event::kTime) return Error(event);
  }
}

absl::StatusOr<std::unique_ptr<Child>> Run::StartStorm(const std::vector<std::string>& command,
                                                       const std::string& name) const {
  return Child::Start({.arguments = command,
                       .cores = shares_.storm,
                       .output = files_.File(name),
                       .errors = files_.File(name + ".errors"),
                       .temporary = files_.directory()});
}

// Looks at the status now and then, until the storm has ended.
absl::Status Run::Watch(const std::function<void()>& tick) {
  const Instant until = ReadClock() + bench_.limit + kStormExtra;
  Instant next = ReadClock();
  while (true) {
    const Event event = Await(storm_->fd(), next);
    if (event == Event::kOther) break;
    if (event != Event::kTime) return Error(event);
    if (ReadClock() >= until) return Failed(bench_.storm, "did not end in time", "storm.errors");
    next = std::max(next + kSampleEvery, ReadClock());
    // On a busy machine an answer may be late: then there is one sample less.
    if (const absl::StatusOr<StatusReading> status = ReadStatus(); status.ok()) {
      samples_.push_back({.at = ReadClock(), .reading = *status});
    }
    if (tick) tick();
  }
  storm_->Await(kStopLimit);
  if (storm_->succeeded()) return absl::OkStatus();
  return Failed(bench_.storm, absl::StrCat("ended ", storm_->HowItEnded()), "storm.errors");
}

absl::StatusOr<ProbeReading> Run::EndProbe() {
  probe_->Signal(SIGINT);
  const Event event = Await(probe_->fd(), ReadClock() + kProbeLimit);
  if (event == Event::kInterrupt || event == Event::kDaemonEnded) return Error(event);
  if (event == Event::kTime) return Failed(bench_.storm, "did not end in time", "probe.errors");
  probe_->Await(kStopLimit);
  if (probe_->succeeded()) return ReadProbe(ReadText(files_.File("probe")));
  return Failed(bench_.storm, absl::StrCat("ended ", probe_->HowItEnded()), "probe.errors");
}

// The status when all is over. Agents that left may still stand in the queue: they are counted,
// too, unless it was the storm's end that made them leave.
absl::StatusOr<StatusReading> Run::Settle(const StormReading& storm) {
  const Instant until = ReadClock() + kSettleLimit;
  while (storm.everybody_ended) {
    absl::StatusOr<StatusReading> status = ReadStatus();
    if (!status.ok() || status->idle() || ReadClock() >= until) return status;
    const Event event = Await(-1, ReadClock() + Duration::Milliseconds(20));
    if (event != Event::kTime) return Error(event);
  }
  return samples_.back().reading;
}

absl::StatusOr<TrialResult> Run::Whole(const std::function<void()>& tick) {
  if (absl::Status status = StartDaemon(); !status.ok()) return status;
  if (absl::Status status = OpenGate(); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<Child>> probe =
      StartStorm(ProbeCommand(bench_, ports_.controller), "probe");
  if (!probe.ok()) return probe.status();
  probe_ = *std::move(probe);
  absl::StatusOr<std::unique_ptr<Child>> storm =
      StartStorm(StormCommand(fleet_, bench_, ports_.agent), "storm");
  if (!storm.ok()) return storm.status();
  storm_ = *std::move(storm);
  const std::optional<Duration> cpu_before = CpuOf(daemon_->pid());
  if (absl::Status status = Watch(tick); !status.ok()) return status;
  const std::optional<Duration> cpu_after = CpuOf(daemon_->pid());
  const absl::StatusOr<ProbeReading> probed = EndProbe();
  if (!probed.ok()) return probed.status();
  const absl::StatusOr<StormReading> read = ReadStorm(ReadText(files_.File("storm")));
  if (!read.ok()) return read.status();
  const absl::StatusOr<StatusReading> end = Settle(*read);
  if (!end.ok()) return end.status();
  TrialResult result = MakeResult(fleet_, *read, *probed, samples_, *end);
  if (cpu_before.has_value() && cpu_after.has_value()) {
    result.daemon_cpu = *cpu_after - *cpu_before;
  }
  return result;
}

}  // namespace

absl::StatusOr<TrialFiles> TrialFiles::Make(KeyKind key) {
  std::error_code error;
  std::string path =
      (std::filesystem::temp_directory_path(error) / "floodgate-tune-XXXXXX").string();
  if (error || ::mkdtemp(path.data()) == nullptr) {
    return absl::UnavailableError(absl::StrCat("cannot make a temporary directory ", path, ": ",
                                               std::strerror(errno), "; set TMPDIR"));
  }
  TrialFiles files(path);
  const absl::StatusOr<SelfSigned> made = MakeSelfSigned("localhost", key);
  if (!made.ok()) return made.status();
  absl::Status status = WritePrivate(files.certificate(), made->certificate_pem);
  if (status.ok()) status = WritePrivate(files.private_key(), made->private_key_pem);
  if (!status.ok()) return status;
  return files;
}

TrialFiles::TrialFiles(TrialFiles&& other) noexcept
    : directory_(std::exchange(other.directory_, {})) {}

TrialFiles::~TrialFiles() {
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

absl::Status PrepareBench(const Fleet& fleet, Bench& bench) {
  for (const auto& [name, option, path] :
       {std::tuple{"floodgated", "--floodgated", &bench.floodgated},
        std::tuple{"floodgate-storm", "--storm", &bench.storm}}) {
    absl::StatusOr<std::string> found = FindProgram(name, option, *path);
    if (!found.ok()) return found.status();
    *path = *std::move(found);
  }
  if (fleet.agents > storm::kAgentsMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a real storm is of ", storm::kAgentsMax, " agents at the most, and --agents is ",
        fleet.agents, "; take fewer, and floodgate-tune predict for what is beyond"));
  }
  const size_t cores = OwnCores().size();
  if (bench.cores < 1 || static_cast<size_t>(bench.cores) > cores) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--cores is ", bench.cores, ", and this process may use ", cores, "; give 1 to ", cores,
        ", one less than that if the storm is to have its own"));
  }
  return CheckDescriptors(fleet.agents);
}

absl::StatusOr<TrialResult> RunTrial(const Setting& setting, const Fleet& fleet, const Bench& bench,
                                     const TrialFiles& files, const Interrupt& interrupt,
                                     const std::function<void()>& tick) {
  if (interrupt.came()) return Interrupted();
  return Run(setting, fleet, bench, files, interrupt).Whole(tick);
}

}  // namespace floodgate::tune
