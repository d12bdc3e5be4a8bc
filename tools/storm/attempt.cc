// One attempt: connect, handshake, request, answer.
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/storm/sockets.h"
#include "tools/storm/storm.h"

namespace floodgate::storm {
namespace {

constexpr absl::string_view kGarbage = "\x13\x37 this is not what you expect \xff\xfe\n";
// The first piece goes at once, the last after --slow-over.
constexpr int kSlowPieces = 10;
// Until a unix socket with a full queue is tried again.
constexpr Duration kQueueFullDelay = Duration::Milliseconds(5);
bool IsReset(int error) {
  return error == ECONNRESET || error == EPIPE;
}

// What OpenSSL says of the last failure, in words.
std::string TlsErrorText() {
  const unsigned long error = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : absl::StrCat("error ", error);
}

}  // namespace

int Storm::OpenSocket(uint32_t index) const {
  const size_t target = index % targets_.size();
  if (options_.sources.count == 0 || options_.targets[target].is_unix()) {
    return StartConnect(targets_[target], nullptr);
  }
  const SocketAddress source = SourceAddress(options_.sources.Of(index));
  return StartConnect(targets_[target], &source);
}

void Storm::Connect(uint32_t index) {
  Agent& agent = agents_[index];
  agent.fd.Reset(OpenSocket(index));
  if (!agent.fd.valid()) {
    const int error = errno;
    const bool queue_full = error == EAGAIN && options_.targets[index % targets_.size()].is_unix();
    if (queue_full) return ArmDeadline(index, now_ + kQueueFullDelay);
    return End(index, ConnectFailure(error));
  }
  results_.open_max = std::max(results_.open_max, ++open_);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u32 = index;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, agent.fd.get(), &event) != 0) {
    KeepError("epoll_ctl", std::strerror(errno));
    return End(index, Outcome::kError);
  }
}

void Storm::EnterPhase(uint32_t index, Phase phase) {
  Agent& agent = agents_[index];
  agent.phase = phase;
  agent.phase_begun = now_;
  struct End {
    Instant at;
    Outcome outcome;
  };
  End end{agent.begun + agent.patience, Outcome::kPatienceInAnswer};
  End own{now_ + options_.first_byte_timeout, Outcome::kFirstByteTimeout};
  Duration own_limit = options_.first_byte_timeout;
  if (phase == Phase::kConnect) {
    end.outcome = Outcome::kPatienceInConnect;
    own = {now_ + options_.connect_timeout, Outcome::kConnectTimeout};
    own_limit = options_.connect_timeout;
  } else if (phase == Phase::kHandshake) {
    end.outcome = Outcome::kPatienceInHandshake;
    own = {now_ + options_.handshake_timeout, Outcome::kHandshakeTimeout};
    own_limit = options_.handshake_timeout;
  } else if (agent.first_byte) {
    own_limit = Duration();  // It has come; the rest is for patience alone.
  }
  if (own_limit.ns > 0 && own.at < end.at) end = own;
  const Instant leaves = agent.begun + options_.give_up_after;
  if (agent.gives_up && leaves < end.at) end = {leaves, Outcome::kGaveUp};
  agent.deadline = end.at;
  agent.deadline_outcome = end.outcome;
  ArmDeadline(index, end.at);
}

void Storm::ArmDeadline(uint32_t index, Instant no_later_than) {
  Agent& agent = agents_[index];
  timers_.Cancel(agent.timer);
  agent.timer = timers_.Arm(std::min(agent.deadline, no_later_than), index);
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
      return ReadWhileHeld(index);
    case Phase::kIdle:
    case Phase::kDone:
      return;
  }
}

Outcome Storm::ConnectFailure(int error) {
  switch (error) {
    case ECONNREFUSED:
    case ENOENT:  // A unix socket that is not there yet (or no more).
      return Outcome::kRefused;
    case ETIMEDOUT:
      return Outcome::kConnectTimeout;
    case EADDRNOTAVAIL:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return Outcome::kNoPort;
    default:
      KeepError("connect", std::strerror(error));
      return Outcome::kError;
  }
}

void Storm::OnConnected(uint32_t index) {
  Agent& agent = agents_[index];
  const int error = PendingError(agent.fd.get());
  // A reset that follows the connect at once leaves its error here: tcp_reset() of the kernel says
  // ECONNREFUSED only to those not yet connected.
  if (error != 0 && !IsReset(error)) return End(index, ConnectFailure(error));
  ++results_.connected;
  ++Row().connected;
  results_.connect.Add(now_ - agent.begun);
  EnterPhase(index,
             options_.tls() && agent.role == Role::kHonest ? Phase::kHandshake : Phase::kAnswer);
  if (error != 0) {
    return End(index, options_.tls() ? Outcome::kResetBeforeTls : Outcome::kResetBeforeAnswer);
  }
  BeginTalk(index);
}

void Storm::BeginTalk(uint32_t index) {
  Agent& agent = agents_[index];
  switch (agent.role) {
    case Role::kReset:
      agent.close_expected = true;
      return End(index, Outcome::kGaveUp);
    case Role::kGarbage:
      ::send(agent.fd.get(), kGarbage.data(), kGarbage.size(), MSG_NOSIGNAL);
      return ReadAnswer(index);
    case Role::kSilent:
      return ReadAnswer(index);
    case Role::kHonest:
      break;
  }
  if (options_.mode == Mode::kTcp) return OnServed(index);
  if (!options_.tls()) return agent.slow ? SendSlowly(index, request_) : SendFirst(index);
  agent.ssl = tls_->NewSession(agent.fd.get());
  if (agent.ssl == nullptr) {
    KeepError("TLS", "out of memory");
    return End(index, Outcome::kError);
  }
  if (agent.slow) return SendSlowly(index, TlsClient::TakeHello(agent.ssl.get(), agent.fd.get()));
  Handshake(index);
}

void Storm::Handshake(uint32_t index) {
  Agent& agent = agents_[index];
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(agent.ssl.get());
  const int error = errno;
  now_ = ReadClock();  // The computation itself is part of what the client sees.
  if (result == 1) {
    results_.handshake.Add(now_ - agent.phase_begun);
    ++(SSL_session_reused(agent.ssl.get()) == 1 ? results_.handshakes_resumed
                                                : results_.handshakes_full);
    if (!options_.http()) return OnServed(index);
    EnterPhase(index, Phase::kAnswer);
    return SendFirst(index);
  }
  const bool spoken = BIO_number_read(SSL_get_rbio(agent.ssl.get())) > 0;
  switch (SSL_get_error(agent.ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return;
    case SSL_ERROR_SYSCALL:
    case SSL_ERROR_ZERO_RETURN:
      if (IsReset(error) || agent.reset_seen) {
        return End(index, spoken ? Outcome::kResetInHandshake : Outcome::kResetBeforeTls);
      }
      return End(index, spoken ? Outcome::kClosedInHandshake : Outcome::kClosedBeforeTls);
    default:
      KeepError("TLS", TlsErrorText());
      return End(index, Outcome::kTlsError);
  }
}

void Storm::SendFirst(uint32_t index) {
  Agent& agent = agents_[index];
  // The socket's buffer is empty and this fits: it cannot be short. If it fails, there may still be
  // something to read.
  if (!request_.empty()) Say(agent, request_);
  ReadAnswer(index);
}

bool Storm::Say(Agent& agent, absl::string_view words) {
  ERR_clear_error();
  errno = 0;
  const bool sent =
      agent.ssl != nullptr
          ? SSL_write(agent.ssl.get(), words.data(), static_cast<int>(words.size())) > 0
          : ::send(agent.fd.get(), words.data(), words.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(words.size());
  if (!sent && IsReset(errno)) agent.reset_seen = true;
  return sent;
}

void Storm::SendSlowly(uint32_t index, std::string words) {
  Agent& agent = agents_[index];
  agent.piece_bytes = std::max<size_t>((words.size() + kSlowPieces - 1) / kSlowPieces, 1);
  agent.unsent = std::move(words);
  SendPiece(index);
}

void Storm::SendPiece(uint32_t index) {
  Agent& agent = agents_[index];
  const size_t size = std::min(agent.piece_bytes, agent.unsent.size());
  // As in SendFirst: it fits, and what fails is told by the read.
  const ssize_t sent = ::send(agent.fd.get(), agent.unsent.data(), size, MSG_NOSIGNAL);
  if (sent < 0 && IsReset(errno)) agent.reset_seen = true;
  agent.unsent.erase(0, size);
  if (!agent.unsent.empty()) ArmDeadline(index, now_ + options_.slow_over / (kSlowPieces - 1));
  OnEvent(index, EPOLLIN);  // What came meanwhile is not told again.
}

// Bytes in buffer_, or one of the constants above.
int Storm::ReadSome(Agent& agent) {
  errno = 0;
  if (agent.ssl == nullptr) {
    const ssize_t result = ::recv(agent.fd.get(), buffer_.data(), buffer_.size(), 0);
    if (result > 0) return static_cast<int>(result);
    if (result == 0) return kClosed;
    return errno == EAGAIN ? kNothingYet : IsReset(errno) ? kReset : kBroken;
  }
  ERR_clear_error();
  const int result = SSL_read(agent.ssl.get(), buffer_.data(), static_cast<int>(buffer_.size()));
  const int error = errno;
  if (result > 0) return result;
  switch (SSL_get_error(agent.ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return kNothingYet;
    case SSL_ERROR_ZERO_RETURN:
      return kClosed;
    case SSL_ERROR_SYSCALL:
      return IsReset(error) ? kReset : kClosed;
    default:
      KeepError("TLS", TlsErrorText());
      return kBroken;
  }
}

void Storm::ReadAnswer(uint32_t index) {
  Agent& agent = agents_[index];
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const int result = ReadSome(agent);
    if (result == kNothingYet) return;
    if (result < 0) return OnAnswerEnd(index, result);
    results_.bytes_received += static_cast<uint64_t>(result);
    if (TakeAnswer(index, {buffer_.data(), static_cast<size_t>(result)})) return;
  }
  read_again_.push_back(index);
}

// True: the attempt is over.
bool Storm::TakeAnswer(uint32_t index, absl::string_view bytes) {
  Agent& agent = agents_[index];
  if (agent.role != Role::kHonest) return false;  // An alert, a greeting: not what it is here for.
  if (!agent.first_byte) {
    now_ = ReadClock();
    agent.first_byte = true;
    results_.first_byte.Add(now_ - agent.phase_begun);
    if (options_.http()) {
      agent.answer = std::make_unique<HttpAnswer>();
      EnterPhase(index, Phase::kAnswer);  // No longer bounded by --first-byte-timeout.
    }
  }
  if (!options_.http()) {
    OnServed(index);
    return true;
  }
  const HttpAnswer::State state = agent.answer->Feed(bytes);
  if (state != HttpAnswer::State::kDone && state != HttpAnswer::State::kBad) return false;
  agent.close_expected = agent.answer->says_close();
  if (state == HttpAnswer::State::kBad || agent.answer->status() >= 400) {
    End(index, Outcome::kBadAnswer);
  } else {
    OnServed(index);
  }
  return true;
}

void Storm::OnAnswerEnd(uint32_t index, int read_result) {
  Agent& agent = agents_[index];
  if (read_result == kClosed && agent.reset_seen) read_result = kReset;
  if (agent.first_byte) {
    const bool proper = read_result == kClosed && agent.answer != nullptr &&
                        agent.answer->OnClose() == HttpAnswer::State::kDone;
    if (!proper) return End(index, Outcome::kAnswerCutOff);
    if (agent.answer->status() >= 400) return End(index, Outcome::kBadAnswer);
    agent.close_expected = true;
    return OnServed(index);
  }
  if (read_result == kClosed) return End(index, Outcome::kClosedBeforeAnswer);
  if (read_result == kReset) return End(index, Outcome::kResetBeforeAnswer);
  return End(index, agent.ssl != nullptr ? Outcome::kTlsError : Outcome::kError);
}

void Storm::KeepError(absl::string_view where, absl::string_view what) {
  if (results_.first_error.empty()) results_.first_error = absl::StrCat(where, ": ", what);
}

}  // namespace floodgate::storm
