#include "sim/sim_kernel.h"

#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "sim/sim_kernel_state.h"

namespace floodgate::sim {
namespace {

// Whoever reads a buffer that was given back reads this.
constexpr int kReleasedPattern = 0xdd;

}  // namespace

SocketAddress AddressOfPort(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  SocketAddress result;
  std::memcpy(result.storage, &address, sizeof(address));
  result.size = sizeof(address);
  return result;
}

// --- State: handles

SimKernel::State::State(SimKernel& owning, Network& shared, const KernelOptions& given, Drive how)
    : owner(owning),
      network(shared),
      world(shared.world()),
      options(given),
      drive(how),
      now(shared.world().now()),
      buffers(given.buffers) {
  for (int buffer = given.buffers - 1; buffer >= 0; --buffer) {
    free_buffers.push_back(static_cast<uint16_t>(buffer));
  }
}

SimKernel::State::~State() = default;

void SimKernel::State::Wake() {
  const bool was_ready = AnythingDone();
  wake_due = true;
  TellIfReady(was_ready);
}

void SimKernel::State::TellIfReady(bool was_ready) {
  if (!was_ready && !in_wait && AnythingDone() && on_ready) on_ready();
}

SimKernel::State::Handle& SimKernel::State::HandleOf(int fd) {
  FG_CHECK(network.Exists(fd));
  return handles[fd];
}

void SimKernel::State::Watch(int fd, Handle& handle) {
  if (handle.observed) return;
  // Whoever had it before has forgotten it.
  FG_CHECK(!network.IsObserved(fd));
  handle.observed = true;
  network.Observe(fd, &owner, 0);
}

void SimKernel::State::CheckIdle(int fd) const {
  FG_CHECK(network.Exists(fd));
  const auto found = handles.find(fd);
  if (found == handles.end()) return;
  const Handle& handle = found->second;
  FG_CHECK(handle.readers == 0 && handle.writers == 0 && handle.accepts == 0);
}

void SimKernel::State::Drop(int fd) {
  CheckIdle(fd);
  const auto found = handles.find(fd);
  if (found == handles.end()) return;
  if (found->second.observed) network.Observe(fd, nullptr, 0);
  handles.erase(found);
}

void SimKernel::State::TryAll(int fd) {
  const auto found = handles.find(fd);
  FG_CHECK(found != handles.end());
  const int32_t reader = found->second.reader;
  const int32_t writer = found->second.writer;
  const bool was_ready = AnythingDone();
  if (reader != kNone) Try(reader);
  if (writer != kNone) Try(writer);
  TellIfReady(was_ready);
}

// --- SimKernel

SimKernel::SimKernel(Network& network, const KernelOptions& options, Drive drive)
    : state_(std::make_unique<State>(*this, network, options, drive)) {}

SimKernel::~SimKernel() {
  // What is left open belongs to whoever opened it; it must not tell a kernel that is gone.
  std::vector<int> watched;  // in no order, and none shows
  for (const auto& [fd, handle] : state_->handles) {
    if (handle.observed) watched.push_back(fd);
  }
  for (const int fd : watched) {
    if (state_->network.Exists(fd)) state_->network.Observe(fd, nullptr, 0);
  }
}

void SimKernel::set_faults(const Faults& faults) {
  state_->faults = faults;
}

void SimKernel::set_costs(const KernelCosts& costs) {
  state_->costs = costs;
}

void SimKernel::set_on_ready(std::function<void()> on_ready) {
  state_->on_ready = std::move(on_ready);
}

bool SimKernel::ready() const {
  return state_->AnythingDone() || !state_->submitted.empty();
}

Duration SimKernel::TakeCharge() {
  return std::exchange(state_->charge, Duration{});
}

void SimKernel::Charge(Duration time) {
  state_->charge = state_->charge + time;
}

size_t SimKernel::operations_in_flight() const {
  return state_->in_flight;
}

size_t SimKernel::handles() const {
  return state_->handles.size();
}

bool SimKernel::Submit(const Op& op) {
  FG_CHECK(op.token != kWakeToken && op.token <= kTokenMax);
  State& state = *state_;
  if (state.submitted.size() >= state.options.sq_entries) return false;
  // Behind a Wait there is always room for one.
  if (!state.submitted.empty() && state.Chance(state.faults.queue_full_pct)) return false;
  if (op.kind != OpKind::kCancel) {
    State::Handle& handle = state.HandleOf(op.fd);
    uint32_t& count = op.kind == OpKind::kAccept ? handle.accepts
                      : IsWriter(op)             ? handle.writers
                                                 : handle.readers;
    FG_CHECK(op.kind == OpKind::kAccept || count == 0);
    ++count;
  }
  ++state.in_flight;
  state.submitted.push_back({.op = op, .content = ContentOf(op)});
  return true;
}

size_t SimKernel::Wait(Instant until, absl::Span<Completion> out) {
  FG_CHECK(!out.empty());
  State& state = *state_;
  World& world = state.world;
  state.in_wait = true;
  state.StartSubmitted();
  for (;;) {
    if (state.wake_due) {
      state.wake_due = false;
      state.completions.push_back({.completion = {.token = kWakeToken}});
    }
    if (state.completions.size() < out.size()) {
      state.TakeMultishots(std::max<size_t>((out.size() - state.completions.size()) / 2, 1));
    }
    if (!state.completions.empty() || state.drive == Drive::kByScheduler || world.now() >= until) {
      break;
    }
    if (!world.RunNext(until) && until == Instant::Never()) break;
  }
  size_t count = 0;
  while (count < out.size() && !state.completions.empty()) {
    out[count++] = state.HandOver();
  }
  // One that only starts operations and finds nothing goes on as the next one.
  if (count > 0 || world.now() >= until) Charge(state.costs.wait);
  state.now = world.now();
  state.in_wait = false;
  return count;
}

Instant SimKernel::Now() const {
  return state_->now;
}

Waker& SimKernel::waker() {
  return *state_;
}

absl::Span<std::byte> SimKernel::Buffer(const Completion& completion) {
  FG_CHECK(completion.result > 0 && completion.buffer < state_->buffers.size());
  State::Buffer& buffer = state_->buffers[completion.buffer];
  FG_CHECK(buffer.held && buffer.used == static_cast<uint32_t>(completion.result));
  return {buffer.bytes.get(), buffer.used};
}

void SimKernel::ReleaseBuffer(uint16_t number) {
  FG_CHECK(number < state_->buffers.size());
  State::Buffer& buffer = state_->buffers[number];
  FG_CHECK(buffer.held);
  std::memset(buffer.bytes.get(), kReleasedPattern, buffer.used);
  buffer.held = false;
  state_->free_buffers.push_back(number);
}

size_t SimKernel::buffer_size() const {
  return state_->options.buffer_size;
}

void SimKernel::Close(int fd) {
  state_->Drop(fd);
  state_->network.Close(fd);
  Charge(state_->costs.close);
}

void SimKernel::Reset(int fd) {
  state_->Drop(fd);
  state_->network.Reset(fd);
  Charge(state_->costs.close);
}

void SimKernel::Forget(int fd) {
  state_->Drop(fd);
}

void SimKernel::Shutdown(int fd, bool both) {
  state_->HandleOf(fd);
  state_->network.Finish(fd);
  if (both) state_->network.StopInput(fd);
  state_->TryAll(fd);
}

int SimKernel::OpenSocket(const SocketAddress& address, bool /*speaks_at_once*/) {
  FG_CHECK(address.size > 0);
  const int fd = state_->network.Open();
  state_->HandleOf(fd);
  return fd;
}

bool SimKernel::InputEnded(int fd) {
  return state_->network.InputEnded(fd);
}

QueueReading SimKernel::ReadQueue(int listener) {
  return state_->network.ReadQueue(listener);
}

ConnectionReading SimKernel::ReadConnection(int fd) {
  Charge(state_->costs.read_connection);
  return state_->network.Read(fd);
}

bool SimKernel::ReadAddresses(int fd, PeerAddress* peer, PeerAddress* local) {
  Charge(state_->costs.read_addresses);
  return state_->network.Addresses(fd, peer, local);
}

int SimKernel::Listen(int fd, int backlog) {
  state_->HandleOf(fd);
  return state_->network.Listen(fd, backlog);
}

void SimKernel::OnEnd(int fd, uint64_t /*tag*/) {
  state_->TryAll(fd);
}

void SimKernel::OnEvent(uint64_t what) {
  State& state = *state_;
  const auto slot = static_cast<int32_t>(static_cast<uint32_t>(what));
  State::Pending& pending = state.pending[static_cast<size_t>(slot)];
  if (!pending.active || pending.generation != static_cast<uint32_t>(what >> 32)) return;
  pending.attempt_due = false;
  const bool was_ready = state.AnythingDone();
  state.Attempt(slot);
  state.TellIfReady(was_ready);
}

}  // namespace floodgate::sim
