#include "daemon/syn_refusal.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "io/socket.h"

namespace floodgate {

std::unique_ptr<SynRefuser> MakeSynRefuser(const std::vector<BoundListener>& listeners, Log& log) {
  std::vector<BoundAddress> addresses;
  for (const BoundListener& listener : listeners) {
    if (listener.port != Port::kAgent) continue;
    const std::optional<PeerAddress> bound = LocalAddress(listener.fd);
    if (bound.has_value()) addresses.push_back({.ip = bound->ip, .port = bound->port});
  }
  if (addresses.empty()) return nullptr;
  absl::StatusOr<std::unique_ptr<SynRefuser>> made = CreateSynRefuser(addresses);
  if (made.ok()) return *std::move(made);
  log.Write(Severity::kInfo, "limits",
            absl::StrCat("refuse_in_kernel is not to be had: ", made.status().message(),
                         "; who is far over a limit is accepted and reset like everybody else"));
  return nullptr;
}

}  // namespace floodgate
