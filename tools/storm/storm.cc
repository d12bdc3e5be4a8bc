// The loop, and what agents do between their attempts.
#include "tools/storm/storm.h"

#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "base/check.h"
#include "tools/storm/sockets.h"
#include "tools/storm/tcp_counters.h"

namespace floodgate::storm {
namespace {

// Events and starts of one turn: small, so that a turn of full handshakes stays short.
constexpr int kEventsPerTurn = 64;
constexpr int kStartsPerTurn = 64;
constexpr int64_t kNsPerMillisecond = 1'000'000;
constexpr Duration kProgressEvery = Duration::Milliseconds(500);
constexpr int64_t kSleepMsMax = 1000;

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

rusage OwnUsage() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage;
}

}  // namespace

Instant Storm::ReadClock() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return Instant{int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec};
}

Results Storm::Run(const std::atomic<bool>& interrupted) {
  started_ = next_start_ = now_ = ReadClock();
  syn_retransmits_before_ = SynRetransmits();
  for (Agent& agent : agents_) agent.due = started_;
  if (options_.progress) next_progress_ = started_;
  const rusage before = OwnUsage();
  cpu_user_before_ = Seconds(before.ru_utime);
  cpu_system_before_ = Seconds(before.ru_stime);
  while (!Finished()) {
    if (interrupted.load(std::memory_order_relaxed)) {
      results_.ended_by = EndedBy::kInterrupt;
      break;
    }
    RunTurn();
  }
  return Finish();
}

void Storm::RunTurn() {
  ShowProgress();
  BeginDue();
  const int64_t wait_ns = std::max<int64_t>((NextWake() - now_).ns, 0);
  // In milliseconds, rounded up: waking early would spin.
  const int64_t wait_ms = (wait_ns + kNsPerMillisecond - 1) / kNsPerMillisecond;
  std::array<epoll_event, kEventsPerTurn> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsPerTurn,
                                 static_cast<int>(std::min(wait_ms, kSleepMsMax)));
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    // A full handshake takes half a millisecond: each event needs a clock of its own.
    now_ = ReadClock();
    OnEvent(event.data.u32, event.events);
  }
  std::vector<uint32_t> again;
  again.swap(read_again_);
  for (const uint32_t index : again) {
    now_ = ReadClock();
    OnEvent(index, EPOLLIN);
  }
  now_ = ReadClock();
  timers_.Advance(now_, [this](uint64_t payload) { OnTimer(static_cast<uint32_t>(payload)); });
}

bool Storm::Finished() {
  const bool attempts_made = AttemptsMade() && in_attempt_ == 0 && held_ == 0;
  if (done_ == agents_.size()) {
    results_.ended_by = EndedBy::kDone;
  } else if (attempts_made) {
    results_.ended_by = EndedBy::kAttempts;
  } else if (now_ - started_ >= options_.duration) {
    results_.ended_by = EndedBy::kDuration;
  } else {
    return false;
  }
  return true;
}

bool Storm::AttemptsMade() const {
  return options_.attempts > 0 && results_.attempts >= static_cast<uint64_t>(options_.attempts);
}

// When the next attempt may begin, if attempts begin as agents can.
Instant Storm::NextStart() const {
  const bool full = options_.concurrency > 0 && in_attempt_ >= options_.concurrency;
  if (waiting_.empty() || full || AttemptsMade()) return Instant::Never();
  return options_.rate > 0 ? next_start_ : now_;
}

// If arrivals are scheduled. Agents that are done arrive again where --attempts asks for it.
Instant Storm::NextArrival() const {
  const bool all_arrived = options_.attempts == 0 && waiting_.empty();
  if (!arrivals_.has_value() || all_arrived || AttemptsMade()) return Instant::Never();
  return started_ + arrivals_->next();
}

Instant Storm::NextRetry() const {
  return retries_.empty() || AttemptsMade() ? Instant::Never() : agents_[retries_.front()].due;
}

Instant Storm::NextWake() const {
  if (!read_again_.empty()) return now_;
  const Instant start = arrivals_.has_value() ? std::min(NextArrival(), NextRetry()) : NextStart();
  return std::min({timers_.NextDeadline(), start, next_progress_, started_ + options_.duration});
}

void Storm::ShowProgress() {
  if (now_ < next_progress_) return;
  next_progress_ = now_ + kProgressEvery;
  const std::string line = ProgressLine(results_, now_ - started_, agents_.size(), open_);
  // The line before is written over, and what is left of it erased (ECMA-48, EL).
  std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
}

// Those overdue begin in the order in which they were due, however late it is.
void Storm::BeginDue() {
  if (!arrivals_.has_value()) return BeginPaced();
  for (int i = 0; i < kStartsPerTurn; ++i) {
    const Instant arrival = NextArrival();
    const Instant retry = NextRetry();
    if (std::min(arrival, retry) > now_) return;
    if (arrival < retry) {
      BeginArrival();
    } else {
      const uint32_t index = retries_.front();
      retries_.pop_front();
      now_ = ReadClock();
      Begin(index);
    }
  }
}

void Storm::BeginArrival() {
  const Instant due = started_ + arrivals_->next();
  arrivals_->Pop();
  if (waiting_.empty()) {  // All agents are at it: --agents are too few for this load.
    ++results_.arrivals_missed;
    return;
  }
  const uint32_t index = waiting_.front();
  waiting_.pop_front();
  agents_[index].due = due;
  now_ = ReadClock();
  Begin(index);
}

void Storm::BeginPaced() {
  // A rate is kept up after a late turn, but not made up for while nobody was free to begin.
  const bool nobody =
      waiting_.empty() || (options_.concurrency > 0 && in_attempt_ >= options_.concurrency);
  if (nobody) next_start_ = std::max(next_start_, now_);
  for (int i = 0; i < kStartsPerTurn && NextStart() <= now_; ++i) {
    const uint32_t index = waiting_.front();
    waiting_.pop_front();
    if (options_.concurrency > 0) agents_[index].due = now_;
    if (options_.rate > 0) {
      agents_[index].due = next_start_;
      next_start_ = next_start_ + Duration{static_cast<int64_t>(1e9 / options_.rate)};
    }
    now_ = ReadClock();
    Begin(index);
  }
}

void Storm::Begin(uint32_t index) {
  Agent& agent = agents_[index];
  FG_CHECK(agent.phase == Phase::kIdle);
  ++results_.attempts;
  ++Row().attempts;
  if (++agent.attempts == 1) {
    BeginLife(agent);
  } else {
    ++results_.retries;
  }
  ++in_attempt_;
  agent.begun = now_;
  agent.patience = options_.patience.Of(agent.patience_share, prng_);
  agent.first_byte = agent.reset_seen = agent.close_expected = false;
  EnterPhase(index, Phase::kConnect);
  Connect(index);
}

void Storm::BeginLife(Agent& agent) {
  agent.first_try = now_;
  if (agent.reconnecting) {
    ++results_.reconnects;
  } else {
    ++Row().arrived;
    agent.arrival = agent.due;
    results_.arrival_late.Add(now_ - agent.due);
  }
}

void Storm::OnTimer(uint32_t index) {
  Agent& agent = agents_[index];
  agent.timer = {};
  if (agent.phase == Phase::kIdle) {
    (arrivals_.has_value() ? retries_ : waiting_).push_back(index);
  } else if (agent.phase == Phase::kHeld) {
    OnHeldTimer(index);
  } else if (now_ >= agent.deadline) {
    agent.close_expected = true;
    End(index, agent.deadline_outcome);
  } else if (!agent.unsent.empty()) {
    SendPiece(index);
  } else {
    Connect(index);  // A full queue of a unix socket: nobody tells when there is room again.
  }
}

void Storm::OnServed(uint32_t index) {
  Agent& agent = agents_[index];
  // The timer may be a little late, but who is served has been served in time.
  if (now_ > agent.deadline) return End(index, agent.deadline_outcome);
  CountServed(agent);
  LeaveAttempt(index);
  agent.phase = Phase::kHeld;
  ++held_;
  options_.holds() ? Stay(index) : EndHold(index);
}

void Storm::CountServed(Agent& agent) {
  const Duration elapsed = now_ - started_;
  ++results_.Count(Outcome::kServed);
  ++Row().served;
  timeline_.Served(now_ - agent.begun);
  results_.served.Add(now_ - agent.begun);
  results_.from_first_try.Add(now_ - agent.first_try);
  Histogram& wait = agent.reconnecting ? results_.time_to_return : results_.time_to_admitted;
  wait.Add(now_ - agent.arrival);
  results_.until_last_served = elapsed;
  if (agent.served) return;
  agent.served = true;
  ++results_.agents_served;
  if (!agent.honest()) return;
  ++honest_served_;
  // The first of the integers that are at least that share.
  if (honest_served_ == (agents_honest_ + 1) / 2) results_.until_50_percent = elapsed;
  if (honest_served_ == (agents_honest_ * 99 + 99) / 100) results_.until_99_percent = elapsed;
  if (honest_served_ == agents_honest_) results_.until_all = elapsed;
}

void Storm::End(uint32_t index, Outcome outcome) {
  Agent& agent = agents_[index];
  if (agent.role != Role::kHonest && agent.phase != Phase::kConnect) {
    outcome = agent.close_expected ? Outcome::kFaultEndedByAgent : Outcome::kFaultEndedByServer;
  }
  ++results_.Count(outcome);
  ++Row().Ended(outcome);
  LeaveAttempt(index);
  Close(agent);
  if (outcome == Outcome::kGaveUp && options_.attempts == 0) {
    agent.phase = Phase::kDone;
    ++done_;
    return;
  }
  NextLife(index, false);
}

void Storm::LeaveAttempt(uint32_t index) {
  Agent& agent = agents_[index];
  timers_.Cancel(agent.timer);
  agent.timer = {};
  --in_attempt_;
  results_.until_last_ended = now_ - started_;
}

// Whether and when the agent, its connection closed, begins again.
void Storm::NextLife(uint32_t index, bool served) {
  Agent& agent = agents_[index];
  const bool spent =
      options_.attempts_max > 0 && agent.attempts >= static_cast<uint32_t>(options_.attempts_max);
  std::optional<int64_t> delay_ns;
  if (!served && !spent) delay_ns = agent.backoff.NextDelayNs();
  if (!delay_ns.has_value()) {
    agent.attempts = 0;
    agent.backoff.Reset();
    agent.reconnecting = false;
    if (options_.attempts == 0) {
      agent.phase = Phase::kDone;
      ++done_;
      return;
    }
  }
  BeginAfter(index, delay_ns);
}

// nullopt: it begins anew, not again.
void Storm::BeginAfter(uint32_t index, std::optional<int64_t> delay_ns) {
  Agent& agent = agents_[index];
  agent.phase = Phase::kIdle;
  agent.due = now_ + Duration{delay_ns.value_or(0)};
  if (delay_ns.value_or(0) > 0) {
    agent.timer = timers_.Arm(agent.due, index);
  } else {
    (delay_ns.has_value() && arrivals_.has_value() ? retries_ : waiting_).push_back(index);
  }
}

void Storm::Close(Agent& agent) {
  timers_.Cancel(agent.timer);
  agent.timer = {};
  if (agent.fd.valid()) {
    const bool reset = options_.close_by_reset || agent.role == Role::kReset;
    // An honest client says goodbye; one that gives up just leaves.
    if (agent.ssl != nullptr && agent.phase == Phase::kHeld && !reset) {
      SSL_shutdown(agent.ssl.get());
    }
    if (reset) ResetOnClose(agent.fd.get());
    --open_;
  }
  agent.ssl.reset();
  agent.answer.reset();
  agent.unsent.clear();
  agent.heartbeat_open = false;
  agent.fd.Reset();
}

void Storm::CloseAll() {
  for (Agent& agent : agents_) {
    if (agent.in_attempt()) ++results_.Count(Outcome::kUnfinished);
    if (agent.in_attempt()) results_.until_last_ended = now_ - started_;
    Close(agent);
    const bool may_leave = agent.role != Role::kHonest || agent.gives_up;
    if (agent.role != Role::kHonest) ++results_.agents_faulty;
    if (!agent.served && !may_leave) ++results_.agents_unserved;
  }
}

Results Storm::Finish() {
  if (options_.progress) std::fputs("\r\x1b[K", stderr);
  now_ = ReadClock();
  results_.started = started_;
  results_.elapsed = now_ - started_;
  const rusage after = OwnUsage();
  results_.cpu_user_seconds = Seconds(after.ru_utime) - cpu_user_before_;
  results_.cpu_system_seconds = Seconds(after.ru_stime) - cpu_system_before_;
  results_.resident_kib_max = after.ru_maxrss;
  results_.agents = agents_.size();
  results_.timeline = timeline_.Finish(results_.elapsed, open_);
  const std::optional<uint64_t> syn_retransmits = SynRetransmits();
  if (syn_retransmits.has_value() && syn_retransmits_before_.has_value()) {
    results_.syn_retransmits = *syn_retransmits - *syn_retransmits_before_;
  }
  CloseAll();
  return std::move(results_);
}

}  // namespace floodgate::storm
