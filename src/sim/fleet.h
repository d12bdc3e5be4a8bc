// The agents: they arrive, connect, shake hands, ask, and are served if the answer comes within
// their patience; else they leave, and come again as their retry policy says. Their own CPU time is
// modelled only where they share one host.
#ifndef FLOODGATE_SIM_FLEET_H_
#define FLOODGATE_SIM_FLEET_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/time.h"
#include "floodgate/backoff.h"
#include "sim/agent_host.h"
#include "sim/network.h"
#include "sim/records.h"
#include "sim/world.h"

namespace floodgate::sim {

enum class Arrivals : uint8_t { kAllAtOnce, kPoisson, kUniform };

// How long an attempt may take, from its connect to its answer.
struct AgentPatience {
  enum class Kind : uint8_t { kFixed, kExponential, kMix };
  Kind kind = Kind::kFixed;
  Duration time = Duration::Seconds(1);  // or the mean
  Duration other = {};                   // kMix: that of the others
  uint32_t other_pct = 50;               // kMix: how many those are

  // About the longest that matters.
  Duration Longest() const;
};

struct FleetSetup {
  uint16_t port = 0;
  bool tls = true;
  Arrivals arrivals = Arrivals::kPoisson;
  Duration gap = Duration::Milliseconds(10);  // between two arrivals, on average
  uint64_t agents_max = UINT32_MAX;           // no further ones arrive; kAllAtOnce: all that do
  AgentPatience patience = {};
  RetryPolicy retry = RetryPolicy::kNone;
  Duration retry_base = Duration::Milliseconds(100);
  Duration retry_cap = Duration::Seconds(10);
  // What the agent's own host needs before it connects again.
  Duration retry_pause = Duration::Microseconds(300);
  Duration one_way = Duration::Microseconds(250);
  Duration one_way_spread = Duration::Microseconds(250);  // uniform, on top; drawn by each attempt
  uint32_t exponential_syn_pct = 50;  // of agents whose kernel is older than Linux 6.5
  uint32_t address = 0x0a00'0000;     // IPv4 of the first; the others follow
  bool one_address = false;           // all come from that one
  bool loopback = false;              // on the server's host: ConnectOptions::loopback
  // nullopt: each has a host of its own, whose CPU time is of no concern.
  std::optional<AgentHostCosts> host = {};
};

struct FleetCounters {
  uint64_t arrived = 0;
  uint64_t attempts = 0;
  uint64_t served = 0;
  uint64_t gave_up = 0;  // attempts whose patience was over
  uint64_t refused = 0;  // answered by a reset to the SYN
  uint64_t reset = 0;    // by a reset, or an end without an answer, later
};

// An agent that was served, in the order in which they were.
struct Served {
  uint32_t agent = 0;
  Instant arrived;   // its first connect
  Instant began;     // the connect of the attempt that was served
  Instant answered;  // when the answer was there
};

// Lives as long as the world runs.
class Fleet final : public EndObserver, public Actor {
 public:
  Fleet(Network& network, const FleetSetup& setup);

  // The first arrives now (kAllAtOnce: all do), the others as `arrivals` says.
  void Start();
  // From the next arrival on. Never later than Start's.
  void SetGap(Duration gap) { setup_.gap = gap; }
  // Nobody arrives any more, and nobody comes again.
  void StopArriving();

  const FleetCounters& counters() const { return counters_; }
  const std::vector<Served>& served() const { return served_; }
  // Arrived and neither served nor gone for good.
  uint64_t unserved() const { return counters_.arrived - counters_.served - gone_; }
  Instant arrived(uint32_t agent) const { return agents_[agent].arrived; }
  // From its arrival until it was served or went for good; until now if neither has happened.
  Duration waited(uint32_t agent) const;

  void OnEnd(int fd, uint64_t tag) override;
  void OnEvent(uint64_t what) override;

 private:
  enum class State : uint8_t {
    kWaiting,     // for its next attempt
    kConnecting,  // SYN sent
    kGreeted,     // connected, hello sent
    kAsked,       // finish and request sent
    kServed,
    kGone,
  };
  enum class Kind : uint8_t { kArrival, kPatience, kRetry };
  // Small: there may be a million.
  struct Agent {
    Instant arrived;
    Instant began = {};
    Instant ended = Instant::Never();
    int fd = -1;
    uint32_t attempts = 0;
    State state = State::kWaiting;
    bool impatient = false;  // of a mix
    bool exponential_syn = false;
    bool attention_due = false;  // its host will get to it
  };

  static uint64_t Event(Kind kind, uint32_t agent, uint32_t attempt) {
    return (uint64_t{attempt & 0x3fff'ffff} << 34) | (uint64_t{agent} << 2) | uint64_t(kind);
  }
  void Arrive();
  // An attempt is due: it begins as soon as the agent's host has time.
  void Begin(uint32_t index);
  void Connect(uint32_t index);
  Duration DrawPatience(const Agent& agent);
  void Attend(uint32_t index);
  void OnConnected(uint32_t index);
  void Read(uint32_t index);
  // One record from the server. False: the attempt is over.
  bool Take(uint32_t index, const RecordReader::Record& record);
  void Ask(uint32_t index);
  void OnServed(uint32_t index);
  void OnFailed(uint32_t index);
  void End(Agent& agent, State state);

  Network& network_;
  World& world_;
  FleetSetup setup_;
  std::unique_ptr<AgentHost> host_;  // null: FleetSetup::host
  std::string hello_;
  std::string finish_;
  FleetCounters counters_;
  uint64_t gone_ = 0;
  std::vector<Agent> agents_;
  std::vector<Backoff> backoffs_;  // by agent, where they retry
  std::vector<Served> served_;
  absl::flat_hash_map<uint32_t, std::string> partial_;  // beginnings of records; never iterated
  bool stopped_ = false;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_FLEET_H_
