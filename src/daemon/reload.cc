// Server::Reload: all of a new configuration, or none of it.
#include <exception>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/config.h"
#include "daemon/server.h"

namespace floodgate {
namespace {

constexpr char kNothingChanged[] = " (the running configuration stays)";

std::string DoneText(const Control::ReloadResult& result) {
  std::string text = "done; ";
  if (result.applied.empty()) {
    absl::StrAppend(&text, "no option changed");
  } else {
    absl::StrAppend(&text, "changed: ", absl::StrJoin(result.applied, ", "));
  }
  if (!result.restart_needed.empty()) {
    absl::StrAppend(&text, "; waiting for a restart: ", absl::StrJoin(result.restart_needed, ", "));
  }
  return text;
}

}  // namespace

Control::ReloadResult Server::Reload() {
  const std::scoped_lock lock(reload_mutex_);
  ReloadResult result;
  try {
    result = ReadAgain();
  } catch (const std::exception& error) {
    // Nothing of ours throws; what is below it may, and then the old configuration stays.
    result.faults.push_back(absl::StrCat("could not be carried out: ", error.what(),
                                         "; please report what the configuration was"));
  }
  for (const std::string& fault : result.faults) {
    log_.Write(Severity::kError, "reload", absl::StrCat(fault, kNothingChanged));
  }
  return result;
}

Control::ReloadResult Server::ReadAgain() {
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
  const int64_t connections_before = std::exchange(options_, next).limits.connections;
  log_.SetLevel(next.runtime.log);
  OnGatekeeper([&](Gatekeeper& gatekeeper) {
    gatekeeper.Reconfigure(std::make_shared<const Options>(next), MakeCapacity(next));
  });
  WarnOfBacklog();
  if (next.limits.connections != connections_before) TellCapacity(next);
  log_.Write(Severity::kInfo, "reload", DoneText(result));
  return result;
}

}  // namespace floodgate
