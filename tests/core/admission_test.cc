#include "core/admission.h"

#include <cstdint>
#include <vector>

#include "base/prng.h"
#include "gtest/gtest.h"

namespace floodgate {
namespace {

using Action = Verdict::Action;

constexpr Instant kNow{1'000'000'000};
constexpr PeerAddress kUnix{};

PeerAddress Peer(const char* address) {
  return {.family = PeerAddress::Family::kIp, .port = 4711, .ip = *IpAddress::Parse(address)};
}
std::vector<Cidr> Blocks(std::vector<const char*> texts) {
  std::vector<Cidr> blocks;
  for (const char* text : texts) blocks.push_back(Cidr::Parse(text).value());
  return blocks;
}

class AdmissionTest : public testing::Test {
 protected:
  AdmissionTest() {
    options_.controller.emplace();
    options_.controller->allow = Blocks({"127.0.0.0/8", "::1"});
    limits_.source_rate = 4;
    limits_.source_burst = 2;
    limits_.sources = 1'000;
  }
  Admission Make() const { return Admission(options_, 42); }
  Verdict Agent(Admission& admission, const PeerAddress& peer, Instant now = kNow) const {
    return admission.Judge(Port::kAgent, peer, occupancy_, now);
  }
  // Uses the source's burst up.
  void Exhaust(Admission& admission, const PeerAddress& peer) const {
    for (int i = 0; i < limits_.source_burst; ++i) {
      ASSERT_EQ(Agent(admission, peer).action, Action::kAdmit);
    }
  }

  Options options_;
  LimitOptions& limits_ = options_.limits;
  Occupancy occupancy_;
};

#define EXPECT_REFUSED(verdict, expected_action, expected_reason) \
  do {                                                            \
    const Verdict judged = (verdict);                             \
    EXPECT_EQ(judged.action, expected_action);                    \
    EXPECT_EQ(Name(judged.reason), Name(expected_reason));        \
  } while (false)

TEST_F(AdmissionTest, ControllerPortKnowsOnlyItsAllowList) {
  limits_.connections = 1;
  limits_.source_connections = 1;
  occupancy_ = {.connections = 100, .delayed = 0, .waiting = 0};
  Admission admission = Make();
  const auto controller = [&](const PeerAddress& peer) {
    return admission.Judge(Port::kController, peer, occupancy_, kNow);
  };
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(controller(Peer("127.0.0.1")).action, Action::kAdmit);
    EXPECT_EQ(controller(Peer("::ffff:127.9.9.9")).action, Action::kAdmit);
    EXPECT_EQ(controller(Peer("::1")).action, Action::kAdmit);
    EXPECT_EQ(controller(kUnix).action, Action::kAdmit);
  }
  EXPECT_REFUSED(controller(Peer("192.0.2.1")), Action::kReset, RefusalReason::kDenied);
  EXPECT_EQ(admission.table().tracked(), 0u);
}

TEST_F(AdmissionTest, NoControllerSectionAllowsUnixSocketsAlone) {
  options_.controller.reset();
  Admission admission = Make();
  EXPECT_EQ(admission.Judge(Port::kController, kUnix, {}, kNow).action, Action::kAdmit);
  EXPECT_EQ(admission.Judge(Port::kController, Peer("127.0.0.1"), {}, kNow).action, Action::kReset);
}

TEST_F(AdmissionTest, DeniedIsAlwaysAResetAndComesBeforeExempt) {
  options_.agent.deny = Blocks({"192.0.2.0/24"});
  limits_.exempt = Blocks({"192.0.2.1"});
  for (const OverLimit over : {OverLimit::kDelay, OverLimit::kReset, OverLimit::kQueue}) {
    limits_.over_limit = over;
    Admission admission = Make();
    EXPECT_REFUSED(Agent(admission, Peer("192.0.2.1")), Action::kReset, RefusalReason::kDenied);
    EXPECT_EQ(Agent(admission, Peer("192.0.3.1")).action, Action::kAdmit);
  }
}

TEST_F(AdmissionTest, ExemptSourcesAreNeverLimited) {
  limits_.exempt = Blocks({"192.0.2.1"});
  limits_.source_connections = 1;
  limits_.connections = 5;
  occupancy_.connections = 5;
  Admission admission = Make();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Agent(admission, Peer("192.0.2.1")).action, Action::kAdmit);
  }
  EXPECT_EQ(admission.table().tracked(), 0u);
}

TEST_F(AdmissionTest, SourceRateAtItsEdge) {
  Admission admission = Make();
  const PeerAddress peer = Peer("192.0.2.1");
  const Duration interval = Duration::Milliseconds(250);
  Exhaust(admission, peer);
  EXPECT_REFUSED(Agent(admission, peer), Action::kDelay, RefusalReason::kSourceRate);
  EXPECT_EQ(Agent(admission, Peer("192.0.2.2")).action, Action::kAdmit) << "another source";
  EXPECT_EQ(Agent(admission, peer, kNow + interval - Duration{1}).action, Action::kDelay);
  EXPECT_EQ(Agent(admission, peer, kNow + interval).action, Action::kAdmit);
}

TEST_F(AdmissionTest, ASourceThatHammersGetsItsSteadyRate) {
  limits_.over_limit = OverLimit::kReset;
  Admission admission = Make();
  int admitted = 0;
  for (int64_t ms = 0; ms <= 10'000; ++ms) {
    const Verdict verdict = Agent(admission, Peer("192.0.2.1"), kNow + Duration::Milliseconds(ms));
    admitted += verdict.action == Action::kAdmit ? 1 : 0;
  }
  EXPECT_EQ(admitted, 2 + 40);
}

TEST_F(AdmissionTest, PrefixMakesTheSource) {
  limits_.source_prefix_v4 = 24;
  limits_.source_prefix_v6 = 56;
  Admission admission = Make();
  Exhaust(admission, Peer("192.0.2.1"));
  EXPECT_EQ(Agent(admission, Peer("::ffff:192.0.2.200")).action, Action::kDelay);
  EXPECT_EQ(Agent(admission, Peer("192.0.3.1")).action, Action::kAdmit);
  Exhaust(admission, Peer("2001:db8:0:100::1"));
  EXPECT_EQ(Agent(admission, Peer("2001:db8:0:1ff::9")).action, Action::kDelay);
  EXPECT_EQ(Agent(admission, Peer("2001:db8:0:200::1")).action, Action::kAdmit);
  EXPECT_EQ(admission.BlockOf(Truncate(*IpAddress::Parse("192.0.2.9"), 24)).ToString(),
            "192.0.2.0/24");
}

TEST_F(AdmissionTest, RateOfZeroIsNoLimit) {
  limits_.source_rate = 0;
  Admission admission = Make();
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(Agent(admission, Peer("192.0.2.1")).action, Action::kAdmit);
  }
  EXPECT_EQ(admission.table().tracked(), 0u);
}

TEST_F(AdmissionTest, TotalConnectionsAtTheirEdgeForUnixSocketsToo) {
  limits_.connections = 10;
  Admission admission = Make();
  for (const PeerAddress& peer : {Peer("192.0.2.1"), kUnix}) {
    occupancy_.connections = 9;
    EXPECT_EQ(Agent(admission, peer).action, Action::kAdmit);
    for (const int64_t connections : {10, 11}) {
      occupancy_.connections = connections;
      EXPECT_REFUSED(Agent(admission, peer), Action::kDelay, RefusalReason::kConnections);
    }
  }
  // Those refused took no token: one is left.
  occupancy_.connections = 0;
  EXPECT_EQ(Agent(admission, Peer("192.0.2.1")).action, Action::kAdmit);
  EXPECT_EQ(Agent(admission, Peer("192.0.2.1")).action, Action::kDelay);
}

TEST_F(AdmissionTest, UnixSocketsHaveNoSource) {
  limits_.source_connections = 1;
  Admission admission = Make();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Agent(admission, kUnix).action, Action::kAdmit);
  for (int i = 0; i < 100; ++i) admission.Release(kUnix);
}

TEST_F(AdmissionTest, SourceConnectionsAtTheirEdge) {
  limits_.source_rate = 0;
  limits_.source_connections = 2;
  Admission admission = Make();
  const PeerAddress peer = Peer("192.0.2.1");
  Exhaust(admission, peer);
  EXPECT_EQ(admission.ConnectionsOf(peer.ip), 2);
  EXPECT_REFUSED(Agent(admission, peer), Action::kDelay, RefusalReason::kSourceConnections);
  EXPECT_EQ(admission.ConnectionsOf(peer.ip), 2) << "who is refused does not count";
  admission.Release(peer);
  EXPECT_EQ(Agent(admission, peer).action, Action::kAdmit);
  EXPECT_EQ(Agent(admission, peer).action, Action::kDelay);
  admission.Release(peer);
  admission.Release(peer);
  EXPECT_EQ(admission.ConnectionsOf(peer.ip), 0);
}

TEST_F(AdmissionTest, RefusedForConnectionsTakesNoTokenAndIsCounted) {
  limits_.source_connections = 1;
  Admission admission = Make();
  const PeerAddress peer = Peer("192.0.2.1");
  EXPECT_EQ(Agent(admission, peer).action, Action::kAdmit);
  for (int i = 0; i < 5; ++i) {
    EXPECT_REFUSED(Agent(admission, peer), Action::kDelay, RefusalReason::kSourceConnections);
  }
  EXPECT_EQ(admission.table().Find(peer.ip)->refused, 5u);
  admission.Release(peer);
  EXPECT_EQ(Agent(admission, peer).action, Action::kAdmit) << "the second token of the burst";
}

// --- What becomes of those over a limit

TEST_F(AdmissionTest, DelayHoldsAtMostSoMany) {
  limits_.delayed = 3;
  limits_.delay = Duration::Seconds(7);
  Admission admission = Make();
  const PeerAddress peer = Peer("192.0.2.1");
  Exhaust(admission, peer);
  occupancy_.delayed = 2;
  EXPECT_REFUSED(Agent(admission, peer), Action::kDelay, RefusalReason::kSourceRate);
  EXPECT_EQ(Agent(admission, peer).due, kNow + Duration::Seconds(7));
  for (const int64_t delayed : {3, 4}) {
    occupancy_.delayed = delayed;
    EXPECT_REFUSED(Agent(admission, peer), Action::kReset, RefusalReason::kSourceRate);
  }
}

TEST_F(AdmissionTest, ResetResetsForEveryLimit) {
  limits_.over_limit = OverLimit::kReset;
  limits_.source_connections = 2;
  limits_.connections = 10;
  Admission admission = Make();
  const PeerAddress peer = Peer("192.0.2.1");
  Exhaust(admission, peer);
  EXPECT_REFUSED(Agent(admission, peer), Action::kReset, RefusalReason::kSourceConnections);
  admission.Release(peer);
  EXPECT_REFUSED(Agent(admission, peer), Action::kReset, RefusalReason::kSourceRate);
  occupancy_.connections = 10;
  EXPECT_REFUSED(Agent(admission, peer), Action::kReset, RefusalReason::kConnections);
}

TEST_F(AdmissionTest, QueueGivesTheNextTokens) {
  limits_.over_limit = OverLimit::kQueue;
  Admission admission = Make();
  const PeerAddress peer = Peer("192.0.2.1");
  Exhaust(admission, peer);
  for (int i = 1; i <= 5; ++i) {
    const Verdict verdict = Agent(admission, peer);
    EXPECT_EQ(verdict.action, Action::kQueue);
    EXPECT_EQ(verdict.due, kNow + Duration::Milliseconds(250) * i);
  }
}

TEST_F(AdmissionTest, QueueHoldsAtMostSoManyAndThenTakesNoToken) {
  limits_.over_limit = OverLimit::kQueue;
  limits_.waiting = 3;
  Admission admission = Make();
  const PeerAddress peer = Peer("192.0.2.1");
  occupancy_.waiting = 3;
  Exhaust(admission, peer);  // Whose token is there does not wait.
  for (const int64_t waiting : {3, 4}) {
    occupancy_.waiting = waiting;
    EXPECT_REFUSED(Agent(admission, peer), Action::kReset, RefusalReason::kSourceRate);
  }
  occupancy_.waiting = 2;
  EXPECT_EQ(Agent(admission, peer).due, kNow + Duration::Milliseconds(250));
}

TEST_F(AdmissionTest, QueueGoesNoFurtherThanItsBound) {
  limits_.over_limit = OverLimit::kQueue;
  for (const auto& [patience, bound] :
       {std::pair(std::optional<Duration>(), Admission::kQueuedMax),
        std::pair(std::optional(Duration::Seconds(3)), Duration::Seconds(3)),
        std::pair(std::optional(Duration::Seconds(100)), Admission::kQueuedMax)}) {
    limits_.patience = patience;
    Admission admission = Make();
    const PeerAddress peer = Peer("192.0.2.1");
    Exhaust(admission, peer);
    const auto within = static_cast<int>(bound.ns / Duration::Milliseconds(250).ns);
    for (int i = 1; i <= within; ++i) {
      const Verdict verdict = Agent(admission, peer);
      ASSERT_EQ(verdict.action, Action::kQueue) << i;
      ASSERT_LE(verdict.due, kNow + bound);
    }
    EXPECT_REFUSED(Agent(admission, peer), Action::kReset, RefusalReason::kSourceRate);
    EXPECT_EQ(Agent(admission, peer, kNow + Duration::Milliseconds(250)).action, Action::kQueue);
  }
}

TEST_F(AdmissionTest, QueueDelaysWhereNothingBecomesDue) {
  limits_.over_limit = OverLimit::kQueue;
  limits_.source_connections = 1;
  limits_.connections = 10;
  limits_.delayed = 1;
  Admission admission = Make();
  const PeerAddress peer = Peer("192.0.2.1");
  EXPECT_EQ(Agent(admission, peer).action, Action::kAdmit);
  EXPECT_REFUSED(Agent(admission, peer), Action::kDelay, RefusalReason::kSourceConnections);
  occupancy_.connections = 10;
  EXPECT_REFUSED(Agent(admission, peer), Action::kDelay, RefusalReason::kConnections);
  occupancy_.delayed = 1;
  EXPECT_REFUSED(Agent(admission, peer), Action::kReset, RefusalReason::kConnections);
}

TEST_F(AdmissionTest, QueuedConnectionsCountForTheirSource) {
  limits_.over_limit = OverLimit::kQueue;
  limits_.source_connections = 3;
  Admission admission = Make();
  const PeerAddress peer = Peer("192.0.2.1");
  Exhaust(admission, peer);
  EXPECT_EQ(Agent(admission, peer).action, Action::kQueue);
  EXPECT_REFUSED(Agent(admission, peer), Action::kDelay, RefusalReason::kSourceConnections);
}

// --- Reload

TEST_F(AdmissionTest, ReloadKeepsWhatSourcesOwe) {
  Admission admission = Make();
  const PeerAddress peer = Peer("192.0.2.1");
  Exhaust(admission, peer);
  limits_.source_rate = 40;
  limits_.sources = 2'000;
  admission.Reconfigure(options_);
  EXPECT_EQ(Agent(admission, peer).action, Action::kDelay);
  EXPECT_EQ(Agent(admission, peer, kNow + Duration::Milliseconds(25)).action, Action::kAdmit);
}

TEST_F(AdmissionTest, AnotherPrefixMakesOtherSources) {
  Admission admission = Make();
  Exhaust(admission, Peer("192.0.2.1"));
  limits_.source_prefix_v4 = 24;
  admission.Reconfigure(options_);
  EXPECT_EQ(admission.table().tracked(), 0u);
  Exhaust(admission, Peer("192.0.2.1"));
  EXPECT_EQ(Agent(admission, Peer("192.0.2.2")).action, Action::kDelay);
}

TEST_F(AdmissionTest, ReloadThatTurnsTheConnectionLimitOnFindsThoseOpen) {
  limits_.source_rate = 0;
  Admission admission = Make();
  for (const char* address : {"192.0.2.1", "192.0.2.2", "192.0.2.3"}) {
    EXPECT_EQ(Agent(admission, Peer(address)).action, Action::kAdmit);
  }
  limits_.source_connections = 3;
  limits_.source_prefix_v4 = 24;
  limits_.exempt = Blocks({"192.0.2.3"});
  admission.Reconfigure(options_);
  const IpAddress source = *IpAddress::Parse("192.0.2.0");
  EXPECT_EQ(admission.ConnectionsOf(source), 2);
  EXPECT_EQ(Agent(admission, Peer("192.0.2.9")).action, Action::kAdmit);
  EXPECT_REFUSED(Agent(admission, Peer("192.0.2.9")), Action::kDelay,
                 RefusalReason::kSourceConnections);
  limits_.exempt.clear();
  admission.Reconfigure(options_);
  EXPECT_EQ(admission.ConnectionsOf(source), 4);
  for (const char* address : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.9"}) {
    admission.Release(Peer(address));
  }
  EXPECT_EQ(admission.ConnectionsOf(source), 0);
}

TEST_F(AdmissionTest, ReloadAppliesToLists) {
  Admission admission = Make();
  EXPECT_EQ(Agent(admission, Peer("192.0.2.1")).action, Action::kAdmit);
  options_.agent.deny = Blocks({"192.0.2.1"});
  options_.controller->allow = Blocks({"192.0.2.5"});
  admission.Reconfigure(options_);
  EXPECT_REFUSED(Agent(admission, Peer("192.0.2.1")), Action::kReset, RefusalReason::kDenied);
  EXPECT_EQ(admission.Judge(Port::kController, Peer("127.0.0.1"), {}, kNow).action, Action::kReset);
  EXPECT_EQ(admission.Judge(Port::kController, Peer("192.0.2.5"), {}, kNow).action, Action::kAdmit);
}

TEST_F(AdmissionTest, TokensForPeople) {
  Admission admission = Make();
  const PeerAddress peer = Peer("192.0.2.1");
  EXPECT_EQ(Agent(admission, peer).action, Action::kAdmit);
  const SourceTable::Row row = *admission.table().Find(peer.ip);
  EXPECT_DOUBLE_EQ(admission.TokensOf(row, kNow), 1.0);
  EXPECT_DOUBLE_EQ(admission.TokensOf(row, kNow + Duration::Milliseconds(125)), 1.5);
  EXPECT_DOUBLE_EQ(admission.TokensOf(row, kNow + Duration::Seconds(9)), 2.0);
}

// Random traffic, releases and reloads against plain counts: open connections are exact throughout.
TEST_F(AdmissionTest, OpenConnectionsAreExactAcrossReloads) {
  Prng prng(4);
  limits_.source_rate = 0;
  limits_.source_connections = 3;
  Admission admission = Make();
  std::vector<PeerAddress> open;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t action = prng.Below(100);
    if (action < 55) {
      PeerAddress peer = Peer("10.0.0.0");
      peer.ip.bytes[15] = static_cast<uint8_t>(prng.Below(16));
      if (Agent(admission, peer).action == Action::kAdmit) open.push_back(peer);
    } else if (action < 98 && !open.empty()) {
      std::swap(open[prng.Below(open.size())], open.back());
      admission.Release(open.back());
      open.pop_back();
    } else if (action >= 98) {
      limits_.source_connections = static_cast<int>(prng.Below(6));
      limits_.source_prefix_v4 = prng.Chance(50) ? 32 : 30;
      limits_.exempt = prng.Chance(50) ? Blocks({"10.0.0.4/31"}) : std::vector<Cidr>{};
      admission.Reconfigure(options_);
    }
    const IpAddress address = *IpAddress::Parse("10.0.0.4");
    int64_t expected = 0;
    for (const PeerAddress& peer : open) {
      const bool exempt = !limits_.exempt.empty() && limits_.exempt[0].Contains(peer.ip);
      const bool same = Truncate(peer.ip, limits_.source_prefix_v4) ==
                        Truncate(address, limits_.source_prefix_v4);
      expected += limits_.source_connections > 0 && same && !exempt ? 1 : 0;
    }
    ASSERT_EQ(admission.ConnectionsOf(Truncate(address, limits_.source_prefix_v4)), expected);
  }
}

}  // namespace
}  // namespace floodgate
