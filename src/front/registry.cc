#include "front/registry.h"

#include <utility>

#include "base/check.h"

namespace floodgate {

void ControllerPresence::Add(const Admitted& controller) {
  if (controller.own) {
    ++own_;
  } else {
    ++others_[controller.peer.ip];
  }
}

void ControllerPresence::Remove(const Admitted& controller) {
  if (controller.own) {
    FG_CHECK(own_ > 0);
    --own_;
    return;
  }
  const auto found = others_.find(controller.peer.ip);
  FG_CHECK(found != others_.end());
  if (--found->second == 0) others_.erase(found);
}

uint64_t Registry::Admit(const Admitted& admitted, bool tls) {
  const auto handle = admitted_.Insert();
  Admitted& inserted = *admitted_.Get(handle);
  inserted = admitted;
  inserted.state = tls ? Admitted::State::kHandshaking : Admitted::State::kConnecting;
  inserted.slot_held = true;
  inserted.begun = false;
  PortCounters& counters = Counters(admitted.port);
  ++counters.admitted;
  ++(tls ? counters.handshaking : counters.active);
  return handle.Pack();
}

Registry::Change Registry::OnReport(const Report& report) {
  const auto handle = SlotHandle::Unpack(report.id);
  Admitted* found = admitted_.Get(handle);
  FG_CHECK(found != nullptr);
  Admitted& admitted = *found;
  PortCounters& counters = Counters(admitted.port);
  Change change;
  change.begun = !std::exchange(admitted.begun, true);
  switch (report.kind) {
    case Report::Kind::kBegun:
      ++counters.handshakes_begun;
      change.admitted = admitted;
      return change;
    case Report::Kind::kHandshakeDone:
      FG_CHECK(admitted.state == Admitted::State::kHandshaking);
      admitted.state = Admitted::State::kConnecting;
      --counters.handshaking;
      ++counters.active;
      ++counters.handshakes_completed;
      if (report.resumed) ++counters.handshakes_resumed;
      break;
    case Report::Kind::kEstablished:
      FG_CHECK(admitted.state == Admitted::State::kConnecting);
      admitted.state = Admitted::State::kEstablished;
      if (admitted.port == Port::kController) presence_.Add(admitted);
      break;
    case Report::Kind::kFinished:
    case Report::Kind::kHandshakeFailed:
    case Report::Kind::kBackendFailed:
      CountEnd(admitted, report.kind);
      change.ended = true;
      break;
  }
  change.slot_freed = std::exchange(admitted.slot_held, false);
  change.admitted = admitted;
  if (change.ended) admitted_.Erase(handle);
  return change;
}

void Registry::CountEnd(const Admitted& admitted, Report::Kind kind) {
  PortCounters& counters = Counters(admitted.port);
  if (kind == Report::Kind::kHandshakeFailed) {
    FG_CHECK(admitted.state == Admitted::State::kHandshaking);
    --counters.handshaking;
    ++counters.handshakes_failed;
    ++counters.refused[static_cast<size_t>(RefusalReason::kHandshake)];
    return;
  }
  FG_CHECK(admitted.state != Admitted::State::kHandshaking);
  --counters.active;
  if (kind == Report::Kind::kBackendFailed) {
    ++counters.refused[static_cast<size_t>(RefusalReason::kBackend)];
    return;
  }
  ++counters.finished;
  if (admitted.port == Port::kController && admitted.state == Admitted::State::kEstablished) {
    presence_.Remove(admitted);
  }
}

}  // namespace floodgate
