#include "sim/oracle.h"

#include <algorithm>

namespace floodgate::sim {
namespace {

// docs/configuration.md: slots of the controller port, and how many of it may wait for one.
constexpr uint64_t kControllerHandshakesMax = 64;
constexpr uint64_t kControllersWaitingMax = 1024;

bool Contains(const std::vector<Cidr>& blocks, const IpAddress& address) {
  return std::any_of(blocks.begin(), blocks.end(),
                     [&](const Cidr& block) { return block.Contains(address); });
}

}  // namespace

Oracle::Oracle(Network& network, Verdict& verdict)
    : network_(network), verdict_(verdict), gate_(Options{}, {}) {}

// --- Lives

void Oracle::OnStart(const Promises& promises) {
  promises_ = promises;
  TellLimits();
  gate_ = GateModel(options(), network_.world().now());
  ++epoch_;
  stopping_ = false;
  admits_ = false;
  visits_.clear();
  open_.clear();
  alive_.clear();
  handshaking_ = connecting_ = 0;
  accepting_ = 0;
  waiting_max_ = options().limits.waiting;
  taken_here_ = last_delayed_ = 0;
}

void Oracle::OnAct(OperatorAct act, Instant now) {
  constexpr absl::string_view kNames[] = {"signal", "open", "hold", "reload", "stop"};
  verdict_.Tell("operator", kNames[static_cast<size_t>(act)]);
  gate_.On(act, now);
  ++openings_;  // It may open within the turn, and nothing but that is seen.
  if (act == OperatorAct::kStop) stopping_ = true;
  if (act != OperatorAct::kReload || reloads_.empty()) return;
  CheckWindows();  // By the options that end here.
  promises_ = reloads_.front();
  TellLimits();
  reloads_.pop_front();
  ++epoch_;
}

void Oracle::TellLimits() {
  const LimitOptions& limits = options().limits;
  constexpr absl::string_view kPolicies[] = {"delay", "reset", "queue"};
  verdict_.Tell("limits", "handshakes ", limits.handshakes, ", waiting ", limits.waiting,
                ", delayed ", limits.delayed, ", connections ", limits.connections,
                ", source_connections ", limits.source_connections, ", over_limit ",
                kPolicies[static_cast<size_t>(limits.over_limit)], ", delay ", limits.delay.ns,
                " ns, token ", promises_.token_interval.ns, " ns, burst ", limits.source_burst,
                ", prefix ", limits.source_prefix_v4, ", sources ", limits.sources, ", tls ",
                options().tls.has_value());
}

void Oracle::TellOpen() {
  for (const Visit& visit : visits_) {
    const auto index = static_cast<size_t>(&visit - visits_.data());
    if (std::find(alive_.begin(), alive_.end(), index) == alive_.end()) continue;
    verdict_.Tell("open", visit.peer.ToString(), " state ", static_cast<int>(visit.state));
  }
}

void Oracle::OnEnd() {
  CheckWindows();
  CheckPace();
  if (promises_.order_holds) CheckOrder();
}

// --- What it says of itself

void Oracle::OnTurn(const StatusSnapshot& status) {
  for (const Port port : kPorts) CheckPort(port, status.ports[static_cast<size_t>(port)]);
  CheckLimits(status);
  const bool admits = status.gate == GateState::kDraining || status.gate == GateState::kOpen;
  if (admits && !gate_.Admits(network_.world().now())) {
    verdict_.Fail("gate", "it says ", Name(status.gate), " and should be shut");
  }
  if (admits && !admits_) ++openings_;
  admits_ = admits;
}

void Oracle::CheckPort(Port port, const PortCounters& counters) {
  uint64_t refused = 0;
  for (const uint64_t count : counters.refused) refused += count;
  const uint64_t later = counters.refused[static_cast<size_t>(RefusalReason::kHandshake)] +
                         counters.refused[static_cast<size_t>(RefusalReason::kBackend)];
  const uint64_t before = counters.waiting + counters.delayed + counters.stale + refused - later;
  const uint64_t after = counters.handshaking + counters.active + counters.finished + later;
  if (counters.accepted != before + counters.admitted) {
    verdict_.Fail("counters", Name(port), ": accepted ", counters.accepted, ", waiting ",
                  counters.waiting, ", delayed ", counters.delayed, ", stale ", counters.stale,
                  ", refused before ", refused - later, ", admitted ", counters.admitted);
  }
  if (counters.admitted != after) {
    verdict_.Fail("counters", Name(port), ": admitted ", counters.admitted, ", handshaking ",
                  counters.handshaking, ", active ", counters.active, ", finished ",
                  counters.finished, ", failed ", later);
  }
  // A gauge below zero is a very large number.
  const uint64_t most =
      std::max({counters.waiting, counters.delayed, counters.handshaking, counters.active});
  if (most > counters.accepted) verdict_.Fail("counters", Name(port), ": a gauge is ", most);
  if (port == Port::kAgent && counters.accepted > taken_here_) {
    verdict_.Fail("counters", "accepted ", counters.accepted, " agents of ", taken_here_, " taken");
  }
}

void Oracle::CheckLimits(const StatusSnapshot& status) {
  const PortCounters& agents = status.ports[static_cast<size_t>(Port::kAgent)];
  const PortCounters& controllers = status.ports[static_cast<size_t>(Port::kController)];
  // A reload may have made a limit smaller: then there must be no more of them.
  const auto check = [&](absl::string_view rule, uint64_t now, uint64_t before, int64_t most) {
    if (now <= static_cast<uint64_t>(most) || now <= before) return;
    verdict_.Fail(rule, "there are ", now, ", and ", most, " may be");
  };
  check("waiting", agents.waiting, 0, waiting_max_);
  check("delayed", agents.delayed, last_delayed_, options().limits.delayed);
  check("waiting", controllers.waiting, 0, kControllersWaitingMax);
  check("handshakes", controllers.handshaking, 0, kControllerHandshakesMax);
  // After a reload those on their way may still come.
  if (static_cast<int64_t>(agents.waiting) <= options().limits.waiting && accepting_ == 0) {
    waiting_max_ = options().limits.waiting;
  }
  last_delayed_ = agents.delayed;
}

// --- What it does

Oracle::Visit* Oracle::Find(int fd) {
  const auto found = open_.find(fd);
  return found == open_.end() ? nullptr : &visits_[found->second];
}

IpAddress Oracle::SourceOf(const IpAddress& address) const {
  return Truncate(address, address.is_v4() ? options().limits.source_prefix_v4
                                           : options().limits.source_prefix_v6);
}

void Oracle::OnAcceptAsked(bool agent, Instant now) {
  if (!agent) return;
  ++accepting_;
  if (!gate_.Admits(now)) verdict_.Fail("gate", "an agent is to be taken behind it");
}

void Oracle::OnTaken(int fd, bool agent, Instant now) {
  Visit visit;
  PeerAddress local;
  network_.Addresses(fd, &visit.peer, &local);  // Who has been reset has none.
  visit.agent = agent;
  visit.established = network_.world().now() - network_.Read(fd).queued;
  visit.taken = now;
  visit.ready_as = ++sequence_;
  visit.epoch = epoch_;
  visit.openings = openings_;
  if (visit.peer.family == PeerAddress::Family::kIp) {
    visit.source = SourceOf(visit.peer.ip);
    visit.exempt = Contains(options().limits.exempt, visit.peer.ip);
  }
  verdict_.Tell("gatekeeper", "takes ", fd, ": ", agent ? "agent " : "controller ",
                visit.peer.ToString());
  ++taken_;
  if (agent) ++taken_here_;
  open_[fd] = visits_.size();
  visits_.push_back(visit);
}

void Oracle::OnWatched(int fd) {
  Visit* visit = Find(fd);
  if (visit == nullptr) return;
  visit->watched = true;
  visit->ready_as = 0;
}

void Oracle::OnReadable(int fd) {
  Visit* visit = Find(fd);
  if (visit != nullptr) visit->ready_as = ++sequence_;
}

void Oracle::OnAdmitted(int fd, Instant now) {
  Visit* visit = Find(fd);
  if (visit == nullptr || visit->state != State::kTaken) {
    return verdict_.Fail("admission", "of ", fd, ", which is not there to be admitted");
  }
  verdict_.Tell("gatekeeper", "admits ", fd, ": ", visit->peer.ToString());
  ++admitted_;
  visit->state = State::kHandshaking;
  visit->admitted_at = now;
  visit->admitted_as = ++sequence_;
  // A controller is looked at later, by its worker.
  if (visit->agent && network_.Read(fd).state == ConnectionReading::State::kGone) {
    verdict_.Fail("gone", visit->peer.ToString(), " is admitted and has left");
  }
  if (visit->agent) return CheckAgentAdmission(*visit);
  if (!Contains(options().controller->allow, visit->peer.ip)) {
    verdict_.Fail("deny", visit->peer.ToString(), " is no controller");
  }
}

void Oracle::CheckAgentAdmission(const Visit& visit) {
  ++handshaking_;
  alive_.push_back(static_cast<size_t>(&visit - visits_.data()));
  if (Contains(options().agent.deny, visit.peer.ip)) {
    verdict_.Fail("deny", visit.peer.ToString(), " is admitted");
  }
  const int64_t in_flight = handshaking_ - connecting_;
  if (in_flight > promises_.handshakes_max && options().tls.has_value()) {
    verdict_.Fail("handshakes", in_flight, " are in flight, and ", promises_.handshakes_max,
                  " may be");
  }
  CheckSourceConnections(visit);
}

// Both limits count more than this sees: those who wait, too.
void Oracle::CheckSourceConnections(const Visit& visit) {
  const LimitOptions& limits = options().limits;
  int64_t all = 0;
  int64_t same = 0;
  for (const size_t index : alive_) {
    const Visit& other = visits_[index];
    if (other.epoch != epoch_) return;  // The limit was another one.
    if (other.exempt) continue;
    ++all;
    if (other.source == visit.source) ++same;
  }
  if (limits.connections > 0 && all > limits.connections) {
    verdict_.Fail("connections", "there are ", all, ", and ", limits.connections, " may be");
  }
  if (limits.source_connections > 0 && same > limits.source_connections) {
    verdict_.Fail("source-connections", visit.source.ToString(), " has ", same, ", and ",
                  limits.source_connections, " may be");
  }
}

void Oracle::OnUsed(int fd) {
  const Visit* visit = Find(fd);
  if (visit != nullptr && visit->state == State::kTaken) {
    verdict_.Fail("admission", "a worker uses ", fd, ", which has not been admitted");
  }
}

void Oracle::OnHandshakeDone(int fd) {
  Visit* visit = Find(fd);
  if (visit == nullptr || visit->state != State::kHandshaking) return;
  verdict_.Tell("worker", "has shaken hands with ", visit->peer.ToString());
  visit->state = State::kConnected;
  if (visit->agent) --handshaking_;
}

void Oracle::OnLeft(int fd, bool reset, Instant now) {
  const auto found = open_.find(fd);
  if (found == open_.end()) return;
  const Visit& visit = visits_[found->second];
  verdict_.Tell("daemon", reset ? "resets " : "closes ", fd, ": ", visit.peer.ToString());
  if (visit.state == State::kTaken && reset && visit.agent) CheckDelay(visit, now);
  if (visit.state == State::kHandshaking && visit.agent) --handshaking_;
  std::erase(alive_, found->second);
  open_.erase(found);
}

void Oracle::CheckDelay(const Visit& visit, Instant now) {
  // Refused at once, or turned out for room, or at the end of all.
  if (now == visit.taken || visit.watched || stopping_ || visit.epoch != epoch_) return;
  if (now < visit.taken + options().limits.delay) {
    verdict_.Fail("delay", visit.peer.ToString(), " was held for ", (now - visit.taken).ns, " ns");
  }
}

}  // namespace floodgate::sim
