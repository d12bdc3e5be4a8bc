#include "tools/storm/storm.h"

#include <openssl/err.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "absl/strings/str_cat.h"
#include "io/socket.h"
#include "tools/storm/sockets.h"

namespace floodgate::storm {
namespace {

constexpr absl::string_view kRequest =
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
constexpr absl::string_view kHello = "hello\n";
constexpr absl::string_view kGarbage = "\x13\x37 this is not what you expect \xff\xfe\n";

double CpuSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace

Instant Storm::ReadClock() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return Instant{int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec};
}

Storm::Storm(const Options& options)
    : options_(options),
      prng_(options.seed),
      backoff_(options.retry_base, options.retry_cap),
      timers_(ReadClock()),
      now_(ReadClock()) {}

absl::StatusOr<std::unique_ptr<Storm>> Storm::Create(const Options& options) {
  std::unique_ptr<Storm> storm(new Storm(options));
  if (absl::Status status = storm->Prepare(); !status.ok()) return status;
  return storm;
}

absl::Status Storm::Prepare() {
  if (options_.cpu >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<size_t>(options_.cpu), &set);
    if (::sched_setaffinity(0, sizeof set, &set) != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("--cpu ", options_.cpu, ": ", std::strerror(errno)));
    }
  }
  const uint64_t limit = RaiseDescriptorLimit();
  const uint64_t needed = static_cast<uint64_t>(options_.agents) + 16;
  if (needed > limit) {
    return absl::InvalidArgumentError(absl::StrCat("--agents ", options_.agents, " needs ", needed,
                                                   " descriptors and the limit is ", limit,
                                                   "; raise it with ulimit -n, or start several"));
  }
  for (const Endpoint& target : options_.targets) {
    absl::StatusOr<std::vector<SocketAddress>> addresses = Resolve(target);
    if (!addresses.ok()) return addresses.status();
    targets_.push_back(addresses->front());
  }
  for (const IpAddress& source : options_.sources) sources_.push_back(SourceAddress(source));
  epoll_ = OwnedFd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) return absl::UnavailableError(std::strerror(errno));
  if (options_.tls()) {
    absl::StatusOr<std::unique_ptr<TlsClient>> tls = TlsClient::Create(options_);
    if (!tls.ok()) return tls.status();
    tls_ = *std::move(tls);
  }
  agents_.resize(static_cast<size_t>(options_.agents));
  for (uint32_t i = 0; i < agents_.size(); ++i) {
    const auto draw = static_cast<int>(prng_.Below(100));
    Agent& agent = agents_[i];
    if (draw < options_.silent_percent) {
      agent.manner = Manner::kSilent;
    } else if (draw < options_.silent_percent + options_.garbage_percent) {
      agent.manner = Manner::kGarbage;
    } else if (draw < options_.silent_percent + options_.garbage_percent + options_.reset_percent) {
      agent.manner = Manner::kReset;
    }
    agent.gives_up = prng_.Chance(static_cast<uint32_t>(options_.give_up_percent));
    waiting_.push_back(i);
  }
  return options_.resumed() ? PrimeTickets() : absl::OkStatus();
}

absl::Status Storm::PrimeTickets() {
  const OwnedFd fd(Connect(0));
  if (!fd.valid()) return absl::UnavailableError(absl::StrCat("connect: ", std::strerror(errno)));
  absl::Status status = tls_->Prime(fd.get(), Duration::Seconds(10));
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(options_.targets.front().ToString(), ": ",
                                                  status.message(), "; is its gate open?"));
}

int Storm::Connect(size_t agent_index) {
  const SocketAddress& target = targets_[agent_index % targets_.size()];
  const SocketAddress* source =
      sources_.empty() ? nullptr : &sources_[agent_index % sources_.size()];
  return StartConnect(target, source);
}

Results Storm::Run(const std::atomic<bool>& interrupted) {
  started_ = now_ = ReadClock();
  const double cpu_before = CpuSeconds();
  std::array<epoll_event, 256> events;
  while (!Finished() && !interrupted.load(std::memory_order_relaxed)) {
    BeginDue();
    const Instant until =
        std::min({timers_.NextDeadline(), NextStart(), started_ + options_.duration});
    const int64_t wait_ns = std::max<int64_t>((until - now_).ns, 0);
    // In milliseconds, rounded up: waking early would spin.
    const auto wait_ms = static_cast<int>(std::min<int64_t>((wait_ns + 999'999) / 1'000'000, 1000));
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), wait_ms);
    now_ = ReadClock();
    for (int i = 0; i < count; ++i) {
      OnEvent(events[static_cast<size_t>(i)].data.u32, events[static_cast<size_t>(i)].events);
    }
    timers_.Advance(now_, [this](uint64_t payload) { OnTimer(payload); });
  }
  for (uint32_t i = 0; i < agents_.size(); ++i) {
    Agent& agent = agents_[i];
    if (agent.phase == Phase::kHeld) Close(agent, options_.close_by_reset);
    if (agent.phase != Phase::kIdle && agent.phase != Phase::kDone && agent.phase != Phase::kHeld) {
      End(i, Outcome::kUnfinished);
    }
  }
  results_.agents = agents_.size();
  results_.elapsed = ReadClock() - started_;
  results_.cpu_seconds = CpuSeconds() - cpu_before;
  return std::move(results_);
}

bool Storm::Finished() const {
  if (now_ - started_ >= options_.duration) return true;
  return done_ == agents_.size();
}

Instant Storm::NextStart() const {
  const bool bounded = options_.concurrency > 0 && in_attempt_ >= options_.concurrency;
  if (waiting_.empty() || bounded) return Instant::Never();
  if (options_.rate <= 0) return now_;
  return started_ +
         Duration{static_cast<int64_t>(static_cast<double>(begun_) * 1e9 / options_.rate)};
}

void Storm::BeginDue() {
  // In bursts, so that a large fleet does not keep the loop from its events.
  for (int i = 0; i < 64 && NextStart() <= now_; ++i) {
    const uint32_t index = waiting_.front();
    waiting_.pop_front();
    Begin(index);
  }
}

void Storm::Begin(uint32_t index) {
  Agent& agent = agents_[index];
  ++begun_;
  ++results_.attempts;
  if (agent.attempts > 0) ++results_.retries;
  ++agent.attempts;
  ++in_attempt_;
  agent.begun = now_;
  if (agent.attempts == 1) agent.first_try = now_;
  agent.requested = false;
  agent.phase = Phase::kConnect;
  agent.fd.Reset(Connect(index));
  if (!agent.fd.valid()) {
    const int error = errno;
    return End(index, error == ECONNREFUSED ? Outcome::kRefused
                      : error == EADDRNOTAVAIL || error == EMFILE || error == EAGAIN
                          ? Outcome::kNoPort
                          : Outcome::kError);
  }
  results_.open_max = std::max(results_.open_max, ++open_);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u32 = index;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, agent.fd.get(), &event);
  if (agent.gives_up) {
    agent.give_up = timers_.Arm(now_ + options_.give_up_after, index | kGiveUpFlag);
  }
  EnterPhase(index, Phase::kConnect);
}

void Storm::EnterPhase(uint32_t index, Phase phase) {
  Agent& agent = agents_[index];
  agent.phase = phase;
  agent.phase_begun = now_;
  timers_.Cancel(agent.timer);
  const Duration own = phase == Phase::kConnect     ? options_.connect_timeout
                       : phase == Phase::kHandshake ? options_.handshake_timeout
                                                    : options_.first_byte_timeout;
  Instant deadline = agent.begun + options_.patience;
  if (own.ns > 0) deadline = std::min(deadline, now_ + own);
  agent.timer = timers_.Arm(deadline, index);
}

void Storm::OnEvent(uint32_t index, uint32_t events) {
  switch (agents_[index].phase) {
    case Phase::kConnect:
      if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) OnConnected(index);
      return;
    case Phase::kHandshake:
      return Handshake(index);
    case Phase::kAnswer:
      return ReadAnswer(index);
    case Phase::kHeld:
      return OnHeldReadable(index);
    case Phase::kIdle:
    case Phase::kDone:
      return;
  }
}

void Storm::OnConnected(uint32_t index) {
  Agent& agent = agents_[index];
  const int error = PendingError(agent.fd.get());
  if (error != 0) {
    return End(index, error == ECONNREFUSED ? Outcome::kRefused
                      : error == ECONNRESET ? Outcome::kReset
                                            : Outcome::kError);
  }
  ++results_.connected;
  results_.connect.Add(now_ - agent.begun);
  if (agent.manner == Manner::kReset) return End(index, Outcome::kGaveUp);
  if (agent.manner == Manner::kGarbage) {
    ::send(agent.fd.get(), kGarbage.data(), kGarbage.size(), MSG_NOSIGNAL);
  }
  if (agent.manner != Manner::kHonest) return EnterPhase(index, Phase::kAnswer);
  if (options_.mode == Mode::kTcp) return OnServed(index);
  if (!options_.tls()) {
    EnterPhase(index, Phase::kAnswer);
    return SendFirst(index);
  }
  agent.ssl = tls_->NewSession(agent.fd.get());
  if (agent.ssl == nullptr) return End(index, Outcome::kError);
  EnterPhase(index, Phase::kHandshake);
  Handshake(index);
}

void Storm::Handshake(uint32_t index) {
  Agent& agent = agents_[index];
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(agent.ssl.get());
  if (result == 1) {
    const Instant now = ReadClock();  // The computation itself is part of what the client sees.
    results_.handshake.Add(now - agent.phase_begun);
    ++(SSL_session_reused(agent.ssl.get()) == 1 ? results_.handshakes_resumed
                                                : results_.handshakes_full);
    now_ = now;
    if (!options_.http()) return OnServed(index);
    EnterPhase(index, Phase::kAnswer);
    return SendFirst(index);
  }
  switch (SSL_get_error(agent.ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return;
    case SSL_ERROR_SYSCALL:
      return End(index, errno == ECONNRESET || errno == EPIPE ? Outcome::kReset : Outcome::kClosed);
    case SSL_ERROR_ZERO_RETURN:
      return End(index, Outcome::kClosed);
    default:
      return End(index, Outcome::kTlsError);
  }
}

void Storm::SendFirst(uint32_t index) {
  Agent& agent = agents_[index];
  const absl::string_view text = options_.http() ? kRequest : kHello;
  agent.requested = true;
  if (agent.ssl != nullptr) {
    ERR_clear_error();
    // The socket is empty and this fits into one record: it cannot be short.
    if (SSL_write(agent.ssl.get(), text.data(), static_cast<int>(text.size())) <= 0) {
      return End(index, Outcome::kReset);
    }
  } else if (::send(agent.fd.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) {
    return End(index, Outcome::kReset);
  }
  ReadAnswer(index);
}

int Storm::ReadSome(Agent& agent) {
  std::array<char, 16384> buffer;
  if (agent.ssl != nullptr) {
    ERR_clear_error();
    const int result = SSL_read(agent.ssl.get(), buffer.data(), buffer.size());
    if (result > 0) return result;
    const int error = SSL_get_error(agent.ssl.get(), result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return 0;
    return error == SSL_ERROR_ZERO_RETURN ? -1 : -2;
  }
  const ssize_t result = ::recv(agent.fd.get(), buffer.data(), buffer.size(), 0);
  if (result > 0) return static_cast<int>(result);
  if (result == 0) return -1;
  return errno == EAGAIN ? 0 : -2;
}

void Storm::ReadAnswer(uint32_t index) {
  Agent& agent = agents_[index];
  const int result = ReadSome(agent);
  if (result == 0) return;
  if (result == -1) return End(index, Outcome::kClosed);
  if (result == -2) return End(index, Outcome::kReset);
  results_.bytes_received += static_cast<uint64_t>(result);
  results_.first_byte.Add(now_ - agent.phase_begun);
  // A fault that is answered was not recognised as one; it counts as served for all to see.
  OnServed(index);
}

void Storm::OnServed(uint32_t index) {
  Agent& agent = agents_[index];
  results_.served.Add(now_ - agent.begun);
  results_.from_first_try.Add(now_ - agent.first_try);
  results_.until_last_served = now_ - started_;
  ++results_.agents_served;
  ++results_.Count(Outcome::kServed);
  --in_attempt_;
  timers_.Cancel(agent.timer);
  timers_.Cancel(agent.give_up);
  agent.phase = Phase::kHeld;
  if (options_.hold_until_end) {
    ++done_;  // Nothing more to do for it, and it stays until the others are done.
    agent.timer = {};
    return;
  }
  if (options_.hold.ns == 0) return AfterAttempt(index, true);
  agent.timer = timers_.Arm(now_ + options_.hold, index);
}

void Storm::OnHeldReadable(uint32_t index) {
  Agent& agent = agents_[index];
  int result = 0;
  while ((result = ReadSome(agent)) > 0) results_.bytes_received += static_cast<uint64_t>(result);
  if (result == 0) return;
  // An answered request may be followed by the server's close; anything else was cut off.
  if (!options_.http()) ++results_.closed_while_held;
  timers_.Cancel(agent.timer);
  if (options_.hold_until_end) {
    Close(agent, false);
    agent.phase = Phase::kDone;
    return;
  }
  AfterAttempt(index, true);
}

void Storm::OnTimer(uint64_t payload) {
  const auto index = static_cast<uint32_t>(payload);
  Agent& agent = agents_[index];
  if ((payload & kGiveUpFlag) != 0) {
    agent.give_up = {};
    return End(index, Outcome::kGaveUp);
  }
  agent.timer = {};
  const bool impatient = now_ >= agent.begun + options_.patience;
  switch (agent.phase) {
    case Phase::kIdle:
      waiting_.push_back(index);
      return;
    case Phase::kConnect:
      return End(index, impatient ? Outcome::kOutOfPatience : Outcome::kConnectTimeout);
    case Phase::kHandshake:
      return End(index, impatient ? Outcome::kOutOfPatience : Outcome::kHandshakeTimeout);
    case Phase::kAnswer:
      return End(index, impatient ? Outcome::kOutOfPatience : Outcome::kFirstByteTimeout);
    case Phase::kHeld:
      return AfterAttempt(index, true);
    case Phase::kDone:
      return;
  }
}

void Storm::End(uint32_t index, Outcome outcome) {
  ++results_.Count(outcome);
  --in_attempt_;
  AfterAttempt(index, false);
}

void Storm::Close(Agent& agent, bool reset) {
  timers_.Cancel(agent.timer);
  timers_.Cancel(agent.give_up);
  agent.timer = agent.give_up = {};
  if (agent.fd.valid()) {
    // An honest client says goodbye; one that gives up just leaves.
    if (agent.ssl != nullptr && agent.phase == Phase::kHeld && !reset) {
      SSL_shutdown(agent.ssl.get());
    }
    if (reset || agent.manner == Manner::kReset) ResetOnClose(agent.fd.get());
    --open_;
  }
  agent.ssl.reset();
  agent.fd.Reset();
}

void Storm::AfterAttempt(uint32_t index, bool served) {
  Agent& agent = agents_[index];
  Close(agent, options_.close_by_reset);
  const bool spent = options_.attempts_max > 0 && agent.attempts >= options_.attempts_max;
  bool again = !served && options_.retry != Retry::kNone && !spent;
  if (options_.attempts > 0) {
    again = results_.attempts + waiting_.size() < static_cast<uint64_t>(options_.attempts);
  }
  if (!again) {
    agent.phase = Phase::kDone;
    ++done_;
    return;
  }
  agent.phase = Phase::kIdle;
  if (served || options_.retry != Retry::kFullJitter) {
    if (served) agent.attempts = 0;
    waiting_.push_back(index);
    return;
  }
  const Duration delay = backoff_.Delay(agent.attempts - 1, prng_);
  agent.timer = timers_.Arm(now_ + delay, index);
}

}  // namespace floodgate::storm
