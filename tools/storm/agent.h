// One simulated agent.
#ifndef FLOODGATE_TOOLS_STORM_AGENT_H_
#define FLOODGATE_TOOLS_STORM_AGENT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/time.h"
#include "base/timer_wheel.h"
#include "floodgate/backoff.h"
#include "tools/storm/http_answer.h"
#include "tools/storm/outcome.h"
#include "tools/storm/tls_client.h"

namespace floodgate::storm {

struct Agent {
  // kIdle: not begun, or between two attempts. kConnect, kHandshake, kAnswer: within an attempt.
  // kHeld: served, and stays. kDone: has left for good.
  enum class Phase : uint8_t { kIdle, kConnect, kHandshake, kAnswer, kHeld, kDone };
  enum class Role : uint8_t { kHonest, kSilent, kGarbage, kReset };

  OwnedFd fd;  // invalid in kConnect: a unix socket whose queue was full, to be tried again
  Ssl ssl;
  std::unique_ptr<HttpAnswer> answer;  // from its first byte to its last
  std::string unsent;                  // of a slow agent's first words
  size_t piece_bytes = 0;              // it sends at a time
  Phase phase = Phase::kIdle;
  Role role = Role::kHonest;
  bool gives_up = false;
  bool slow = false;
  bool served = false;          // ever
  bool first_byte = false;      // of this attempt's answer
  bool reset_seen = false;      // a send met the reset, and took its error away from the next read
  bool close_expected = false;  // the server said so, or the agent is done with it
  bool reconnecting = false;    // was served before, and cut off
  bool heartbeat_open = false;  // said, and not answered yet
  Outcome deadline_outcome = Outcome::kUnfinished;
  Backoff backoff{{}, 0};  // its own: whatever the others do, its delays are what the seed says
  uint32_t attempts = 0;   // since it was last served
  TimerId timer;           // of the deadline, of the hold, or until the next attempt
  Instant deadline;        // of the phase: then the attempt ends with deadline_outcome
  uint32_t patience_share = 0;  // of --patience mix
  Duration patience;            // of this attempt
  Instant due;                  // when the next attempt should begin
  Instant arrival;              // when the first one should have begun, or it was cut off
  Instant first_try;
  Instant begun;  // this attempt
  Instant phase_begun;
  Instant hold_end;  // kHeld: Never if it stays until the end

  // Meant to be served: it neither misbehaves nor leaves.
  bool honest() const { return role == Role::kHonest && !gives_up; }
  bool in_attempt() const {
    return phase == Phase::kConnect || phase == Phase::kHandshake || phase == Phase::kAnswer;
  }
};

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_AGENT_H_
