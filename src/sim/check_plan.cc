#include "sim/check_plan.h"

#include <algorithm>
#include <array>

#include "base/prng.h"
#include "sim/scenario.h"

namespace floodgate::sim {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
// So that a plan's draws have nothing to do with those of the world that runs it.
constexpr uint64_t kPlanSeed = 0x706c'616e;
// What a calm run needs beside its clients: handshakes, SYNs that are sent again, the last of those
// who are held.
constexpr Duration kCalmBase = Duration::Seconds(40);

IpAddress V6(uint8_t net, uint8_t half, uint16_t host) {
  std::array<uint8_t, 16> bytes = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, net, half};
  bytes[14] = static_cast<uint8_t>(host >> 8);
  bytes[15] = static_cast<uint8_t>(host);
  return IpAddress::V6(bytes);
}

class Planner {
 public:
  explicit Planner(uint64_t seed) : prng_(Prng::Mix(seed ^ kPlanSeed)) {}
  CheckPlan Draw();

 private:
  uint64_t Between(uint64_t least, uint64_t most) { return least + prng_.Below(most - least + 1); }
  int Number(int least, int most) {
    return static_cast<int>(Between(static_cast<uint64_t>(least), static_cast<uint64_t>(most)));
  }
  Duration Micros(uint64_t least, uint64_t most) {
    return Duration::Microseconds(static_cast<int64_t>(Between(least, most)));
  }
  Duration Millis(uint64_t least, uint64_t most) { return Micros(least * 1000, most * 1000); }
  Instant Moment() { return Instant{} + Micros(0, static_cast<uint64_t>(active_.ns / 1000)); }
  bool Half() { return prng_.Chance(50); }

  void DrawHost();
  void DrawFaults();
  void DrawGate();
  void DrawLimits();
  void DrawSources();
  void DrawBackend();
  void DrawClients();
  ClientSetup DrawClient(const IpAddress& address);
  void AddGroup(Manner manner, int count, bool expects_service, IpAddress (*address)(uint16_t));
  void AddControllers();
  void DrawActs();
  void DrawReload();
  void DrawSwizzle();
  void Add(PlannedAct::Kind kind, Instant at, Duration time = {}, size_t client = 0);
  void Bound();

  Options& options() { return plan_.host.promises.options; }
  LimitOptions& limits() { return options().limits; }

  Prng prng_;
  CheckPlan plan_;
  Duration active_;
  bool orderly_ = false;  // nobody leaves and nothing fails, so that the order can be judged
  uint64_t token_rate_ = 0;
};

// --- Options

void Planner::DrawHost() {
  active_ = Millis(300, 1500);
  orderly_ = prng_.Chance(20);
  options() = ScenarioOptions();
  options().runtime.workers = Number(1, 2);
  plan_.host.processor.cores = Number(1, 2);
  if (prng_.Chance(25)) options().tls.reset();
  plan_.host.tls_costs.hello = Micros(100, 2000);
  plan_.host.network.window = Half() ? size_t{256} * 1024 : size_t{4096};
  if (!orderly_ && prng_.Chance(20)) plan_.host.descriptors_max = Between(80, 150);
  options().agent.backlog = Half() ? 4096 : Number(1, 64);
  options().backend.proxy_protocol = prng_.Chance(70);
  options().backend.connect_timeout = Millis(100, 600);
  if (prng_.Chance(20)) {
    options().agent.listen.push_back(options().agent.listen.front());
    options().agent.listen.back().port = kAgentPort + 100;
  }
}

void Planner::DrawFaults() {
  Faults& faults = plan_.host.faults;
  if (Half()) faults.completion_delay_max = Micros(1, 2000);
  if (Half()) faults.multishot_end_pct = static_cast<uint32_t>(Between(1, 60));
  if (orderly_) return;
  for (uint32_t* percent :
       {&faults.accept_error_pct, &faults.receive_short_pct, &faults.receive_no_buffers_pct,
        &faults.send_short_pct, &faults.cancel_race_pct, &faults.queue_full_pct}) {
    if (Half()) *percent = static_cast<uint32_t>(Between(1, 50));
  }
  // These break connections: a few at a time, or nobody gets anywhere.
  for (uint32_t* percent :
       {&faults.receive_reset_pct, &faults.send_pipe_pct, &faults.connect_error_pct}) {
    if (prng_.Chance(25)) *percent = static_cast<uint32_t>(Between(1, 15));
  }
}

void Planner::DrawGate() {
  GateOptions& gate = options().gate;
  if (prng_.Chance(15)) options().controller.reset();
  if (Half()) gate.open_on = {Condition::kPeergrouper};
  if (Half()) gate.open_delay = Millis(20, 400);
  if (prng_.Chance(20)) gate.open_anyway_after = Millis(100, 800);
  if (prng_.Chance(30)) options().agent.hold = Hold::kRefuse;
  if (prng_.Chance(40)) options().drain.rate = static_cast<double>(Between(50, 1000));
  if (Half()) options().drain.ramp = Millis(10, 1000);
}

void Planner::DrawLimits() {
  limits().source_rate = 0;
  limits().sources = Number(16, 256);
  limits().handshakes = Number(1, 8);
  limits().waiting = Number(1, 16);
  limits().delayed = Number(0, 12);
  limits().delay = Millis(30, 400);
  limits().handshake_timeout = Millis(100, 800);
  plan_.host.promises.handshakes_max = limits().handshakes;
  if (orderly_) return;
  constexpr OverLimit kPolicies[] = {OverLimit::kDelay, OverLimit::kReset, OverLimit::kQueue};
  limits().over_limit = kPolicies[prng_.Below(std::size(kPolicies))];
  if (Half()) limits().connections = Number(1, 30);
  if (prng_.Chance(30)) limits().source_connections = Number(1, 4);
  if (prng_.Chance(20)) limits().patience = Millis(200, 2000);
}

void Planner::DrawSources() {
  options().agent.deny = {*Cidr::Parse("10.66.0.0/16")};
  limits().exempt = {*Cidr::Parse("10.9.0.0/17")};
  limits().source_prefix_v4 = Half() ? 32 : 24;
  if (orderly_ || prng_.Chance(25)) return;
  token_rate_ = Between(2, 60);
  limits().source_rate = static_cast<double>(token_rate_);
  limits().source_burst = Number(1, 6);
  const auto rate = static_cast<int64_t>(token_rate_);
  plan_.host.promises.token_interval = {(kNsPerSecond + rate - 1) / rate};
}

void Planner::DrawBackend() {
  CheckingBackendSetup& backend = plan_.host.backend;
  backend.port = kBackendPort;
  backend.proxy_header = options().backend.proxy_protocol;
  backend.service = Micros(10, 5000);
  if (orderly_) return;
  if (prng_.Chance(20)) backend.backlog = Number(0, 4);
  BackendManners& manners = backend.manners;
  for (uint32_t* percent : {&manners.slow_pct, &manners.black_hole_pct, &manners.deaf_pct,
                            &manners.dies_pct, &manners.closes_pct}) {
    if (prng_.Chance(30)) *percent = static_cast<uint32_t>(Between(1, 30));
  }
}

// --- Clients

ClientSetup Planner::DrawClient(const IpAddress& address) {
  ClientSetup client;
  client.port = options().agent.listen.back().port;
  if (Half()) client.port = kAgentPort;
  client.tls = options().tls.has_value();
  client.address = address;
  client.arrives = Half() ? Instant{} + Micros(0, 50'000) : Moment();
  client.request_bytes = prng_.Chance(90) ? Between(8, 300) : Between(300, 40'000);
  client.answer_bytes = prng_.Chance(90) ? Between(1, 300) : Between(300, 40'000);
  client.awaits_end = Half();
  client.one_way = Micros(10, 3000);
  client.exponential_syn = Half();
  client.step = Micros(200, 30'000);
  constexpr RetryPolicy kPolicies[] = {RetryPolicy::kImmediate, RetryPolicy::kFixed,
                                       RetryPolicy::kExponential, RetryPolicy::kFullJitter,
                                       RetryPolicy::kDecorrelatedJitter};
  client.retry.policy = kPolicies[prng_.Below(std::size(kPolicies))];
  client.retry.base_ns = Millis(20, 100).ns;
  client.retry.cap_ns = Millis(100, 500).ns;
  if (!orderly_) client.patience = Millis(150, 2000);
  return client;
}

void Planner::AddGroup(Manner manner, int count, bool expects_service,
                       IpAddress (*address)(uint16_t)) {
  const uint64_t draw = prng_.Next();
  for (int i = 0; i < count; ++i) {
    ClientSetup client =
        DrawClient(address(static_cast<uint16_t>(draw + static_cast<uint64_t>(i))));
    client.manner = manner;
    client.expects_service = expects_service;
    // Who means no good comes a few times.
    if (!expects_service && Half()) client.retry.policy = RetryPolicy::kNone;
    plan_.clients.push_back(client);
  }
}

void Planner::DrawClients() {
  const auto far = [](uint16_t n) { return IpAddress::V4(0x0a01'0000 + n); };
  const auto one = [](uint16_t) { return IpAddress::V4(0x0a02'0001); };
  const auto block = [](uint16_t n) { return IpAddress::V4(0x0a03'0000 + (n & 0xff)); };
  const auto net = [](uint16_t n) { return V6(1, static_cast<uint8_t>((n & 1) * 0x80), n); };
  const auto exempt = [](uint16_t n) { return IpAddress::V4(0x0a09'0000 + (n & 3)); };
  const auto nearly = [](uint16_t n) { return IpAddress::V4(0x0a09'8000 + (n & 1)); };
  const auto denied = [](uint16_t n) { return IpAddress::V4(0x0a42'0000 + (n & 7)); };
  AddGroup(Manner::kHonest, Number(5, 40), true, far);
  if (Half()) AddGroup(Manner::kHonest, Number(5, 25), true, net);
  if (Half()) AddGroup(Manner::kHonest, Number(5, 25), true, block);
  if (orderly_) return AddControllers();
  if (Half()) AddGroup(Manner::kHonest, Number(5, 20), true, one);
  if (Half()) AddGroup(Manner::kHonest, Number(1, 10), true, exempt);
  if (Half()) AddGroup(Manner::kHonest, Number(5, 20), true, nearly);
  if (Half()) AddGroup(Manner::kHalfCloser, Number(1, 10), true, far);
  if (Half()) AddGroup(Manner::kHonest, Number(1, 10), false, denied);
  if (Half()) AddGroup(Manner::kSlow, Number(1, 10), false, far);
  if (Half()) AddGroup(Manner::kSilent, Number(1, 20), false, far);
  if (Half()) AddGroup(Manner::kResetter, Number(1, 20), false, far);
  if (Half()) AddGroup(Manner::kGarbage, Number(1, 10), false, far);
  if (Half()) AddGroup(Manner::kLeaver, Number(5, 40), false, far);
  AddControllers();
}

void Planner::AddControllers() {
  if (!options().controller.has_value()) return;
  const size_t first = plan_.clients.size();
  AddGroup(Manner::kHonest, Number(1, 6), true,
           [](uint16_t) { return IpAddress::V4(0x7f00'0001); });
  if (Half()) {
    AddGroup(Manner::kHonest, Number(1, 3), false,
             [](uint16_t n) { return IpAddress::V4(0x0a05'0000 + n); });
  }
  for (size_t i = first; i < plan_.clients.size(); ++i) plan_.clients[i].port = kControllerPort;
}

// --- Operators

void Planner::Add(PlannedAct::Kind kind, Instant at, Duration time, size_t client) {
  plan_.acts.push_back({.at = at, .kind = kind, .time = time, .client = client});
}

void Planner::DrawReload() {
  Promises& after = plan_.after_reload;
  LimitOptions& limits = after.options.limits;
  const auto smaller = [this](int value) { return Number(std::min(value, 1), value); };
  limits.handshakes = smaller(limits.handshakes);
  limits.waiting = smaller(limits.waiting);
  limits.delayed = smaller(limits.delayed);
  limits.connections = smaller(static_cast<int>(limits.connections));
  limits.source_connections = smaller(limits.source_connections);
  limits.source_burst = smaller(limits.source_burst);
  after.options.agent.backlog = smaller(after.options.agent.backlog);
  after.handshakes_max = limits.handshakes;
  Add(PlannedAct::Kind::kReload, Moment());
}

void Planner::DrawActs() {
  plan_.after_reload = plan_.host.promises;
  Add(PlannedAct::Kind::kSignal, Moment());
  if (prng_.Chance(70)) Add(PlannedAct::Kind::kOpen, Moment());
  const int holds = Half() ? Number(1, 3) : 0;
  for (int i = 0; i < holds; ++i) {
    const Instant at = Moment();
    Add(PlannedAct::Kind::kHold, at);
    if (Half()) Add(PlannedAct::Kind::kOpen, at + Millis(1, 200));
    if (Half()) Add(PlannedAct::Kind::kSignal, at + Millis(1, 200));
  }
  if (prng_.Chance(40)) DrawReload();
  if (orderly_) return;
  if (prng_.Chance(25)) {
    const Instant at = Moment();
    Add(PlannedAct::Kind::kStall, at, Millis(100, 5000));
  }
  if (prng_.Chance(20)) {
    // One that dies with completions under way would have to die late.
    plan_.host.faults.completion_delay_max = {};
    Add(PlannedAct::Kind::kCrash, Moment());
  }
  if (prng_.Chance(25)) {
    const Instant at = Moment();
    Add(PlannedAct::Kind::kBackendRefuses, at);
    Add(PlannedAct::Kind::kBackendListens, at + Millis(10, 500));
  }
  if (prng_.Chance(30)) DrawSwizzle();
}

// Stop them one by one and let them go in another order: the schedule that the testers of
// FoundationDB call their best finder of bugs.
void Planner::DrawSwizzle() {
  const int count = Number(1, 12);
  const Instant from = Moment();
  for (int i = 0; i < count; ++i) {
    const auto client = static_cast<size_t>(prng_.Below(plan_.clients.size()));
    Add(PlannedAct::Kind::kPause, from + Millis(0, 200), {}, client);
    Add(PlannedAct::Kind::kRelease, from + Millis(200, 500), {}, client);
  }
}

// How long it may take to serve everybody when nothing bad happens any more. Of those of one source
// at least one is served each time that all of it have come again.
void Planner::Bound() {
  const auto clients = static_cast<int64_t>(plan_.clients.size());
  const Duration round = limits().delay + Duration::Milliseconds(1500);
  Duration bound = kCalmBase + round * clients + plan_.host.tls_costs.hello * (4 * clients);
  if (token_rate_ > 0) bound = bound + plan_.host.promises.token_interval * (2 * clients);
  plan_.serve_within = bound;
}

CheckPlan Planner::Draw() {
  DrawHost();
  DrawFaults();
  DrawGate();
  DrawLimits();
  DrawSources();
  DrawBackend();
  DrawClients();
  plan_.host.promises.order_holds = orderly_;
  DrawActs();
  std::stable_sort(plan_.acts.begin(), plan_.acts.end(),
                   [](const PlannedAct& a, const PlannedAct& b) { return a.at < b.at; });
  plan_.calm_at = std::max(Instant{} + active_, plan_.acts.back().at) + Duration::Milliseconds(1);
  plan_.grace = Millis(0, 2000);
  Bound();
  return plan_;
}

}  // namespace

CheckPlan DrawPlan(uint64_t seed) {
  return Planner(seed).Draw();
}

}  // namespace floodgate::sim
