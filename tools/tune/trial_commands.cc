#include "tools/tune/trial_commands.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/duration.h"
#include "floodgate/backoff_text.h"
#include "tools/storm/descriptors.h"

namespace floodgate::tune {
namespace {

// Of the storm's timeline: fine enough to say how many are served at a moment.
constexpr Duration kIntervalLeast = Duration::Milliseconds(10);
constexpr int64_t kIntervalsMost = 20'000;
constexpr char kProbeRate[] = "20";
// A try that takes longer has failed.
constexpr char kProbePatience[] = "10s";
// Enough for kProbeRate tries a second that all take kProbePatience.
constexpr int64_t kProbeAgents = 250;

std::string WholeMicroseconds(Duration duration) {
  return FormatDuration(Duration::Microseconds((duration.ns + 999) / 1000));
}

// As floodgate-storm writes it: its mixes are not written like ours.
std::string StormPatience(const sim::AgentPatience& patience) {
  std::string time = FormatDuration(patience.time);
  switch (patience.kind) {
    case sim::AgentPatience::Kind::kFixed:
      return time;
    case sim::AgentPatience::Kind::kExponential:
      return absl::StrCat("exp:", time);
    case sim::AgentPatience::Kind::kMix:
      return absl::StrCat("mix:", time, ",", FormatDuration(patience.other));
  }
  return time;
}

}  // namespace

CoreShares ShareCores(const std::vector<int>& own, int cores) {
  const auto middle = own.begin() + cores;
  CoreShares shares{.daemon = {own.begin(), middle}, .storm = {middle, own.end()}};
  if (shares.storm.empty()) shares.storm = {own.back()};
  return shares;
}

std::vector<std::string> DaemonCommand(const Setting& setting, const Bench& bench, int notify_fd,
                                       const std::string& admin, const std::string& certificate,
                                       const std::string& private_key) {
  std::vector<std::string> command = {bench.floodgated, "--demo", "--notify-fd",
                                      absl::StrCat(notify_fd)};
  for (const std::string& set : {
           absl::StrCat("agent.backlog=", setting.backlog),
           absl::StrCat("drain.rate=", setting.drain_rate),
           absl::StrCat("limits.handshakes=", setting.handshakes),
           std::string("limits.source_rate=0"),
           std::string("gate.open_delay=0s"),
           absl::StrCat("runtime.workers=", bench.cores),
           std::string("runtime.log=warn"),
           std::string("runtime.drain_timeout=1s"),
           absl::StrCat("admin.listen=", admin),
           absl::StrCat("tls.certificate=", certificate),
           absl::StrCat("tls.private_key=", private_key),
       }) {
    command.emplace_back("--set");
    command.push_back(set);
  }
  return command;
}

std::vector<std::string> StormCommand(const Fleet& fleet, const Bench& bench,
                                      const std::string& target) {
  const Duration interval = std::max(kIntervalLeast, bench.limit / kIntervalsMost);
  return {bench.storm,  "--json",
          "--mode",     "https",
          "--agents",   absl::StrCat(fleet.agents),
          "--sources",  absl::StrCat(fleet.agents),
          "--patience", StormPatience(fleet.patience),
          "--retry",    std::string(RetryPolicyName(fleet.retry)),
          "--duration", WholeMicroseconds(bench.limit),
          "--interval", WholeMicroseconds(interval),
          target};
}

std::vector<std::string> ProbeCommand(const Bench& bench, const std::string& target) {
  // Longer than a storm can last: it is interrupted when that ends.
  const Duration duration = bench.limit + Duration::Seconds(600);
  return {bench.storm,  "--json",
          "--mode",     "https",
          "--agents",   absl::StrCat(kProbeAgents),
          "--arrivals", "uniform",
          "--rate",     kProbeRate,
          "--attempts", "1000000000",
          "--patience", kProbePatience,
          "--duration", WholeMicroseconds(duration),
          target};
}

uint64_t DescriptorsOfTrial(int64_t agents) {
  return storm::DescriptorsNeeded(static_cast<uint64_t>(std::max(agents, kProbeAgents)));
}

int64_t AgentsOfTrial(uint64_t descriptors) {
  const auto agents = static_cast<int64_t>(storm::ConnectionsAllowed(descriptors));
  return agents < kProbeAgents ? 0 : agents;
}

}  // namespace floodgate::tune
