// The storm: one loop over all agents, in one thread.
#ifndef FLOODGATE_TOOLS_STORM_STORM_H_
#define FLOODGATE_TOOLS_STORM_STORM_H_

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/fd.h"
#include "base/prng.h"
#include "base/time.h"
#include "base/timer_wheel.h"
#include "io/kernel.h"
#include "tools/storm/agent.h"
#include "tools/storm/arrivals.h"
#include "tools/storm/options.h"
#include "tools/storm/results.h"
#include "tools/storm/timeline.h"
#include "tools/storm/tls_client.h"

namespace floodgate::storm {

class Storm {
 public:
  // Resolves the targets, tries the sources, raises the descriptor limit, fetches a session ticket
  // if one is needed. The message of an error says what is possible.
  static absl::StatusOr<std::unique_ptr<Storm>> Create(const Options& options);

  // Runs to the end, once. `interrupted`, set by a signal handler, ends it early.
  Results Run(const std::atomic<bool>& interrupted);

 private:
  // Reads of one agent in a turn; then the others have theirs.
  static constexpr int kReadsPerTurn = 16;
  // What ReadSome gives besides a number of bytes.
  static constexpr int kNothingYet = 0;
  static constexpr int kClosed = -1;
  static constexpr int kReset = -2;
  static constexpr int kBroken = -3;

  using Phase = Agent::Phase;
  using Role = Agent::Role;

  explicit Storm(const Options& options);

  // Before the storm (prepare.cc).
  absl::Status Prepare();
  absl::Status Pin() const;
  absl::Status CheckDescriptors() const;
  absl::Status ResolveTargets();
  absl::Status CheckSources() const;
  absl::Status PrimeTickets();
  void CastRoles();
  std::vector<uint32_t> Shuffled();

  // The loop, and what agents do between attempts (storm.cc).
  void RunTurn();
  bool Finished();
  bool AttemptsMade() const;
  Instant NextStart() const;
  Instant NextArrival() const;
  Instant NextRetry() const;
  Instant NextWake() const;
  void ShowProgress();
  void BeginDue();
  void BeginPaced();
  void BeginArrival();
  void Begin(uint32_t index);
  void BeginLife(Agent& agent);
  void OnTimer(uint32_t index);
  void OnServed(uint32_t index);
  void CountServed(Agent& agent);
  TimelineRow& Row() { return timeline_.At(now_ - started_, open_); }
  void End(uint32_t index, Outcome outcome);
  void LeaveAttempt(uint32_t index);
  void NextLife(uint32_t index, bool served);
  void BeginAfter(uint32_t index, std::optional<int64_t> delay_ns);
  void Close(Agent& agent);
  void CloseAll();
  Results Finish();

  // One attempt (attempt.cc).
  int OpenSocket(uint32_t index) const;
  void Connect(uint32_t index);
  void EnterPhase(uint32_t index, Phase phase);
  void ArmDeadline(uint32_t index, Instant no_later_than);
  void OnEvent(uint32_t index, uint32_t events);
  void OnConnected(uint32_t index);
  void BeginTalk(uint32_t index);
  void Handshake(uint32_t index);
  void SendFirst(uint32_t index);
  void ReadAnswer(uint32_t index);
  bool TakeAnswer(uint32_t index, absl::string_view bytes);
  void OnAnswerEnd(uint32_t index, int read_result);
  bool Say(Agent& agent, absl::string_view words);
  void SendSlowly(uint32_t index, std::string words);
  void SendPiece(uint32_t index);
  int ReadSome(Agent& agent);
  Outcome ConnectFailure(int error);
  void KeepError(absl::string_view where, absl::string_view what);

  // A served agent that stays (held.cc).
  void Stay(uint32_t index);
  void OnHeldTimer(uint32_t index);
  void SayHeartbeat(uint32_t index);
  void ReadWhileHeld(uint32_t index);
  bool TakeHeartbeat(Agent& agent, absl::string_view bytes);
  void EndHold(uint32_t index);
  void CutOff(uint32_t index);

  static Instant ReadClock();

  Options options_;
  Prng prng_;
  Timeline timeline_;
  std::optional<Arrivals> arrivals_;  // if they are scheduled
  std::string request_;               // what an honest agent says first
  std::vector<SocketAddress> targets_;
  OwnedFd epoll_;
  std::unique_ptr<TlsClient> tls_;
  std::vector<Agent> agents_;
  std::deque<uint32_t> waiting_;      // agents that may begin, or are to arrive
  std::deque<uint32_t> retries_;      // those of scheduled arrivals that may try again
  std::vector<uint32_t> read_again_;  // read much in this turn: the others come first
  TimerWheel timers_;
  Results results_;
  Instant now_;
  Instant started_;
  Instant next_progress_ = Instant::Never();
  Instant next_start_;  // when `rate` allows the next attempt
  double cpu_user_before_ = 0;
  double cpu_system_before_ = 0;
  int64_t in_attempt_ = 0;
  int64_t held_ = 0;
  int64_t open_ = 0;
  size_t done_ = 0;
  size_t agents_honest_ = 0;
  size_t honest_served_ = 0;  // at least once
  std::optional<uint64_t> syn_retransmits_before_;
  std::array<char, 65'536> buffer_;
};

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_STORM_H_
