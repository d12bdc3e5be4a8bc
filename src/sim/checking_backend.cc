#include "sim/checking_backend.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "front/proxy_protocol_reader.h"

namespace floodgate::sim {
namespace {

constexpr size_t kReadMaxBytes = size_t{64} * 1024;
constexpr size_t kSlowReadBytes = 700;
constexpr Duration kSlowReadEvery = Duration::Milliseconds(1);

}  // namespace

CheckingBackend::CheckingBackend(Network& network, Ledger& ledger, Verdict& verdict,
                                 const CheckingBackendSetup& setup)
    : network_(network), ledger_(ledger), verdict_(verdict), setup_(setup) {
  Listen();
}

void CheckingBackend::Listen() {
  if (listener_ >= 0) return;
  listener_ = network_.OpenListener(setup_.port);
  FG_CHECK(listener_ >= 0);
  const int result = network_.Listen(listener_, setup_.backlog);
  FG_CHECK(result == 0);
  network_.Observe(listener_, this, 0);
}

void CheckingBackend::Refuse() {
  if (listener_ < 0) return;
  network_.Observe(listener_, nullptr, 0);
  network_.Close(std::exchange(listener_, -1));
}

CheckingBackend::Way CheckingBackend::DrawWay() {
  const BackendManners& manners = setup_.manners;
  Way way = Way::kFast;
  for (const auto& [percent, drawn] :
       {std::pair(manners.slow_pct, Way::kSlow), std::pair(manners.black_hole_pct, Way::kBlackHole),
        std::pair(manners.deaf_pct, Way::kDeaf), std::pair(manners.dies_pct, Way::kDies),
        std::pair(manners.closes_pct, Way::kCloses)}) {
    if (network_.world().prng().Chance(percent)) way = drawn;
  }
  return way;
}

void CheckingBackend::AcceptAll() {
  PeerAddress ignored;
  for (;;) {
    const int fd = network_.Accept(listener_, &ignored);
    if (fd < 0) return;
    network_.Observe(fd, this, 1);
    Peer& peer = peers_[fd];
    peer = {.life = ++lives_, .way = DrawWay()};
    peer.finishes = network_.world().prng().Chance(50);
    verdict_.Tell("backend", "accepts ", fd, ", way ", static_cast<int>(peer.way));
    Look(fd, peer);
  }
}

void CheckingBackend::OnEnd(int fd, uint64_t /*tag*/) {
  if (fd == listener_) return AcceptAll();
  const auto found = peers_.find(fd);
  if (found != peers_.end()) Look(fd, found->second);
}

void CheckingBackend::After(Duration time, int fd, Peer& peer) {
  peer.due = true;
  network_.world().At(network_.world().now() + time, *this,
                      (peer.life << 24) | static_cast<uint64_t>(fd));
}

void CheckingBackend::OnEvent(uint64_t what) {
  const int fd = static_cast<int>(what & 0xff'ffff);
  const auto found = peers_.find(fd);
  if (found == peers_.end() || found->second.life != what >> 24) return;
  Peer& peer = found->second;
  peer.due = false;
  const bool complete = peer.number > 0 && ledger_.At(peer.number).request_got ==
                                               ledger_.At(peer.number).request_bytes;
  if (complete && !peer.answered) return Answer(fd, peer);
  Read(fd, peer);
}

void CheckingBackend::Look(int fd, Peer& peer) {
  const Readiness look = network_.Look(fd);
  if (look.reset) return Close(fd, /*reset=*/false);
  if (!peer.output.empty()) return Write(fd, peer);
  if (!look.readable || peer.way == Way::kDeaf || peer.due) return;
  if (peer.way == Way::kSlow) return After(kSlowReadEvery, fd, peer);
  Read(fd, peer);
}

void CheckingBackend::Read(int fd, Peer& peer) {
  const size_t most = peer.way == Way::kSlow ? kSlowReadBytes : kReadMaxBytes;
  for (;;) {
    const std::string bytes = network_.Receive(fd, most);
    if (bytes.empty()) break;
    absl::StrAppend(&peer.input, bytes);
    TakeInput(peer);
    if (peer.way == Way::kCloses && peer.number > 0) return Close(fd, /*reset=*/false);
    if (peer.way == Way::kSlow) break;
  }
  if (network_.InputEnded(fd)) {
    if (peer.number > 0) ledger_.BackendGotEnd(peer.number);
    return Close(fd, /*reset=*/false);
  }
  if (peer.due || peer.answered) return;
  if (peer.number > 0) {
    const Exchange& exchange = ledger_.At(peer.number);
    if (exchange.request_got == exchange.request_bytes && peer.way != Way::kBlackHole) {
      return After(setup_.service, fd, peer);
    }
  }
  if (network_.received_unread(fd) > 0) After(kSlowReadEvery, fd, peer);
}

bool CheckingBackend::TakeHeader(Peer& peer) {
  if (!setup_.proxy_header) return true;
  const ProxyParse header = ParseProxyV2(AsBytes(peer.input));
  if (header.state == ProxyParse::State::kInvalid) {
    verdict_.Fail("header", header.error);
  }
  if (header.state != ProxyParse::State::kComplete) return false;
  peer.source = header.source;
  peer.input.erase(0, header.size);
  return true;
}

void CheckingBackend::TakeInput(Peer& peer) {
  if (!peer.header_read) peer.header_read = TakeHeader(peer);
  if (!peer.header_read || verdict_.failed()) return;
  if (peer.number == 0) {
    if (peer.input.size() < Ledger::kNumberBytes) return;
    peer.number = ledger_.NumberOf(peer.input);
    if (peer.number == 0) return;
    verdict_.Tell("backend", "reads exchange ", peer.number);
    if (setup_.proxy_header) ledger_.CheckHeader(peer.number, peer.source);
  }
  ledger_.BackendGot(peer.number, std::exchange(peer.input, {}));
}

void CheckingBackend::Answer(int fd, Peer& peer) {
  Exchange& exchange = ledger_.At(peer.number);
  size_t size = exchange.answer_bytes;
  if (peer.way == Way::kDies) size /= 2;
  exchange.answer_sent = size;
  peer.answered = true;
  peer.output = Ledger::Answer(peer.number, 0, size);
  Write(fd, peer);
}

void CheckingBackend::Write(int fd, Peer& peer) {
  const int64_t sent = network_.Send(fd, peer.output);
  if (sent > 0) peer.output.erase(0, static_cast<size_t>(sent));
  if (!peer.output.empty()) return;
  Exchange& exchange = ledger_.At(peer.number);
  if (peer.way == Way::kDies) return Close(fd, /*reset=*/true);
  if (!peer.finishes) return Close(fd, /*reset=*/false);
  exchange.backend_ended = exchange.backend_clean = true;
  verdict_.Tell("backend", "has answered exchange ", peer.number);
  network_.Finish(fd);
}

void CheckingBackend::Close(int fd, bool reset) {
  const Peer& peer = peers_.at(fd);
  verdict_.Tell("backend", reset ? "resets " : "closes ", fd, ", exchange ", peer.number);
  if (peer.number > 0) {
    Exchange& exchange = ledger_.At(peer.number);
    const bool clean = !reset && peer.output.empty() && !network_.Look(fd).reset &&
                       network_.received_unread(fd) == 0;
    exchange.backend_ended = true;
    exchange.backend_clean = exchange.backend_clean || clean;
  }
  peers_.erase(fd);
  if (reset) {
    network_.Reset(fd);
  } else {
    network_.Close(fd);
  }
}

std::vector<int> CheckingBackend::Open() const {
  std::vector<int> open;
  for (const auto& [fd, peer] : peers_) open.push_back(fd);
  std::sort(open.begin(), open.end());
  return open;
}

void CheckingBackend::Calm() {
  setup_.manners = {};
  Listen();
  for (const int fd : Open()) {
    const Way way = peers_.at(fd).way;
    if (way == Way::kDeaf || way == Way::kBlackHole) Close(fd, /*reset=*/true);
  }
}

void CheckingBackend::End() {
  Refuse();
  for (const int fd : Open()) Close(fd, /*reset=*/false);
}

}  // namespace floodgate::sim
