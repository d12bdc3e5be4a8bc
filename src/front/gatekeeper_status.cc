// What the gatekeeper tells about itself.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "front/gatekeeper.h"

namespace floodgate {

ListenerState Gatekeeper::AgentListenerState() {
  if (stopping_) return ListenerState::kClosed;
  if (!gate_.admits()) return ListenerState::kParked;
  const bool full = AgentRoom() <= 0;
  return full || listeners_.starved() ? ListenerState::kPaused : ListenerState::kAccepting;
}

void Gatekeeper::FillStatus(StatusSnapshot& snapshot, int64_t unix_now_ms) {
  snapshot.gate = gate_.state();
  snapshot.gate_since_unix_ms = unix_now_ms - (Now() - gate_.since()).milliseconds();
  for (const Condition condition : gate_.WaitingFor()) {
    snapshot.waiting_for.emplace_back(Name(condition));
  }
  snapshot.opens_in = gate_.OpensIn(Now());
  snapshot.gate_open_total = gate_.OpenTotal(Now());
  if (snapshot.gate == GateState::kDraining) {
    snapshot.readiness_reason =
        absl::StrCat("draining: ", parked_left_, " parked agents are still to be taken");
  } else if (snapshot.gate != GateState::kOpen) {
    snapshot.readiness_reason = absl::StrCat(Name(snapshot.gate));
    if (!snapshot.waiting_for.empty()) {
      absl::StrAppend(&snapshot.readiness_reason, ": waiting for ",
                      absl::StrJoin(snapshot.waiting_for, ", "));
    }
  }
  listeners_.AddTo(snapshot, AgentListenerState());
  snapshot.ports = counters_;
  snapshot.patience = patience_.Known();
  snapshot.sources_tracked = admission_.table().tracked();
  snapshot.connections_limit = options_->limits.connections;
  snapshot.syn_refused = syn_refused_;
  snapshot.sources_evicted = admission_.table().evicted();
  queue_seconds_.AddTo(snapshot.queue_seconds);
}

void Gatekeeper::TopSources(size_t count, SourcesReport::Callback callback) {
  sources_reports_.emplace_back(count, std::move(callback));
}

void Gatekeeper::AdvanceSourcesReports() {
  std::erase_if(sources_reports_,
                [this](SourcesReport& report) { return report.Advance(admission_, Now()); });
}

}  // namespace floodgate
