// The handshake and who is let into an accept queue.
#include <algorithm>
#include <array>
#include <cerrno>

#include "absl/types/span.h"
#include "base/check.h"
#include "sim/network.h"

namespace floodgate::sim {
namespace {

// When a SYN is sent again, in seconds after the first, and when that is given up
// (net.ipv4.tcp_syn_retries = 6; tcp_syn_linear_timeouts = 4 adds to them).
constexpr std::array<int, 11> kLinearSeconds = {1, 2, 3, 4, 5, 7, 11, 19, 35, 67, 131};
constexpr std::array<int, 7> kExponentialSeconds = {1, 3, 7, 15, 31, 63, 127};

// CONFIG_HZ = 250, which distributions take.
constexpr int64_t kTickNs = 4'000'000;
// A SYN that is sent again over loopback, from the timer to the queue; the timers of one host run
// one after the other.
constexpr Duration kLoopbackSyn = Duration::Microseconds(5);

// When Linux runs a timer that is set now (kernel/time/timer.c): the next eighth of its order of
// magnitude, so that the timers of one host which are due at nearly the same time run together.
Instant WheelExpiry(Instant now, Duration delay) {
  const int64_t tick = now.ns / kTickNs;
  const int64_t ticks = delay.ns / kTickNs;
  int shift = 0;
  while (ticks >= int64_t{63} << shift) shift += 3;
  const int64_t bucket = ((tick + ticks) >> shift) + 1;
  return Instant{(bucket << shift) * kTickNs};
}

absl::Span<const int> SecondsOf(SynSchedule schedule) {
  if (schedule == SynSchedule::kLinear) return kLinearSeconds;
  return kExponentialSeconds;
}

}  // namespace

int Network::Open() {
  ++open_ends_;
  return Allocate(State::kUnconnected);
}

int Network::Connect(const ConnectOptions& options) {
  const int fd = Open();
  StartConnect(fd, options);
  return fd;
}

void Network::StartConnect(int fd, const ConnectOptions& options) {
  End& end = At(fd);
  FG_CHECK(end.state == State::kUnconnected && options.one_way >= Duration{});
  end.state = State::kSynSent;
  end.client = options.from;
  if (end.client.family != PeerAddress::Family::kIp) {
    end.client.family = PeerAddress::Family::kIp;
    end.client.ip = IpAddress::V4(0x7f000001);
    end.is_local = true;
  }
  if (options.loopback) end.is_local = end.at_once = true;
  if (end.client.port == 0) end.client.port = FreePort();
  end.server_port = options.to_port;
  end.one_way = options.one_way;
  end.syn = options.syn;
  end.since = world_.now();
  Schedule(end.one_way, Happening::kSynArrives, fd);
}

void Network::OnSyn(int client) {
  End& end = At(client);
  if (end.state != State::kSynSent) return;
  if (end.at_once && end.tries > 0 && !end.syn_turn) {
    const Instant turn = std::max(loopback_free_, world_.now());
    loopback_free_ = turn + kLoopbackSyn;
    end.syn_turn = true;
    return Schedule(turn - world_.now(), Happening::kSynArrives, client);
  }
  end.syn_turn = false;
  if (end.tries > 0) ++syn_retransmits_;
  const Listener* listener = ListenerOn(end.server_port);
  if (listener == nullptr) return Schedule(end.one_way, Happening::kRefusalArrives, client);
  if (listener->full()) return DropSyn(client);
  const int server = Allocate(State::kRequest);
  End& request = At(server);
  request.is_server = true;
  request.client = end.client;
  request.server_port = end.server_port;
  request.one_way = end.one_way;
  request.since = world_.now();
  request.listener = listener->identity;
  request.peer = client;
  end.peer = server;
  if (end.at_once) return OnSynAck(client);
  Schedule(end.one_way, Happening::kSynAckArrives, client);
}

// Nobody tells the client; it comes again by itself.
void Network::DropSyn(int client) {
  End& end = At(client);
  ++queue_overflows_;
  const absl::Span<const int> seconds = SecondsOf(end.syn);
  const bool last = end.tries + size_t{1} == seconds.size();
  if (end.at_once && !last) {
    const int before = end.tries == 0 ? 0 : seconds[end.tries - size_t{1}];
    const Instant timer = WheelExpiry(world_.now(), Duration::Seconds(seconds[end.tries] - before));
    ++end.tries;
    return Schedule(timer - world_.now(), Happening::kSynArrives, client);
  }
  const Instant next = end.since + Duration::Seconds(seconds[end.tries]);
  ++end.tries;
  // Each trip takes as long as the first one, so this is not in the past.
  const Duration after = (last ? next : next + end.one_way) - world_.now();
  Schedule(std::max(after, Duration{}), last ? Happening::kSynExpires : Happening::kSynArrives,
           client);
}

void Network::OnSynAck(int client) {
  End& end = At(client);
  if (end.state != State::kSynSent) return;
  end.state = State::kEstablished;
  end.since = world_.now();
  if (end.peer >= 0 && end.is_local) {
    // Over loopback the ACK has arrived before its sender's call returns.
    Enter(end.peer);
  } else if (end.peer >= 0) {
    Schedule(end.one_way, Happening::kAckArrives, end.peer);
  } else {
    SendToNobody(client);
  }
  Notify(client);
}

void Network::Fail(int client, int error) {
  End& end = At(client);
  if (end.state != State::kSynSent) return;
  end.state = State::kFailed;
  end.error = static_cast<uint16_t>(error);
  Notify(client);
}

bool Network::Enter(int server) {
  End& end = At(server);
  FG_CHECK(end.state == State::kRequest);
  Listener* listener = ListenerOn(end.server_port);
  if (listener == nullptr || listener->identity != end.listener) {
    AnswerByReset(server);
    return false;
  }
  if (listener->full()) {
    ++queue_overflows_;
    if (!end.timer_due) {
      end.timer_due = true;
      const Instant timer = end.since + options_.synack_timeout;
      Schedule(std::max(timer - world_.now(), Duration{}), Happening::kSynAckTimer, server);
    }
    return false;
  }
  end.state = State::kQueued;
  end.since = world_.now();
  listener->queue.push_back(server);
  // By an event of its own: the listener's owner may close the connection when it is told.
  if (At(listener->fd).observer != nullptr) Schedule({}, Happening::kLook, listener->fd);
  return true;
}

// There is no such request (any more): a reset goes to whoever is at the other end.
void Network::AnswerByReset(int server) {
  const int client = At(server).peer;
  if (client >= 0) {
    At(client).peer = -1;
    Schedule(At(client).one_way, Happening::kResetArrives, client);
  }
  Free(server);
}

// The SYN-ACK is sent again, and the ACK that answers it may find room. In the end the request is
// forgotten, and the client is told when it next says something.
void Network::OnSynAckTimer(int server) {
  End& end = At(server);
  if (end.state != State::kRequest) return;
  if (end.tries >= options_.synack_retries) {
    if (end.peer >= 0) At(end.peer).peer = -1;
    return Free(server);
  }
  ++end.tries;
  Schedule(end.one_way * 2, Happening::kAckArrives, server);
  Schedule(options_.synack_timeout * (int64_t{1} << end.tries), Happening::kSynAckTimer, server);
}

}  // namespace floodgate::sim
