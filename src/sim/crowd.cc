#include "sim/crowd.h"

#include <algorithm>
#include <utility>

namespace floodgate::sim {
namespace {

constexpr size_t kHelloBytes = 40;
constexpr size_t kReadMaxBytes = size_t{64} * 1024;
// Nobody connects again sooner: its own host needs so long.
constexpr Duration kRetryLeast = Duration::Milliseconds(2);
constexpr Duration kCalmPatience = Duration::Seconds(30);
// A crowd of one address needs ports.
constexpr uint16_t kFirstPort = 1024;

PeerAddress AddressOf(const ClientSetup& setup, size_t index, uint32_t attempt) {
  PeerAddress address;
  address.family = PeerAddress::Family::kIp;
  address.ip = setup.address;
  // Different for all who may be there at a time.
  address.port = static_cast<uint16_t>(kFirstPort + (index * 61 + attempt) % 60'000);
  return address;
}

}  // namespace

Crowd::Crowd(Network& network, Ledger& ledger, Verdict& verdict, std::vector<ClientSetup> setups)
    : network_(network), world_(network.world()), ledger_(ledger), verdict_(verdict) {
  AppendRecords(RecordType::kClientHello, std::string(kHelloBytes, 'h'), hello_);
  for (ClientSetup& setup : setups) {
    const uint64_t seed = world_.prng().Next();
    const Instant arrives = setup.arrives;
    if (setup.expects_service) ++unserved_;
    clients_.push_back({.setup = std::move(setup), .backoff = Backoff(setup.retry, seed)});
    world_.At(arrives, *this, Event(Kind::kConnect, clients_.size() - 1, 0));
  }
}

std::string Crowd::DescribeUnserved() const {
  for (const Client& client : clients_) {
    if (!client.setup.expects_service || client.state == State::kServed) continue;
    return absl::StrCat(client.setup.address.ToString(), ", attempt ", client.attempt);
  }
  return "";
}

void Crowd::After(Duration time, Kind kind, size_t index) {
  world_.At(world_.now() + time, *this, Event(kind, index, clients_[index].attempt));
}

void Crowd::OnEvent(uint64_t what) {
  const auto kind = static_cast<Kind>(what & 3);
  const auto index = static_cast<size_t>((what & 0xffff'ffff) >> 2);
  Client& client = clients_[index];
  if (client.attempt != what >> 32) return;
  switch (kind) {
    case Kind::kConnect:
      if (client.state == State::kAway) Connect(index);
      return;
    case Kind::kPatience:
      if (client.fd >= 0) OnFailed(index, "gives up");
      return;
    case Kind::kStep:
      if (client.fd >= 0) OnStep(index);
      return;
  }
}

void Crowd::Connect(size_t index) {
  Client& client = clients_[index];
  ++attempts_;
  ++client.attempt;
  client.state = State::kConnecting;
  client.hello_sent = 0;
  client.input.clear();
  client.output.clear();
  client.finishes = false;
  ConnectOptions options;
  options.from = AddressOf(client.setup, index, client.attempt);
  options.to_port = client.setup.port;
  options.one_way = client.setup.one_way;
  options.syn = client.setup.exponential_syn ? SynSchedule::kExponential : SynSchedule::kLinear;
  client.number =
      ledger_.Begin(options.from, client.setup.request_bytes, client.setup.answer_bytes);
  client.fd = network_.Connect(options);
  network_.Observe(client.fd, this, index);
  verdict_.Tell("client", index, " connects from ", options.from.ToString());
  const Duration patience = calm_ ? kCalmPatience : client.setup.patience;
  if (patience > Duration{}) After(patience, Kind::kPatience, index);
}

void Crowd::OnEnd(int fd, uint64_t tag) {
  const auto index = static_cast<size_t>(tag);
  if (clients_[index].fd == fd && !clients_[index].paused) Look(index);
}

void Crowd::Release(size_t index) {
  Client& client = clients_[index];
  client.paused = false;
  if (client.fd >= 0) Look(index);
}

void Crowd::Look(size_t index) {
  const Client& client = clients_[index];
  const Readiness look = network_.Look(client.fd);
  if (look.refused) return OnFailed(index, "is refused");
  if (look.reset) return OnFailed(index, "is reset");
  if (client.state == State::kConnecting && look.connected) OnConnected(index);
  if (client.fd >= 0 && !client.output.empty()) Send(clients_[index], "");
  if (client.fd >= 0 && client.state != State::kConnecting && look.readable) Read(index);
}

void Crowd::OnConnected(size_t index) {
  Client& client = clients_[index];
  client.state = State::kGreeted;
  const Manner manner = client.setup.manner;
  if (manner == Manner::kSilent) return;
  if (manner == Manner::kSlow || manner == Manner::kResetter || manner == Manner::kLeaver) {
    After(client.setup.step, Kind::kStep, index);
  }
  if (manner == Manner::kSlow) return;
  if (manner == Manner::kGarbage && client.setup.tls) {
    Send(client, std::string(kHelloBytes, '?'));
  } else if (client.setup.tls) {
    Send(client, hello_);
  } else {
    Ask(index);
  }
}

void Crowd::OnStep(size_t index) {
  Client& client = clients_[index];
  if (client.setup.manner != Manner::kSlow) return OnFailed(index, "leaves");
  if (!client.setup.tls) return Ask(index);
  if (client.hello_sent == hello_.size()) return;
  network_.Send(client.fd, absl::string_view(hello_).substr(client.hello_sent++, 1));
  After(client.setup.step, Kind::kStep, index);
}

void Crowd::Ask(size_t index) {
  Client& client = clients_[index];
  if (client.state == State::kAsked) return;
  client.state = State::kAsked;
  Exchange& exchange = ledger_.At(client.number);
  const std::string request = Ledger::Request(client.number, 0, exchange.request_bytes);
  std::string bytes;
  if (client.setup.tls) {
    AppendRecords(RecordType::kClientFinish, std::string(kHelloBytes, 'f'), bytes);
    AppendRecords(RecordType::kData, request, bytes);
  } else {
    bytes = request;
  }
  // Passed through as it is, its FIN looks like a client's that has left: it waits for the answer.
  const bool finishes = client.setup.manner == Manner::kHalfCloser && client.setup.tls;
  if (finishes) AppendRecords(RecordType::kCloseNotify, "", bytes);
  exchange.may_speak = true;
  exchange.request_sent = request.size();
  Send(client, bytes);
  if (finishes) Finish(client);
}

void Crowd::Send(Client& client, absl::string_view bytes) {
  absl::StrAppend(&client.output, bytes);
  const int64_t sent = network_.Send(client.fd, client.output);
  // What cannot be sent because the connection has ended shows when it is looked at.
  if (sent > 0) client.output.erase(0, static_cast<size_t>(sent));
  if (client.output.empty() && client.finishes) network_.Finish(client.fd);
}

void Crowd::Finish(Client& client) {
  ledger_.At(client.number).client_ended = true;
  client.finishes = true;
  if (client.output.empty()) network_.Finish(client.fd);
}

void Crowd::Read(size_t index) {
  Client& client = clients_[index];
  const int fd = client.fd;
  absl::StrAppend(&client.input, network_.Receive(fd, kReadMaxBytes));
  if (!client.setup.tls) {
    const std::string bytes = std::exchange(client.input, {});
    if (!bytes.empty() && !TakeAnswer(index, bytes)) return;
    if (!network_.InputEnded(fd)) return;
    return OnCleanEnd(index);
  }
  const std::string input = std::exchange(client.input, {});
  RecordReader reader(input);
  RecordReader::Record record;
  while (reader.Next(record) == RecordReader::Result::kRecord) {
    if (!Take(index, record)) return;
  }
  client.input = std::string(reader.rest());
  if (network_.InputEnded(fd)) OnFailed(index, "sees the end");
}

bool Crowd::Take(size_t index, const RecordReader::Record& record) {
  Client& client = clients_[index];
  switch (record.type) {
    case RecordType::kServerFlight:
      Ask(index);
      return true;
    case RecordType::kTicket:
      return true;
    case RecordType::kData:
      return TakeAnswer(index, record.payload);
    case RecordType::kCloseNotify:
      OnCleanEnd(index);
      return false;
    case RecordType::kAlert:
    case RecordType::kClientHello:
    case RecordType::kClientFinish:
      break;
  }
  if (client.setup.manner != Manner::kGarbage) {
    verdict_.Fail("relay", "client ", index, " gets an alert, or what is none of its records");
  }
  OnFailed(index, "is told so");
  return false;
}

bool Crowd::TakeAnswer(size_t index, absl::string_view bytes) {
  Client& client = clients_[index];
  ledger_.ClientGot(client.number, bytes);
  Exchange& exchange = ledger_.At(client.number);
  if (client.setup.manner == Manner::kHalfCloser && !client.finishes) Finish(client);
  if (exchange.answer_got < exchange.answer_bytes || client.setup.awaits_end) return true;
  OnServed(index);
  return false;
}

void Crowd::OnCleanEnd(size_t index) {
  Client& client = clients_[index];
  ledger_.ClientGotEnd(client.number);
  const Exchange& exchange = ledger_.At(client.number);
  if (exchange.answer_got == exchange.answer_bytes) return OnServed(index);
  OnFailed(index, "gets no answer");
}

void Crowd::OnServed(size_t index) {
  Client& client = clients_[index];
  verdict_.Tell("client", index, " is served");
  world_.Note(client.number);
  if (client.setup.expects_service) --unserved_;
  Leave(client, State::kServed, /*reset=*/false);
}

void Crowd::OnFailed(size_t index, absl::string_view why) {
  Client& client = clients_[index];
  verdict_.Tell("client", index, why);
  world_.Note(~client.number);
  Leave(client, State::kAway, client.setup.manner == Manner::kResetter);
  std::optional<int64_t> delay_ns = client.backoff.NextDelayNs();
  const bool comes_again = delay_ns.has_value() && (!calm_ || client.setup.expects_service);
  if (!comes_again) {
    client.state = State::kGone;
    return;
  }
  After(std::max(Duration{*delay_ns}, kRetryLeast), Kind::kConnect, index);
}

void Crowd::Leave(Client& client, State state, bool reset) {
  Exchange& exchange = ledger_.At(client.number);
  exchange.client_ended = true;
  exchange.cut = !client.output.empty();
  const int fd = std::exchange(client.fd, -1);
  if (reset) {
    network_.Reset(fd);
  } else {
    network_.Close(fd);
  }
  client.state = state;
}

void Crowd::Calm() {
  calm_ = true;
  for (size_t index = 0; index < clients_.size(); ++index) {
    Client& client = clients_[index];
    if (client.setup.expects_service) {
      if (client.fd >= 0) After(kCalmPatience, Kind::kPatience, index);
      continue;
    }
    if (client.fd >= 0) Leave(client, State::kGone, /*reset=*/false);
    client.state = State::kGone;
  }
}

}  // namespace floodgate::sim
