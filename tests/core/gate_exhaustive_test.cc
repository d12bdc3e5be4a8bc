// All sequences of events of the gate up to length 8, against a model that is written differently:
// it lives nanosecond by nanosecond and counts, where the gate computes deadlines.
//
// Events: a good signal, self-connection toggled, quorum toggled, Open, Hold, DrainFinished, one
// nanosecond passes, three pass. The delays are a few nanoseconds, so that sequences end just
// before, at and just after each. Pruned, and checked at every node instead of branching on it:
//   * a bad signal, which must change nothing;
//   * DrainFinished unless draining, which must change nothing;
//   * Stop, which must be final whatever comes next;
//   * toggling a condition that open_on does not name.
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/gate.h"
#include "gtest/gtest.h"

namespace floodgate {
namespace {

constexpr int kLengthMax = 8;
constexpr int64_t kStartNs = 1'000;

enum class Event { kSignal, kToggleSelf, kToggleQuorum, kOpen, kHold, kDrained, kPass1, kPass3 };
constexpr std::array<Event, 8> kEvents = {Event::kSignal, Event::kToggleSelf, Event::kToggleQuorum,
                                          Event::kOpen,   Event::kHold,       Event::kDrained,
                                          Event::kPass1,  Event::kPass3};

struct Scenario {
  const char* name;
  bool two_phase;
  bool on_signal, on_self, on_quorum, on_manual;
  int64_t delay, rehold_after, anyway_after;  // ns; -1 = no rehold; 0 = never anyway
};

GateOptions OptionsOf(const Scenario& scenario) {
  GateOptions options;
  options.open_on.clear();
  if (scenario.on_signal) options.open_on.push_back(Condition::kPeergrouper);
  if (scenario.on_self) options.open_on.push_back(Condition::kSelfConnection);
  if (scenario.on_quorum) options.open_on.push_back(Condition::kQuorum);
  if (scenario.on_manual) options.open_on.push_back(Condition::kManual);
  options.open_delay = {scenario.delay};
  options.rehold = scenario.rehold_after >= 0;
  options.rehold_after = {scenario.rehold_after};
  options.open_anyway_after = {scenario.anyway_after};
  return options;
}

// The oracle. Knows no deadlines: every nanosecond it counts how long things have been so.
struct Model {
  const Scenario* scenario;
  bool serving = false, drained = false;
  bool signalled = false, self = false, quorum = false, opened_by_hand = false;
  bool operator_shut = false, permission = true;  // permission: the conditions may open it
  int64_t good_for = -1;                          // -1: the conditions do not suffice
  int64_t shut_for = 0;
  int64_t self_gone_for = -1, quorum_gone_for = -1;  // -1: not gone since it was seen
  bool self_seen = false, quorum_seen = false;
  int64_t served_for = 0;

  explicit Model(const Scenario& s) : scenario(&s) {
    if (!s.two_phase) Serve();
    Look();
  }
  bool Good() const {
    return scenario->two_phase && permission && (signalled || !scenario->on_signal) &&
           (self || !scenario->on_self) && (quorum || !scenario->on_quorum) &&
           (opened_by_hand || !scenario->on_manual);
  }
  void Serve() {
    serving = true;
    drained = false;
    good_for = -1;
    operator_shut = false;
    permission = true;
    self_seen = self;
    quorum_seen = quorum;
    self_gone_for = quorum_gone_for = -1;
  }
  void Look() {
    if (serving) {
      if (self) self_seen = true;
      if (quorum) quorum_seen = true;
      self_gone_for = self || !self_seen ? -1 : std::max<int64_t>(self_gone_for, 0);
      quorum_gone_for = quorum || !quorum_seen ? -1 : std::max<int64_t>(quorum_gone_for, 0);
      return;
    }
    good_for = Good() ? std::max<int64_t>(good_for, 0) : -1;
    if (good_for >= scenario->delay) Serve();
  }
  void Nanosecond() {
    if (serving) {
      ++served_for;
      if (self_gone_for >= 0) ++self_gone_for;
      if (quorum_gone_for >= 0) ++quorum_gone_for;
      const int64_t limit = scenario->rehold_after;
      if (scenario->two_phase && limit >= 0 &&
          ((scenario->on_self && self_gone_for > limit) ||
           (scenario->on_quorum && quorum_gone_for > limit))) {
        serving = false;
        shut_for = 0;
        Look();
      }
      return;
    }
    ++shut_for;
    if (good_for >= 0) ++good_for;
    const bool anyway = scenario->two_phase && scenario->anyway_after > 0 && !operator_shut &&
                        shut_for >= scenario->anyway_after;
    const bool settled = good_for >= 0 && good_for >= scenario->delay;
    if (anyway || settled) Serve();
  }
  void Apply(Event event) {
    switch (event) {
      case Event::kSignal:
        signalled = true;
        if (scenario->on_signal) permission = true;
        break;
      case Event::kToggleSelf:
        self = !self;
        break;
      case Event::kToggleQuorum:
        quorum = !quorum;
        break;
      case Event::kOpen:
        opened_by_hand = true;
        if (!serving) Serve();
        break;
      case Event::kHold:
        signalled = opened_by_hand = false;
        if (serving) shut_for = 0;
        serving = false;
        operator_shut = true;
        permission = false;
        break;
      case Event::kDrained:
        if (serving) drained = true;
        break;
      case Event::kPass1:
      case Event::kPass3:
        for (int i = event == Event::kPass1 ? 1 : 3; i > 0; --i) Nanosecond();
        return;
    }
    Look();
  }
  GateState state() const {
    if (serving) return drained ? GateState::kOpen : GateState::kDraining;
    return good_for >= 0 ? GateState::kSettling : GateState::kHolding;
  }
};

class Explorer {
 public:
  explicit Explorer(const Scenario& scenario) : scenario_(scenario) {}

  void Run() {
    const Gate gate(OptionsOf(scenario_), scenario_.two_phase, {kStartNs});
    Visit(gate, Model(scenario_), kStartNs, 0);
  }
  int64_t nodes() const { return nodes_; }

 private:
  bool Relevant(Event event, GateState state) const {
    if (event == Event::kToggleSelf) return scenario_.on_self;
    if (event == Event::kToggleQuorum) return scenario_.on_quorum;
    if (event == Event::kDrained) return state == GateState::kDraining;
    return true;
  }

  // `lazy` has not been advanced since its last event: its answers must not depend on that.
  void Visit(const Gate& lazy, const Model& model, int64_t now_ns, int depth) {
    ++nodes_;
    Gate gate = lazy;
    gate.Advance({now_ns});
    Check(gate, model, now_ns);
    if (testing::Test::HasFailure() || depth == kLengthMax) return;
    for (const Event event : kEvents) {
      if (!Relevant(event, gate.state())) continue;
      path_[static_cast<size_t>(depth)] = event;
      length_ = depth + 1;
      Model next_model = model;
      next_model.Apply(event);
      if (event == Event::kPass1 || event == Event::kPass3) {
        Visit(lazy, next_model, now_ns + (event == Event::kPass1 ? 1 : 3), depth + 1);
      } else {
        Gate next = lazy;
        Apply(next, event, model, {now_ns});
        Visit(next, next_model, now_ns, depth + 1);
      }
      if (testing::Test::HasFailure()) return;
    }
  }

  static void Apply(Gate& gate, Event event, const Model& before, Instant now) {
    static const std::vector<std::string> kWithSelf = {"1", "0"};
    switch (event) {
      case Event::kSignal:
        ASSERT_TRUE(gate.SignalPeergrouper(kWithSelf, now).ok());
        return;
      case Event::kToggleSelf:
        return gate.SetSelfConnection(!before.self, now);
      case Event::kToggleQuorum:
        return gate.SetControllers(before.quorum ? 1 : 2, now);
      case Event::kOpen:
        return gate.Open(now);
      case Event::kHold:
        return gate.Hold(now);
      case Event::kDrained:
        return gate.DrainFinished(now);
      case Event::kPass1:
      case Event::kPass3:
        return;
    }
  }

  void Check(const Gate& gate, const Model& model, int64_t now_ns) {
    const Instant now{now_ns};
    ASSERT_EQ(Name(gate.state()), Name(model.state())) << Path();
    ASSERT_EQ(gate.admits(), model.serving) << Path();
    ASSERT_EQ(gate.OpenTotal(now).ns, model.served_for) << Path();
    ASSERT_EQ(gate.WaitingFor().empty(), gate.state() != GateState::kHolding) << Path();
    ASSERT_EQ(gate.OpensIn(now).has_value(), gate.state() == GateState::kSettling) << Path();
    CheckDeadline(gate, now);
    CheckNothingChanges(gate, now);
    CheckStop(gate, now);
  }

  // By time alone the state changes at NextDeadline and not before.
  void CheckDeadline(const Gate& gate, Instant now) {
    const Instant deadline = gate.NextDeadline();
    ASSERT_GT(deadline.ns, now.ns) << Path();
    Gate before = gate;
    before.Advance(deadline == Instant::Never() ? now + Duration::Seconds(1)
                                                : deadline - Duration{1});
    ASSERT_EQ(before.state(), gate.state()) << Path();
    if (deadline == Instant::Never()) return;
    before.Advance(deadline);
    ASSERT_NE(before.admits(), gate.admits()) << Path();
  }

  void CheckNothingChanges(const Gate& gate, Instant now) {
    static const std::vector<std::string> kWithoutSelf = {"1", "2"};
    Gate same = gate;
    ASSERT_FALSE(same.SignalPeergrouper(kWithoutSelf, now).ok());
    if (gate.state() != GateState::kDraining) same.DrainFinished(now);
    same.Reconfigure(OptionsOf(scenario_), now);
    ASSERT_EQ(same.state(), gate.state()) << Path();
    ASSERT_EQ(same.since(), gate.since()) << Path();
    ASSERT_EQ(same.NextDeadline(), gate.NextDeadline()) << Path();
  }

  void CheckStop(Gate gate, Instant now) {
    gate.Stop(now);
    gate.Open(now);
    gate.Hold(now);
    gate.SetSelfConnection(true, now);
    gate.Advance(now + Duration{100});
    ASSERT_EQ(gate.state(), GateState::kStopping) << Path();
    ASSERT_EQ(gate.NextDeadline(), Instant::Never()) << Path();
  }

  std::string Path() const {
    static constexpr std::array<const char*, 8> kNames = {"signal", "self",    "quorum", "open",
                                                          "hold",   "drained", "+1",     "+3"};
    std::string text = scenario_.name;
    for (int i = 0; i < length_; ++i) {
      text += std::string(" ") + kNames[static_cast<size_t>(path_[static_cast<size_t>(i)])];
    }
    return text;
  }

  Scenario scenario_;
  std::array<Event, kLengthMax> path_{};
  int length_ = 0;
  int64_t nodes_ = 0;
};

class GateExhaustiveTest : public testing::TestWithParam<Scenario> {};

TEST_P(GateExhaustiveTest, AgreesWithTheModelOnEverySequence) {
  Explorer explorer(GetParam());
  explorer.Run();
  EXPECT_GT(explorer.nodes(), 20'000) << "the enumeration is not what it says";
  RecordProperty("nodes", std::to_string(explorer.nodes()));
}

INSTANTIATE_TEST_SUITE_P(
    Scenarios, GateExhaustiveTest,
    testing::Values(
        //       name                 2ph   signal self   quorum manual delay rehold anyway
        Scenario{"Signal", true, true, false, false, false, 4, -1, 0},
        Scenario{"SignalAtOnce", true, true, false, false, false, 0, -1, 7},
        Scenario{"SignalSelfRehold", true, true, true, false, false, 2, 2, 0},
        Scenario{"SelfQuorumRehold", true, false, true, true, false, 2, 2, 0},
        Scenario{"SelfReholdAnyway", true, false, true, false, false, 2, 0, 5},
        Scenario{"SignalSelfAnyway", true, true, true, false, false, 3, -1, 4},
        Scenario{"Manual", true, false, false, false, true, 2, -1, 0},
        Scenario{"SignalManualSelf", true, true, true, false, true, 1, 1, 3},
        Scenario{"OnePhase", false, true, true, false, false, 2, 2, 3}),
    [](const testing::TestParamInfo<Scenario>& scenario) {
      return std::string(scenario.param.name);
    });

}  // namespace
}  // namespace floodgate
