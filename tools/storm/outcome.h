// How an attempt ends. Each ends in exactly one way: attempts = the sum of all outcomes.
#ifndef FLOODGATE_TOOLS_STORM_OUTCOME_H_
#define FLOODGATE_TOOLS_STORM_OUTCOME_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace floodgate::storm {

enum class Outcome : uint8_t {
  kServed,
  kRefused,
  kResetBeforeTls,
  kResetInHandshake,
  kResetBeforeAnswer,
  kClosedBeforeTls,
  kClosedInHandshake,
  kClosedBeforeAnswer,
  kAnswerCutOff,
  kBadAnswer,
  kTlsError,
  kConnectTimeout,
  kHandshakeTimeout,
  kFirstByteTimeout,
  kPatienceInConnect,
  kPatienceInHandshake,
  kPatienceInAnswer,
  kGaveUp,
  kFaultEndedByServer,
  kFaultEndedByAgent,
  kNoPort,
  kError,
  kUnfinished,
};
inline constexpr size_t kOutcomes = static_cast<size_t>(Outcome::kUnfinished) + 1;

struct OutcomeText {
  const char* name;  // in JSON
  const char* meaning;
};
// By the number of the outcome; docs/storm.md has the same list.
inline constexpr std::array<OutcomeText, kOutcomes> kOutcomeTexts = {{
    {"served", "served within the agent's patience"},
    {"refused", "connection refused"},
    {"reset_before_tls", "reset before a byte of TLS came"},
    {"reset_in_handshake", "reset in the middle of the handshake"},
    {"reset_before_answer", "reset before a byte of the answer came"},
    {"closed_before_tls", "closed before a byte of TLS came"},
    {"closed_in_handshake", "closed in the middle of the handshake"},
    {"closed_before_answer", "closed before a byte of the answer came"},
    {"answer_cut_off", "closed or reset within the answer"},
    {"bad_answer", "answered with a status from 400 on, or not in HTTP"},
    {"tls_error", "TLS alert, or not TLS at all"},
    {"connect_timeout", "longer than --connect-timeout, or the kernel gave up"},
    {"handshake_timeout", "longer than --handshake-timeout"},
    {"first_byte_timeout", "longer than --first-byte-timeout"},
    {"patience_in_connect", "out of patience, connecting"},
    {"patience_in_handshake", "out of patience, in the handshake"},
    {"patience_in_answer", "out of patience, waiting for the answer"},
    {"gave_up", "left on purpose: --give-up"},
    {"fault_ended_by_server", "faulty agent that the server turned away"},
    {"fault_ended_by_agent", "faulty agent that left by itself"},
    {"no_port", "the storm's own limit: no port, address or descriptor free"},
    {"error", "another error: see first_error"},
    {"unfinished", "the storm ended first"},
}};
static_assert(kOutcomeTexts.back().name != nullptr, "each outcome has a name");

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_OUTCOME_H_
