// A gate, one place to wait, one handshake at a time, one or two clients: every sequence of what
// they and an operator can do, up to a length, judged by the oracle. And after each of them the
// daemon serves a newcomer, and leaves nothing behind when it stops.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "sim/checked_host.h"
#include "sim/records.h"
#include "sim/scenario.h"

namespace floodgate::sim {
namespace {

enum class Happening : uint8_t { kConnect, kHello, kFinish, kLeave, kOpen, kHold, kTick };
struct Step {
  Happening what;
  size_t client = 0;
};

constexpr Mutant kNoMutant = {.name = "none", .what = "nothing"};
constexpr Duration kAMoment = Duration::Milliseconds(2);
constexpr Duration kSoon = Duration::Seconds(1);
constexpr Duration kATick = Duration::Milliseconds(120);  // longer than any time-out

CheckedHostSetup Setup(OverLimit over_limit) {
  CheckedHostSetup setup;
  Options& options = setup.promises.options;
  options = ScenarioOptions();
  options.limits.handshakes = 1;
  options.limits.waiting = 1;
  options.limits.delayed = 1;
  options.limits.sources = 4;
  options.limits.source_rate = 5;
  options.limits.source_burst = 1;
  options.limits.over_limit = over_limit;
  options.limits.delay = Duration::Milliseconds(60);
  options.limits.handshake_timeout = Duration::Milliseconds(100);
  setup.promises.handshakes_max = 1;
  setup.promises.token_interval = Duration::Milliseconds(200);
  setup.tls_costs.hello = Duration::Microseconds(200);
  setup.backend.port = kBackendPort;
  return setup;
}

// What a client has done so far; all of them come from one source.
class Puppet {
 public:
  Puppet(CheckedHost& host, uint32_t address) : host_(host), address_(address) {}

  void Connect() {
    ConnectOptions options;
    options.from.family = PeerAddress::Family::kIp;
    options.from.ip = IpAddress::V4(address_);
    options.from.port = static_cast<uint16_t>(1024 + ++connects_);
    options.to_port = kAgentPort;
    exchange_ = host_.ledger().Begin(options.from, 16, 16);
    fd_ = host_.network().Connect(options);
  }
  void Hello() {
    std::string bytes;
    AppendRecords(RecordType::kClientHello, "hello", bytes);
    host_.network().Send(fd_, bytes);
  }
  void Finish() {
    Exchange& exchange = host_.ledger().At(exchange_);
    exchange.may_speak = true;
    std::string bytes;
    AppendRecords(RecordType::kClientFinish, "finish", bytes);
    AppendRecords(RecordType::kData, Ledger::Request(exchange_, 0, 16), bytes);
    if (host_.network().Send(fd_, bytes) <= 0) return;
    exchange.request_sent = 16;
  }
  void Leave() {
    if (fd_ < 0) return;
    host_.ledger().At(exchange_).client_ended = true;
    host_.network().Close(fd_);
    fd_ = -1;
  }
  // The whole of an answer has come.
  bool Answered() {
    received_ += host_.network().Receive(fd_, 65536);
    RecordReader reader(received_);
    RecordReader::Record record;
    while (reader.Next(record) == RecordReader::Result::kRecord) {
      if (record.type == RecordType::kData) return record.payload.size() == 16;
    }
    return false;
  }

 private:
  CheckedHost& host_;
  uint32_t address_;
  int connects_ = 0;
  int fd_ = -1;
  uint64_t exchange_ = 0;
  std::string received_;
};

class Enumeration {
 public:
  Enumeration(OverLimit over_limit, size_t clients, size_t length)
      : setup_(Setup(over_limit)), clients_(clients), length_(length) {}

  // The first fault, with the sequence that led to it; "": none.
  std::string Run() {
    Extend();
    return fault_;
  }
  int sequences() const { return sequences_; }

 private:
  // How far a client is: away, connected, has said hello, has finished.
  static constexpr int kAway = 0;

  void Extend() {
    if (!fault_.empty()) return;
    if (steps_.size() == length_) return Play();
    for (size_t client = 0; client < clients_; ++client) {
      const int before = progress_[client];
      constexpr Happening kNext[] = {Happening::kConnect, Happening::kHello, Happening::kFinish};
      if (before < 3) With({kNext[before], client}, client, before + 1);
      if (before != kAway) With({Happening::kLeave, client}, client, kAway);
      if (before == kAway) break;  // The others are the same as this one.
    }
    for (const Happening what : {Happening::kOpen, Happening::kHold, Happening::kTick}) {
      With({what}, 0, progress_[0]);
    }
  }
  void With(const Step& step, size_t client, int progress) {
    const int before = std::exchange(progress_[client], progress);
    steps_.push_back(step);
    Extend();
    steps_.pop_back();
    progress_[client] = before;
  }

  void Play();
  static void Do(CheckedHost& host, const Step& step, std::vector<Puppet>& puppets);
  std::string Describe() const;

  CheckedHostSetup setup_;
  size_t clients_;
  size_t length_;
  std::array<int, 2> progress_{};
  std::vector<Step> steps_;
  std::string fault_;
  int sequences_ = 0;
};

void Enumeration::Do(CheckedHost& host, const Step& step, std::vector<Puppet>& puppets) {
  switch (step.what) {
    case Happening::kConnect:
      return puppets[step.client].Connect();
    case Happening::kHello:
      return puppets[step.client].Hello();
    case Happening::kFinish:
      return puppets[step.client].Finish();
    case Happening::kLeave:
      return puppets[step.client].Leave();
    case Happening::kOpen:
      return host.daemon().Open();
    case Happening::kHold:
      return host.daemon().Hold();
    case Happening::kTick:
      return host.RunFor(kATick);
  }
}

void Enumeration::Play() {
  ++sequences_;
  CheckedHost host(1, setup_, kNoMutant, nullptr);
  std::vector<Puppet> puppets(clients_, Puppet(host, 0x0a00'0001));
  for (const Step& step : steps_) {
    Do(host, step, puppets);
    host.RunFor(kAMoment);
  }
  for (Puppet& puppet : puppets) puppet.Leave();
  host.daemon().Open();
  host.RunFor(kATick);
  Puppet newcomer(host, 0x0a00'0002);
  newcomer.Connect();
  host.RunFor(kAMoment);
  newcomer.Hello();
  host.RunFor(kAMoment);
  newcomer.Finish();
  // Whoever is queued for a token keeps the place until it is due.
  const Instant latest = host.world().now() + kSoon;
  const bool answered = host.RunUntil(latest, [&] { return newcomer.Answered(); });
  if (!answered) host.verdict().Fail("unserved", "the newcomer");
  newcomer.Leave();
  host.StopAndCheck({});
  if (host.verdict().failed()) fault_ = absl::StrCat(Describe(), ": ", host.verdict().text());
}

std::string Enumeration::Describe() const {
  constexpr absl::string_view kNames[] = {"connect", "hello", "finish", "leave",
                                          "open",    "hold",  "tick"};
  std::string text;
  for (const Step& step : steps_) {
    absl::StrAppend(&text, kNames[static_cast<size_t>(step.what)], step.client, " ");
  }
  return text;
}

class SmallModelTest : public ::testing::TestWithParam<OverLimit> {};

TEST_P(SmallModelTest, OneClientHoldsInEverySequence) {
  Enumeration enumeration(GetParam(), /*clients=*/1, /*length=*/6);
  EXPECT_EQ(enumeration.Run(), "");
  EXPECT_GT(enumeration.sequences(), 5'000);
}

TEST_P(SmallModelTest, TwoClientsHoldInEverySequence) {
  Enumeration enumeration(GetParam(), /*clients=*/2, /*length=*/6);
  EXPECT_EQ(enumeration.Run(), "");
  EXPECT_GT(enumeration.sequences(), 10'000);
}

INSTANTIATE_TEST_SUITE_P(Policies, SmallModelTest,
                         ::testing::Values(OverLimit::kDelay, OverLimit::kReset,
                                           OverLimit::kQueue));

}  // namespace
}  // namespace floodgate::sim
