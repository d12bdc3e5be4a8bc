#include "sim/backend.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/check.h"
#include "front/proxy_protocol_reader.h"

namespace floodgate::sim {

SimulatedBackend::SimulatedBackend(Network& network, const BackendSetup& setup)
    : network_(network), setup_(setup), answer_(setup.answer_bytes, 'a') {
  listener_ = network_.OpenListener(setup.port);
  FG_CHECK(listener_ >= 0);
  const int result = network_.Listen(listener_, setup.backlog);
  FG_CHECK(result == 0);
  network_.Observe(listener_, this, 0);
  if (setup_.processor != nullptr) thread_ = setup_.processor->Add(*this);
}

void SimulatedBackend::OnEnd(int fd, uint64_t /*tag*/) {
  if (fd == listener_) return AcceptAll();
  const auto found = exchanges_.find(fd);
  if (found != exchanges_.end()) Read(fd, found->second);
}

void SimulatedBackend::AcceptAll() {
  PeerAddress peer;
  for (;;) {
    const int fd = network_.Accept(listener_, &peer);
    if (fd < 0) return;
    ++accepted_;
    network_.Observe(fd, this, 1);
    Exchange& exchange = exchanges_[fd];
    exchange = {.life = ++lives_};
    Read(fd, exchange);
  }
}

void SimulatedBackend::Read(int fd, Exchange& exchange) {
  const Readiness look = network_.Look(fd);
  if (look.reset) {
    if (!exchange.requested) ++failed_;
    return End(fd);
  }
  if (exchange.requested || !look.readable) return;
  for (;;) {
    const std::string bytes = network_.Receive(fd, size_t{64} * 1024);
    if (bytes.empty()) break;
    absl::StrAppend(&exchange.input, bytes);
  }
  bool broken = false;
  if (Complete(exchange.input, broken)) {
    exchange.requested = true;
    exchange.input = {};
    const Instant due = network_.world().now() + setup_.service;
    return network_.world().At(due, *this, Key(fd, exchange.life));
  }
  if (broken || look.end_of_input) {
    ++failed_;
    End(fd);
  }
}

bool SimulatedBackend::Complete(const std::string& input, bool& broken) const {
  if (!setup_.proxy_header) return input.size() >= kRequestBytes;
  const ProxyParse header = ParseProxyV2(AsBytes(input));
  broken = header.state == ProxyParse::State::kInvalid;
  return header.state == ProxyParse::State::kComplete &&
         input.size() >= header.size + kRequestBytes;
}

void SimulatedBackend::OnEvent(uint64_t what) {
  if (setup_.processor == nullptr) return Answer(what);
  requests_.push_back(what);
  setup_.processor->Wake(thread_);
}

Duration SimulatedBackend::Run() {
  at_work_ = requests_.front();
  requests_.pop_front();
  return setup_.cost;
}

void SimulatedBackend::Passed() {
  Answer(at_work_);
}

void SimulatedBackend::Answer(uint64_t key) {
  const int fd = static_cast<int>(key & 0xffff'ffff);
  const auto found = exchanges_.find(fd);
  if (found == exchanges_.end() || found->second.life != key >> 32) return;
  if (network_.Send(fd, answer_) == static_cast<int64_t>(answer_.size())) ++answered_;
  End(fd);
}

void SimulatedBackend::End(int fd) {
  exchanges_.erase(fd);
  network_.Close(fd);
}

}  // namespace floodgate::sim
