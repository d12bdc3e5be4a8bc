// The storm: one loop over all agents, in one thread.
#ifndef FLOODGATE_TOOLS_STORM_STORM_H_
#define FLOODGATE_TOOLS_STORM_STORM_H_

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/fd.h"
#include "base/prng.h"
#include "base/timer_wheel.h"
#include "core/backoff.h"
#include "io/kernel.h"
#include "tools/storm/options.h"
#include "tools/storm/results.h"
#include "tools/storm/tls_client.h"

namespace floodgate::storm {

class Storm {
 public:
  // Resolves the targets, raises the descriptor limit, fetches a session ticket if one is needed.
  static absl::StatusOr<std::unique_ptr<Storm>> Create(const Options& options);

  // Runs to the end. `interrupted`, set by a signal handler, ends it early.
  Results Run(const std::atomic<bool>& interrupted);

 private:
  enum class Phase : uint8_t { kIdle, kConnect, kHandshake, kAnswer, kHeld, kDone };
  enum class Manner : uint8_t { kHonest, kSilent, kGarbage, kReset };

  struct Agent {
    OwnedFd fd;
    Ssl ssl;
    Phase phase = Phase::kIdle;
    Manner manner = Manner::kHonest;
    bool gives_up = false;
    bool requested = false;
    int attempts = 0;
    TimerId timer;  // of the phase, or until the next attempt
    TimerId give_up;
    Instant first_try;
    Instant begun;  // this attempt
    Instant phase_begun;
  };

  explicit Storm(const Options& options);

  absl::Status Prepare();
  absl::Status PrimeTickets();
  // A connecting socket. -1: errno says why.
  int Connect(size_t agent_index);
  void BeginDue();
  void Begin(uint32_t index);
  void EnterPhase(uint32_t index, Phase phase);
  void OnEvent(uint32_t index, uint32_t events);
  void OnConnected(uint32_t index);
  void Handshake(uint32_t index);
  void SendFirst(uint32_t index);
  void ReadAnswer(uint32_t index);
  void OnHeldReadable(uint32_t index);
  void OnServed(uint32_t index);
  // Reads what is there. > 0 bytes; 0 would block; -1 FIN; -2 reset or error.
  int ReadSome(Agent& agent);
  void OnTimer(uint64_t payload);
  void End(uint32_t index, Outcome outcome);
  void Close(Agent& agent, bool reset);
  void AfterAttempt(uint32_t index, bool served);
  bool Finished() const;
  Instant NextStart() const;
  static Instant ReadClock();

  static constexpr uint64_t kGiveUpFlag = uint64_t{1} << 32;

  Options options_;
  Prng prng_;
  Backoff backoff_;
  std::vector<SocketAddress> targets_;
  std::vector<SocketAddress> sources_;
  OwnedFd epoll_;
  std::unique_ptr<TlsClient> tls_;
  std::vector<Agent> agents_;
  std::deque<uint32_t> waiting_;  // agents that may begin
  TimerWheel timers_;
  Results results_;
  Instant now_;
  Instant started_;
  uint64_t begun_ = 0;
  int64_t in_attempt_ = 0;
  int64_t open_ = 0;
  size_t done_ = 0;
};

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_STORM_H_
