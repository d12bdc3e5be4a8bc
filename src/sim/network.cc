// Numbers, listeners, readings; what events mean.
#include "sim/network.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace floodgate::sim {
namespace {

// A number is used again when so many others have been freed after it: whoever uses one that is
// closed is found out.
constexpr size_t kNumbersKeptFree = 1024;
constexpr uint16_t kFirstPort = 32'768;  // net.ipv4.ip_local_port_range
constexpr uint16_t kLastPort = 60'999;

// An event's `what`: happening, bytes, generation, end.
constexpr int kNumberBits = 24;
constexpr int kGenerationBits = 16;
constexpr int kBytesBits = 20;
constexpr size_t kWindowMax = (size_t{1} << kBytesBits) - 1;

PeerAddress HostAddress(uint16_t port) {
  PeerAddress address;
  address.family = PeerAddress::Family::kIp;
  address.ip = IpAddress::V4(0x7f000001);
  address.port = port;
  return address;
}

}  // namespace

Network::Network(World& world, const NetworkOptions& options)
    : world_(world), options_(options), next_port_(kFirstPort) {
  FG_CHECK(options.window > 0 && options.window <= kWindowMax);
}

Network::~Network() = default;

// --- Numbers

Network::End& Network::At(int fd) {
  FG_CHECK(fd >= 0 && fd < numbers_);
  End& end = chunks_[static_cast<size_t>(fd) >> kChunkBits][static_cast<size_t>(fd) % kChunkSize];
  FG_CHECK(end.state != State::kFree);
  return end;
}

const Network::End& Network::At(int fd) const {
  return const_cast<Network*>(this)->At(fd);
}

bool Network::Exists(int fd) const {
  return fd >= 0 && fd < numbers_ &&
         chunks_[static_cast<size_t>(fd) >> kChunkBits][static_cast<size_t>(fd) % kChunkSize]
                 .state != State::kFree;
}

int Network::Allocate(State state) {
  int fd = numbers_;
  if (free_.size() > kNumbersKeptFree) {
    fd = free_.front();
    free_.pop_front();
  } else {
    FG_CHECK(numbers_ < (1 << kNumberBits));
    if (static_cast<size_t>(fd) % kChunkSize == 0) {
      chunks_.push_back(std::make_unique<End[]>(kChunkSize));
    }
    ++numbers_;
  }
  chunks_[static_cast<size_t>(fd) >> kChunkBits][static_cast<size_t>(fd) % kChunkSize].state =
      state;
  return fd;
}

void Network::Free(int fd) {
  End& end = At(fd);
  const auto generation = static_cast<uint16_t>(end.generation + 1);
  end = End();
  end.generation = generation;
  free_.push_back(fd);
}

void Network::Observe(int fd, EndObserver* observer, uint64_t tag) {
  End& end = At(fd);
  end.observer = observer;
  end.tag = tag;
}

// The end may be gone when this returns.
void Network::Notify(int fd) {
  const End& end = At(fd);
  if (end.observer != nullptr) end.observer->OnEnd(fd, end.tag);
}

// --- Events

void Network::Schedule(Duration after, Happening happening, int fd, uint32_t bytes) {
  uint64_t what = static_cast<uint64_t>(happening);
  what = (what << kBytesBits) | bytes;
  what = (what << kGenerationBits) | At(fd).generation;
  what = (what << kNumberBits) | static_cast<uint64_t>(fd);
  world_.At(world_.now() + after, *this, what);
}

void Network::OnEvent(uint64_t what) {
  const int fd = static_cast<int>(what & ((1u << kNumberBits) - 1));
  const auto generation = static_cast<uint16_t>(what >> kNumberBits);
  const auto bytes = static_cast<uint32_t>((what >> (kNumberBits + kGenerationBits)) & kWindowMax);
  // What comes for an end that has closed meanwhile has been answered when that closed.
  if (!Exists(fd) || At(fd).generation != generation) return;
  switch (static_cast<Happening>(what >> (kNumberBits + kGenerationBits + kBytesBits))) {
    case Happening::kSynArrives:
      return OnSyn(fd);
    case Happening::kSynExpires:
      return Fail(fd, ETIMEDOUT);
    case Happening::kSynAckArrives:
      return OnSynAck(fd);
    case Happening::kRefusalArrives:
      return Fail(fd, ECONNREFUSED);
    case Happening::kAckArrives:
      if (At(fd).state == State::kRequest) Enter(fd);
      return;
    case Happening::kSynAckTimer:
      return OnSynAckTimer(fd);
    case Happening::kBytesArrive:
      return OnBytes(fd, bytes);
    case Happening::kBytesAgain:
      return OnBytesAgain(fd);
    case Happening::kFinArrives:
      return OnFin(fd);
    case Happening::kResetArrives:
      return OnReset(fd);
    case Happening::kLook:
      return Notify(fd);
  }
  FG_CHECK(false);
}

// --- Listeners

Network::Listener& Network::ListenerAt(int fd) {
  const End& end = At(fd);
  FG_CHECK(end.state == State::kListener);
  return *listeners_[end.listener];
}

const Network::Listener& Network::ListenerAt(int fd) const {
  return const_cast<Network*>(this)->ListenerAt(fd);
}

Network::Listener* Network::ListenerOn(uint16_t port) {
  const auto found = by_port_.find(port);
  if (found == by_port_.end()) return nullptr;
  Listener& listener = *listeners_[found->second];
  return listener.backlog < 0 ? nullptr : &listener;
}

uint16_t Network::FreePort() {
  for (int tries = 0; tries <= kLastPort - kFirstPort; ++tries) {
    const uint16_t port = next_port_;
    next_port_ = port == kLastPort ? kFirstPort : static_cast<uint16_t>(port + 1);
    if (!by_port_.contains(port)) return port;
  }
  FG_CHECK(false);
}

int Network::OpenListener(uint16_t port) {
  if (port == 0) port = FreePort();
  uint32_t index = 0;
  while (index < listeners_.size() && listeners_[index] != nullptr) ++index;
  if (!by_port_.emplace(port, index).second) return -EADDRINUSE;
  if (index == listeners_.size()) listeners_.emplace_back();
  const int fd = Allocate(State::kListener);
  At(fd).listener = index;
  listeners_[index] = std::make_unique<Listener>();
  Listener& listener = *listeners_[index];
  listener.identity = ++identities_;
  listener.fd = fd;
  listener.port = port;
  ++open_ends_;
  return fd;
}

uint16_t Network::PortOf(int listener) const {
  return ListenerAt(listener).port;
}

int Network::Listen(int listener, int backlog) {
  // listen(2): more than somaxconn, and what is negative (it is taken as unsigned), is clamped.
  const auto asked = static_cast<uint32_t>(backlog);
  ListenerAt(listener).backlog = static_cast<int>(std::min(asked, options_.somaxconn));
  return 0;
}

QueueReading Network::ReadQueue(int listener) const {
  const Listener& read = ListenerAt(listener);
  return {.depth = static_cast<uint32_t>(read.queue.size()),
          .limit = static_cast<uint32_t>(std::max(read.backlog, 0))};
}

int Network::Accept(int listener, PeerAddress* peer) {
  Listener& from = ListenerAt(listener);
  if (from.queue.empty()) return -EAGAIN;
  const int fd = from.queue.front();
  from.queue.pop_front();
  End& end = At(fd);
  end.state = State::kEstablished;
  *peer = end.client;
  ++open_ends_;
  return fd;
}

void Network::CloseListener(int fd) {
  const uint32_t index = At(fd).listener;
  const std::unique_ptr<Listener> closing = std::move(listeners_[index]);
  by_port_.erase(closing->port);
  // Those whose handshake is not complete find out when they next come.
  for (const int queued : closing->queue) Leave(queued, /*abort=*/true);
  Free(fd);
}

// --- Readings

Readiness Network::Look(int fd) const {
  const End& end = At(fd);
  Readiness now;
  if (end.state == State::kListener) {
    now.readable = !ListenerAt(fd).queue.empty();
    return now;
  }
  now.connected = end.state == State::kEstablished;
  now.refused = end.state == State::kFailed;
  now.reset = IsReset(end);
  now.end_of_input = now.connected && HasEnded(end);
  now.readable = end.arrived > end.head || now.end_of_input || now.refused;
  now.writable = now.refused || (now.connected && (end.finished || now.reset || Room(end) > 0));
  now.error = end.error != 0 && (now.refused || now.reset);
  now.both_finished = now.refused || now.reset || (end.finished && now.end_of_input);
  return now;
}

int Network::TakeError(int fd) {
  End& end = At(fd);
  // Linux: what ends with a FIN goes on reading 0 (SOCK_DONE).
  if (end.fin_arrived) return 0;
  return std::exchange(end.error, uint16_t{0});
}

ConnectionReading Network::Read(int fd) const {
  using Reading = ConnectionReading::State;
  const End& end = At(fd);
  const bool established = end.state == State::kEstablished && !end.finished && !IsReset(end) &&
                           !(end.fin_arrived && InputComplete(end));
  ConnectionReading reading;
  reading.queued = world_.now() - end.since;
  reading.state = Reading::kGone;
  if (established) reading.state = end.received ? Reading::kTalking : Reading::kSilent;
  return reading;
}

bool Network::Addresses(int fd, PeerAddress* peer, PeerAddress* local) const {
  const End& end = At(fd);
  // getpeername(2) knows none of a connection that is over.
  if (end.state != State::kEstablished || IsReset(end)) return false;
  const PeerAddress host = HostAddress(end.server_port);
  const bool is_server = end.is_server;
  *peer = is_server ? end.client : host;
  *local = is_server ? host : end.client;
  return true;
}

bool Network::InputEnded(int fd) const {
  const End& end = At(fd);
  return end.state == State::kEstablished && end.arrived == end.head && HasEnded(end) &&
         (end.error == 0 || end.fin_arrived);
}

}  // namespace floodgate::sim
