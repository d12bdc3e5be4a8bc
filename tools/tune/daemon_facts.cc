#include "tools/tune/daemon_facts.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tools/admin/admin_client.h"
#include "tools/tune/host_facts.h"

namespace floodgate::tune {
namespace {

using Json = nlohmann::json;

absl::StatusOr<std::string> Ask(const AdminClient& client, const std::string& path) {
  absl::StatusOr<AdminAnswer> answer = client.Get(path);
  if (!answer.ok()) return answer.status();
  if (answer->status == 200) return std::move(answer->body);
  return absl::UnavailableError(absl::StrCat("GET ", path, " was answered with HTTP status ",
                                             answer->status,
                                             "; --admin must be floodgated's admin.listen"));
}

void SetDescriptors(int64_t limit, std::string whose, HostFacts& host) {
  host.descriptors_max = limit;
  host.descriptors_of = std::move(whose);
}

}  // namespace

absl::StatusOr<DaemonFacts> ReadStatus(absl::string_view status_json) {
  DaemonFacts facts;
  try {
    const Json status = Json::parse(status_json);
    facts.version = status.at("version").get<std::string>();
    facts.gate = status.at("gate").at("state").get<std::string>();
    facts.waiting = status.at("connections").at("waiting").get<int64_t>();
    facts.active = status.at("connections").at("active").get<int64_t>();
    // A floodgated from before it was told is audited all the same.
    if (status.contains("limits")) {
      facts.connections_limit = status.at("limits").at("connections").get<int64_t>();
    }
    for (const Json& listener : status.at("listeners")) {
      if (listener.at("name") != "agent") continue;
      const Json& queue = listener.at("queue");
      facts.agents.push_back({.address = listener.at("address").get<std::string>(),
                              .closed = listener.at("state") == "closed" || queue.at("limit") == 0,
                              .depth = queue.at("depth").get<int64_t>(),
                              .limit = queue.at("limit").get<int64_t>()});
    }
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("the status is not one of floodgated (", error.what(),
                     "); use the floodgate-tune of floodgated's version"));
  }
  return facts;
}

std::optional<int64_t> FindMetric(absl::string_view metrics, absl::string_view name) {
  for (absl::string_view line : absl::StrSplit(metrics, '\n')) {
    double value = 0;
    if (!absl::ConsumePrefix(&line, name) || !absl::ConsumePrefix(&line, " ")) continue;
    if (absl::SimpleAtod(line, &value)) return static_cast<int64_t>(value);
  }
  return std::nullopt;
}

absl::Status ReadDaemon(const Endpoint& admin, const std::string& proc, Facts& facts) {
  const AdminClient client(admin);
  const absl::StatusOr<std::string> status = Ask(client, "/v1/status");
  if (!status.ok()) return status.status();
  absl::StatusOr<DaemonFacts> daemon = ReadStatus(*status);
  if (!daemon.ok()) return daemon.status();
  const absl::StatusOr<std::string> metrics = Ask(client, "/metrics");
  if (!metrics.ok()) return metrics.status();
  // Its own soft limit: it has raised that to the hard one.
  if (const std::optional<int64_t> told = FindMetric(*metrics, "process_max_fds")) {
    SetDescriptors(*told, "floodgated", facts.host);
  }
  facts.host.memory_limit.reset();  // That of this process says nothing about the daemon.
  daemon->pid = AdminPeer(admin);
  if (daemon->pid.has_value()) {
    const std::string pid = absl::StrCat(*daemon->pid);
    if (const std::optional<int64_t> limit = ReadDescriptorLimit(proc, pid)) {
      SetDescriptors(*limit, absl::StrCat("floodgated, process ", pid), facts.host);
    }
    facts.host.memory_limit = ReadMemoryLimit(proc, pid);
    daemon->other_network_namespace = InOtherNetworkNamespace(proc, *daemon->pid);
  }
  facts.daemon = *std::move(daemon);
  return absl::OkStatus();
}

}  // namespace floodgate::tune
