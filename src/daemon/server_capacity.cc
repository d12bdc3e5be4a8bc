// Server: how much this host allows, and what is said where that is less than was meant.
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/server.h"
#include "io/socket.h"

namespace floodgate {
namespace {

// A limit of descriptors below what so many agents need is one that nobody chose.
constexpr int64_t kAgentsFew = 2000;

}  // namespace

void Server::WarnOfBacklog() const {
  const std::optional<uint32_t> somaxconn = SomaxConn();
  if (!somaxconn.has_value() || *somaxconn >= static_cast<uint32_t>(options_.agent.backlog)) return;
  log_.Write(Severity::kWarn, "backlog",
             absl::StrCat("agent.backlog = ", options_.agent.backlog,
                          " is cut to net.core.somaxconn = ", *somaxconn,
                          "; raise it with: sysctl -w net.core.somaxconn=", options_.agent.backlog,
                          " and reload"));
}

Capacity Server::MakeCapacity(const Options& options) const {
  return Capacity::Of(options.limits, descriptors_max_, workers_.size());
}

void Server::TellCapacity(const Options& options) const {
  const int64_t agents = MakeCapacity(options).connections_max;
  const int64_t wanted = options.limits.connections > 0 ? options.limits.connections : kAgentsFew;
  std::string text = absl::StrCat("the limit of ", descriptors_max_, " descriptors allows ", agents,
                                  " agents at a time, two each and a reserve");
  if (agents >= wanted) return log_.Write(Severity::kInfo, "descriptors", text);
  if (options.limits.connections > 0) {
    absl::StrAppend(&text, ", fewer than limits.connections = ", wanted);
  }
  log_.Write(Severity::kWarn, "descriptors",
             absl::StrCat(text, "; others will wait in the kernel's queue. For ", wanted,
                          " set LimitNOFILE=", Capacity::DescriptorsFor(wanted),
                          " in the unit, or raise ulimit -n -H"));
}

}  // namespace floodgate
