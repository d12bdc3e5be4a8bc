// Server::Reload: all of a new configuration, or none of it.
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/config.h"
#include "daemon/server.h"

namespace floodgate {

Control::ReloadResult Server::Reload() {
  const std::scoped_lock lock(reload_mutex_);
  ReloadResult result;
  if (!setup_.read_options) {
    result.faults.push_back("there is no configuration file to read again");
    return result;
  }
  absl::StatusOr<Options> wanted = setup_.read_options(&result.faults);
  if (!wanted.ok()) return result;
  for (const KeyChange& change : Compare(options_, *wanted)) {
    (change.live ? result.applied : result.restart_needed).push_back(change.key);
  }
  // What needs a restart keeps its running value, so that the rest can be judged as it will run.
  const Options next = WithLiveKeys(options_, *wanted);

  // First make everything that can fail, then put it in force: certificates may have changed in
  // their files even where their paths have not.
  absl::StatusOr<std::shared_ptr<const WorkerOptions>> worker_options = MakeWorkerOptions(next);
  if (!worker_options.ok()) {
    result.faults.push_back(std::string(worker_options.status().message()));
  }
  std::vector<std::unique_ptr<TlsContext>> contexts;
  for (size_t i = 0; i < workers_.size(); ++i) {
    absl::StatusOr<std::unique_ptr<TlsContext>> context = MakeTls(next);
    if (!context.ok()) {
      result.faults.push_back(std::string(context.status().message()));
      break;
    }
    contexts.push_back(*std::move(context));
  }
  if (!result.faults.empty()) {
    result.applied.clear();
    result.restart_needed.clear();
    return result;
  }

  for (size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->worker->mailbox().Post(
        Reconfigure{.options = *worker_options, .tls = std::move(contexts[i])});
  }
  options_ = next;
  log_.SetLevel(next.runtime.log);
  OnGatekeeper([&](Gatekeeper& gatekeeper) {
    gatekeeper.Reconfigure(std::make_shared<const Options>(next), MakeCapacity(next));
  });
  WarnOfBacklog();
  log_.Write(Severity::kInfo, "reload",
             absl::StrCat("done; changed: ", absl::StrJoin(result.applied, ", "),
                          "; waiting for a restart: ", absl::StrJoin(result.restart_needed, ", ")));
  return result;
}

}  // namespace floodgate
