#include "sim/fleet.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "sim/backend.h"
#include "sim/chance.h"

namespace floodgate::sim {
namespace {

constexpr size_t kHelloBytes = 300;
constexpr size_t kFinishBytes = 52;
constexpr size_t kReadMaxBytes = size_t{64} * 1024;
// How many means the patience of an exponential kind may be taken to last.
constexpr int kMeansThatMatter = 3;

}  // namespace

Duration AgentPatience::Longest() const {
  switch (kind) {
    case Kind::kFixed:
      return time;
    case Kind::kExponential:
      return time * kMeansThatMatter;
    case Kind::kMix:
      return std::max(time, other);
  }
  return time;
}

Fleet::Fleet(Network& network, const FleetSetup& setup)
    : network_(network), world_(network.world()), setup_(setup) {
  if (setup_.host.has_value()) {
    host_ = std::make_unique<AgentHost>(world_, [this](AgentHost::Work work, uint32_t index) {
      work == AgentHost::Work::kBegin ? Connect(index) : Attend(index);
    });
  }
  const std::string request(kRequestBytes, 'r');
  if (setup_.tls) {
    AppendRecords(RecordType::kClientHello, std::string(kHelloBytes, 'h'), hello_);
    AppendRecords(RecordType::kClientFinish, std::string(kFinishBytes, 'f'), finish_);
    // As clients of TLS 1.3 do: the request goes along.
    AppendRecords(RecordType::kData, request, finish_);
  } else {
    finish_ = request;
  }
}

void Fleet::Start() {
  if (setup_.arrivals == Arrivals::kAllAtOnce) {
    while (!stopped_ && agents_.size() < setup_.agents_max) Arrive();
  } else {
    world_.At(world_.now(), *this, Event(Kind::kArrival, 0, 0));
  }
}

void Fleet::StopArriving() {
  stopped_ = true;
}

Duration Fleet::waited(uint32_t agent) const {
  return std::min(agents_[agent].ended, world_.now()) - agents_[agent].arrived;
}

void Fleet::OnEvent(uint64_t what) {
  const auto kind = static_cast<Kind>(what & 3);
  const auto index = static_cast<uint32_t>(what >> 2);
  const uint64_t attempt = what >> 34;
  if (kind == Kind::kArrival) {
    if (stopped_ || agents_.size() >= setup_.agents_max) return;
    Arrive();
    const Duration gap =
        setup_.arrivals == Arrivals::kPoisson ? Exponential(world_.prng(), setup_.gap) : setup_.gap;
    return world_.At(world_.now() + gap, *this, Event(Kind::kArrival, 0, 0));
  }
  Agent& agent = agents_[index];
  if ((agent.attempts & 0x3fff'ffff) != attempt) return;
  if (kind == Kind::kRetry) {
    if (agent.state == State::kWaiting) Begin(index);
  } else if (agent.fd >= 0) {
    ++counters_.gave_up;
    OnFailed(index);
  }
}

void Fleet::Arrive() {
  FG_CHECK(agents_.size() < UINT32_MAX);
  const auto index = static_cast<uint32_t>(agents_.size());
  Agent agent{.arrived = world_.now()};
  agent.exponential_syn = world_.prng().Chance(setup_.exponential_syn_pct);
  if (setup_.patience.kind == AgentPatience::Kind::kMix) {
    agent.impatient = !world_.prng().Chance(setup_.patience.other_pct);
  }
  agents_.push_back(agent);
  if (setup_.retry != RetryPolicy::kNone) {
    const BackoffOptions options{
        .policy = setup_.retry, .base_ns = setup_.retry_base.ns, .cap_ns = setup_.retry_cap.ns};
    const uint64_t seed = world_.prng().Next();
    backoffs_.emplace_back(options, seed);
  }
  ++counters_.arrived;
  Begin(index);
}

void Fleet::Begin(uint32_t index) {
  if (host_ == nullptr) return Connect(index);
  host_->Post(AgentHost::Work::kBegin, index, setup_.host->connect);
}

Duration Fleet::DrawPatience(const Agent& agent) {
  const AgentPatience& patience = setup_.patience;
  switch (patience.kind) {
    case AgentPatience::Kind::kFixed:
      return patience.time;
    case AgentPatience::Kind::kExponential:
      return Exponential(world_.prng(), patience.time);
    case AgentPatience::Kind::kMix:
      return agent.impatient ? patience.time : patience.other;
  }
  return patience.time;
}

void Fleet::Connect(uint32_t index) {
  Agent& agent = agents_[index];
  ++counters_.attempts;
  ++agent.attempts;
  agent.began = world_.now();
  agent.state = State::kConnecting;
  ConnectOptions options;
  options.from.family = PeerAddress::Family::kIp;
  options.from.ip = IpAddress::V4(setup_.address + (setup_.one_address ? 0 : index));
  options.from.port = static_cast<uint16_t>(1024 + agent.attempts % 60'000);
  options.to_port = setup_.port;
  const uint64_t spread = world_.prng().Below(static_cast<uint64_t>(setup_.one_way_spread.ns) + 1);
  options.one_way = setup_.one_way + Duration::Nanoseconds(static_cast<int64_t>(spread));
  options.syn = agent.exponential_syn ? SynSchedule::kExponential : SynSchedule::kLinear;
  options.loopback = setup_.loopback;
  agent.fd = network_.Connect(options);
  network_.Observe(agent.fd, this, index);
  const Duration patience = DrawPatience(agent);
  world_.At(agent.began + patience, *this, Event(Kind::kPatience, index, agent.attempts));
}

void Fleet::OnEnd(int fd, uint64_t tag) {
  const auto index = static_cast<uint32_t>(tag);
  Agent& agent = agents_[index];
  if (agent.fd != fd) return;  // The end of an earlier attempt.
  if (host_ == nullptr) return Attend(index);
  if (std::exchange(agent.attention_due, true)) return;
  const AgentHostCosts& costs = *setup_.host;
  const Duration cost = agent.state == State::kConnecting ? costs.hello
                        : agent.state == State::kGreeted  ? costs.finish
                                                          : costs.answer;
  host_->Post(AgentHost::Work::kAttend, index, cost);
}

void Fleet::Attend(uint32_t index) {
  agents_[index].attention_due = false;
  const int fd = agents_[index].fd;
  if (fd < 0) return;  // It has left meanwhile.
  const Readiness look = network_.Look(fd);
  if (look.refused) {
    ++counters_.refused;
    return OnFailed(index);
  }
  if (look.reset) {
    ++counters_.reset;
    return OnFailed(index);
  }
  if (agents_[index].state == State::kConnecting && look.connected) OnConnected(index);
  if (agents_[index].state != State::kConnecting && look.readable) Read(index);
}

void Fleet::OnConnected(uint32_t index) {
  if (!setup_.tls) return Ask(index);
  agents_[index].state = State::kGreeted;
  network_.Send(agents_[index].fd, hello_);
}

void Fleet::Ask(uint32_t index) {
  agents_[index].state = State::kAsked;
  network_.Send(agents_[index].fd, finish_);
}

void Fleet::Read(uint32_t index) {
  std::string input;
  const auto found = partial_.find(index);
  if (found != partial_.end()) {
    input = std::move(found->second);
    partial_.erase(found);
  }
  const int fd = agents_[index].fd;
  absl::StrAppend(&input, network_.Receive(fd, kReadMaxBytes));
  if (!setup_.tls && !input.empty()) return OnServed(index);
  RecordReader reader(input);
  RecordReader::Record record;
  while (reader.Next(record) == RecordReader::Result::kRecord) {
    if (!Take(index, record)) return;
  }
  if (network_.InputEnded(fd)) {
    ++counters_.reset;
    return OnFailed(index);
  }
  if (!reader.rest().empty()) partial_[index] = std::string(reader.rest());
}

bool Fleet::Take(uint32_t index, const RecordReader::Record& record) {
  const State state = agents_[index].state;
  if (record.type == RecordType::kServerFlight && state == State::kGreeted) {
    Ask(index);
    return true;
  }
  if (state == State::kAsked) {
    if (record.type == RecordType::kTicket) return true;
    if (record.type == RecordType::kData) {
      OnServed(index);
      return false;
    }
  }
  ++counters_.reset;
  OnFailed(index);
  return false;
}

void Fleet::OnServed(uint32_t index) {
  Agent& agent = agents_[index];
  ++counters_.served;
  const Instant now = world_.now();
  served_.push_back(
      {.agent = index, .arrived = agent.arrived, .began = agent.began, .answered = now});
  world_.Note((uint64_t{index} << 32) ^ static_cast<uint64_t>(now.ns));
  End(agent, State::kServed);
}

void Fleet::OnFailed(uint32_t index) {
  Agent& agent = agents_[index];
  partial_.erase(index);
  world_.Note(~((uint64_t{index} << 32) ^ static_cast<uint64_t>(world_.now().ns)));
  if (setup_.retry == RetryPolicy::kNone || stopped_) {
    ++gone_;
    return End(agent, State::kGone);
  }
  End(agent, State::kWaiting);
  const std::optional<int64_t> backoff_ns = backoffs_[index].NextDelayNs();
  FG_CHECK(backoff_ns.has_value());
  const Duration delay = std::max(Duration::Nanoseconds(*backoff_ns), setup_.retry_pause);
  world_.At(world_.now() + delay, *this, Event(Kind::kRetry, index, agent.attempts));
}

void Fleet::End(Agent& agent, State state) {
  network_.Close(std::exchange(agent.fd, -1));
  agent.state = state;
  if (state != State::kWaiting) agent.ended = world_.now();
}

}  // namespace floodgate::sim
