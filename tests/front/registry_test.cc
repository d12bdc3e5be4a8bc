// The second half of the counter equation, whatever becomes of a connection.
#include "front/registry.h"

#include <gtest/gtest.h>

namespace floodgate {
namespace {

using Kind = Report::Kind;

PeerAddress From(uint32_t address) {
  return {.family = PeerAddress::Family::kIp, .ip = IpAddress::V4(address)};
}

class RegistryTest : public ::testing::Test {
 protected:
  uint64_t Admit(Port port, uint32_t address = 0x0a000001, bool own = false) {
    return registry_.Admit({.peer = From(address), .port = port, .own = own, .worker = 1},
                           /*tls=*/true);
  }
  Registry::Change Tell(uint64_t id, Kind kind, bool resumed = false) {
    const Registry::Change change =
        registry_.OnReport({.id = id, .kind = kind, .resumed = resumed});
    for (const PortCounters& counters : counters_) {
      const uint64_t ended = counters.finished +
                             counters.refused[static_cast<size_t>(RefusalReason::kHandshake)] +
                             counters.refused[static_cast<size_t>(RefusalReason::kBackend)];
      EXPECT_EQ(counters.admitted, counters.handshaking + counters.active + ended);
    }
    return change;
  }
  const PortCounters& agents() const { return counters_[static_cast<size_t>(Port::kAgent)]; }

  std::array<PortCounters, 2> counters_;
  Registry registry_{counters_};
};

TEST_F(RegistryTest, BegunIsToldOnceWhicheverReportComesFirst) {
  const uint64_t told = Admit(Port::kAgent);
  const Registry::Change begun = Tell(told, Kind::kBegun);
  EXPECT_TRUE(begun.begun);
  EXPECT_FALSE(begun.slot_freed);
  EXPECT_FALSE(begun.ended);
  const Registry::Change done = Tell(told, Kind::kHandshakeDone);
  EXPECT_FALSE(done.begun);
  EXPECT_TRUE(done.slot_freed);
  // Who has gone before the first step was never begun, but is no longer to be.
  EXPECT_TRUE(Tell(Admit(Port::kAgent), Kind::kHandshakeFailed).begun);
  EXPECT_EQ(agents().handshakes_begun, 1U);
}

TEST_F(RegistryTest, ALifeWithTls) {
  const uint64_t id = Admit(Port::kAgent);
  EXPECT_EQ(agents().handshaking, 1U);
  const Registry::Change done = Tell(id, Kind::kHandshakeDone, /*resumed=*/true);
  EXPECT_TRUE(done.slot_freed);
  EXPECT_FALSE(done.ended);
  EXPECT_EQ(done.admitted.worker, 1);
  EXPECT_EQ(agents().active, 1U);
  EXPECT_EQ(agents().handshakes_completed, 1U);
  EXPECT_EQ(agents().handshakes_resumed, 1U);
  EXPECT_FALSE(Tell(id, Kind::kEstablished).slot_freed);  // Once only.
  EXPECT_TRUE(Tell(id, Kind::kFinished).ended);
  EXPECT_EQ(agents().finished, 1U);
  EXPECT_EQ(registry_.size(), 0U);
}

TEST_F(RegistryTest, WithoutTlsTheSlotIsFreedByTheBackend) {
  const uint64_t id = registry_.Admit({.peer = From(1), .port = Port::kAgent}, /*tls=*/false);
  EXPECT_EQ(agents().active, 1U);
  EXPECT_TRUE(Tell(id, Kind::kEstablished).slot_freed);
  EXPECT_FALSE(Tell(id, Kind::kFinished).slot_freed);
}

TEST_F(RegistryTest, AFailureFreesTheSlotToo) {
  EXPECT_TRUE(Tell(Admit(Port::kAgent), Kind::kHandshakeFailed).slot_freed);
  EXPECT_EQ(agents().handshakes_failed, 1U);
  const uint64_t id = Admit(Port::kAgent);
  Tell(id, Kind::kHandshakeDone);
  EXPECT_TRUE(Tell(id, Kind::kBackendFailed).ended);
  EXPECT_EQ(agents().refused[static_cast<size_t>(RefusalReason::kBackend)], 1U);
}

TEST_F(RegistryTest, ControllersAreThoseWhoReachedTheBackend) {
  const ControllerPresence& presence = registry_.presence();
  EXPECT_EQ(presence.controllers(), 1);  // This one.
  const uint64_t first = Admit(Port::kController, 7);
  Tell(first, Kind::kHandshakeDone);
  EXPECT_EQ(presence.controllers(), 1);
  Tell(first, Kind::kEstablished);
  EXPECT_EQ(presence.controllers(), 2);
  const uint64_t again = Admit(Port::kController, 7);
  Tell(again, Kind::kHandshakeDone);
  Tell(again, Kind::kEstablished);
  EXPECT_EQ(presence.controllers(), 2);  // The same one twice.
  Tell(first, Kind::kFinished);
  EXPECT_EQ(presence.controllers(), 2);
  Tell(again, Kind::kFinished);
  EXPECT_EQ(presence.controllers(), 1);
}

TEST_F(RegistryTest, ThisHostIsItselfAndNoOtherController) {
  const ControllerPresence& presence = registry_.presence();
  const uint64_t own = Admit(Port::kController, 0x7f000001, /*own=*/true);
  Tell(own, Kind::kHandshakeDone);
  EXPECT_FALSE(presence.self_connected());
  Tell(own, Kind::kEstablished);
  EXPECT_TRUE(presence.self_connected());
  EXPECT_EQ(presence.controllers(), 1);
  Tell(own, Kind::kFinished);
  EXPECT_FALSE(presence.self_connected());
}

TEST_F(RegistryTest, AgentsAreNoControllers) {
  const uint64_t id = Admit(Port::kAgent, 7);
  Tell(id, Kind::kHandshakeDone);
  Tell(id, Kind::kEstablished);
  EXPECT_EQ(registry_.presence().controllers(), 1);
}

}  // namespace
}  // namespace floodgate
