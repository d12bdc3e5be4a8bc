// Everything at once on the fake kernel, over many seeds: an echo server, clients that come, speak,
// finish, close and reset as the seed draws, and every fault. What a client hears must be the
// beginning of what it said, every operation must end once, and nothing may be left open.
#include <algorithm>
#include <map>

#include "tests/sim/sim_kernel_fixture.h"

namespace floodgate::sim {
namespace {

constexpr uint16_t kPort = 17'070;
constexpr size_t kClients = 60;
constexpr Duration kLong = Duration::Seconds(200);  // longer than any repeat of TCP's

class Clients : public Actor, public EndObserver {
 public:
  Clients(World& world, Network& network) : world_(world), network_(network), clients_(kClients) {
    for (size_t i = 0; i < clients_.size(); ++i) StepLater(i);
  }

  size_t left() const { return left_; }
  size_t heard() const { return heard_; }

  void OnEvent(uint64_t i) override {
    Client& client = clients_[i];
    if (client.over) return;
    if (client.fd < 0) {
      Dial(i);
    } else {
      Act(client);
    }
    if (!client.over) StepLater(i);
  }

  void OnEnd(int fd, uint64_t i) override {
    Client& client = clients_[i];
    for (std::string some = network_.Receive(fd, 100); !some.empty();
         some = network_.Receive(fd, 100)) {
      client.heard += some;
      heard_ += some.size();
    }
    EXPECT_EQ(client.heard, client.said.substr(0, client.heard.size()));
    const Readiness state = network_.Look(fd);
    if (state.refused || state.end_of_input) Leave(client, /*abort=*/false);
  }

 private:
  struct Client {
    int fd = -1;
    bool over = false;
    std::string said;
    std::string heard;
  };

  void StepLater(size_t i) {
    const uint64_t delay = world_.prng().Below(20'000'000);
    world_.At(world_.now() + Duration::Nanoseconds(static_cast<int64_t>(delay)), *this, i);
  }
  void Dial(size_t i) {
    ConnectOptions options;
    options.from.family = PeerAddress::Family::kIp;
    options.from.ip = IpAddress::V4(0x0a000000u + static_cast<uint32_t>(i));
    options.to_port = kPort;
    const uint64_t one_way = world_.prng().Below(1'000'000);
    options.one_way = Duration::Nanoseconds(static_cast<int64_t>(one_way));
    if (world_.prng().Chance(50)) options.syn = SynSchedule::kExponential;
    clients_[i].fd = network_.Connect(options);
    network_.Observe(clients_[i].fd, this, i);
  }
  void Act(Client& client) {
    const uint64_t what = world_.prng().Below(30);
    if (what == 0) return Leave(client, /*abort=*/false);
    if (what == 1) return Leave(client, /*abort=*/true);
    if (what == 2) return network_.Finish(client.fd);
    const uint64_t size = 1 + world_.prng().Below(2000);
    const auto letter = static_cast<char>('a' + world_.prng().Below(26));
    const std::string text(size, letter);
    const int64_t taken = network_.Send(client.fd, text);
    if (taken > 0) client.said += text.substr(0, static_cast<size_t>(taken));
  }
  void Leave(Client& client, bool abort) {
    client.over = true;
    ++left_;
    if (abort) {
      network_.Reset(client.fd);
    } else {
      network_.Close(client.fd);
    }
  }

  World& world_;
  Network& network_;
  std::vector<Client> clients_;
  size_t left_ = 0;
  size_t heard_ = 0;
};

// Receives, sends back, until the end; now and then it cancels what waits and goes on.
class EchoServer {
 public:
  EchoServer(World& world, Network& network)
      : world_(world),
        kernel_(network, {.sq_entries = 64, .buffers = 8, .buffer_size = 512},
                SimKernel::Drive::kByWait),
        listener_(network.OpenListener(kPort)) {
    EXPECT_EQ(kernel_.Listen(listener_, 2), 0);
    Queue({.kind = OpKind::kAcceptMultishot, .fd = listener_, .token = kAccepting});
  }

  SimKernel& kernel() { return kernel_; }
  size_t connections() const { return connections_.size(); }

  void Turn() {
    size_t submitted = 0;
    while (submitted < queued_.size() && kernel_.Submit(queued_[submitted])) ++submitted;
    queued_.erase(queued_.begin(), queued_.begin() + static_cast<std::ptrdiff_t>(submitted));
    std::vector<Completion> some(16);
    const Instant until = queued_.empty() ? world_.now() + Duration::Seconds(1) : world_.now();
    some.resize(kernel_.Wait(until, absl::MakeSpan(some)));
    for (const Completion& completion : some) Dispatch(completion);
  }

  void Stop() {
    kernel_.set_faults({});
    Queue({.kind = OpKind::kCancel, .fd = listener_, .token = kCancel, .target = kAccepting});
    while (!queued_.empty() || kernel_.operations_in_flight() > 0) Turn();
    EXPECT_EQ(connections_.size(), 0u);
    kernel_.Close(listener_);
  }

 private:
  static constexpr uint64_t kAccepting = 1;
  static constexpr uint64_t kCancel = 2;
  static constexpr uint64_t kReceive = 0;
  static constexpr uint64_t kSend = 1;

  struct Connection {
    std::string echo;
    bool dead = false;
    bool cancelling = false;
  };
  static uint64_t TokenOf(int fd, uint64_t kind) {
    return (static_cast<uint64_t>(fd) << 4) | 8 | kind;
  }

  void Queue(const Op& op) { queued_.push_back(op); }
  void Receive(int fd) {
    Queue({.kind = OpKind::kReceive, .fd = fd, .token = TokenOf(fd, kReceive)});
    if (connections_.at(fd).cancelling || !world_.prng().Chance(10)) return;
    connections_.at(fd).cancelling = true;
    Queue({.kind = OpKind::kCancel,
           .fd = fd,
           .token = TokenOf(fd, kCancel),
           .target = TokenOf(fd, kReceive)});
  }
  void Send(int fd) {
    const std::string& echo = connections_.at(fd).echo;
    Queue({.kind = OpKind::kSend,
           .fd = fd,
           .token = TokenOf(fd, kSend),
           .data = AsBytes(echo).data(),
           .size = static_cast<uint32_t>(echo.size())});
  }

  void Dispatch(const Completion& completion) {
    if (completion.token == kCancel) return;
    if (completion.token == kAccepting) return OnAccepted(completion);
    const auto fd = static_cast<int>(completion.token >> 4);
    Connection& connection = connections_.at(fd);
    switch (completion.token & 7) {
      case kReceive:
        return OnReceived(fd, connection, completion);
      case kSend:
        if (completion.result < 0) return End(fd, connection);
        connection.echo.erase(0, static_cast<size_t>(completion.result));
        return connection.echo.empty() ? Receive(fd) : Send(fd);
      default:
        connection.cancelling = false;
        if (connection.dead) End(fd, connection);
    }
  }
  void OnAccepted(const Completion& completion) {
    if (completion.result >= 0) {
      EXPECT_TRUE(connections_.try_emplace(completion.result).second);
      Receive(completion.result);
    }
    if (!completion.more && completion.result != -ECANCELED) {
      Queue({.kind = OpKind::kAcceptMultishot, .fd = listener_, .token = kAccepting});
    }
  }
  void OnReceived(int fd, Connection& connection, const Completion& completion) {
    if (completion.result > 0) {
      connection.echo = std::string(AsText(kernel_.Buffer(completion)));
      kernel_.ReleaseBuffer(completion.buffer);
      return Send(fd);
    }
    if (completion.result == -ENOBUFS || completion.result == -ECANCELED) return Receive(fd);
    End(fd, connection);
  }
  void End(int fd, Connection& connection) {
    connection.dead = true;
    if (connection.cancelling) return;
    kernel_.Close(fd);
    connections_.erase(fd);
  }

  World& world_;
  SimKernel kernel_;
  int listener_;
  std::vector<Op> queued_;
  std::map<int, Connection> connections_;
};

struct Outcome {
  uint64_t digest = 0;
  size_t heard = 0;
};

Outcome RunStorm(uint64_t seed) {
  World world(seed);
  Network network(world, {});
  Clients clients(world, network);
  EchoServer server(world, network);
  Faults faults;
  for (uint32_t* percent :
       {&faults.accept_error_pct, &faults.multishot_end_pct, &faults.receive_short_pct,
        &faults.receive_reset_pct, &faults.receive_no_buffers_pct, &faults.send_short_pct,
        &faults.send_pipe_pct, &faults.cancel_race_pct, &faults.queue_full_pct}) {
    const bool enabled = world.prng().Chance(50);
    if (enabled) *percent = static_cast<uint32_t>(world.prng().Below(40));
  }
  const uint64_t delay = world.prng().Below(2'000'000);
  if (world.prng().Chance(50)) {
    faults.completion_delay_max = Duration::Nanoseconds(static_cast<int64_t>(delay));
  }
  server.kernel().set_faults(faults);
  const Instant end = world.now() + kLong;
  while (world.now() < end && (clients.left() < kClients || server.connections() > 0)) {
    server.Turn();
  }
  EXPECT_EQ(clients.left(), kClients);
  server.Stop();
  while (world.RunNext(world.now() + kLong)) {
  }
  EXPECT_EQ(network.open_ends(), 0u);
  EXPECT_EQ(server.kernel().handles(), 0u);
  return {.digest = world.digest(), .heard = clients.heard()};
}

TEST(SimKernelStormTest, NothingIsLostOrLeft) {
  size_t heard = 0;
  for (uint64_t seed = 1; seed <= 200 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    heard += RunStorm(seed).heard;
  }
  EXPECT_GT(heard, size_t{1} << 20) << "the storm was a calm";
}

TEST(SimKernelStormTest, OneSeedIsOneRun) {
  const uint64_t digest = RunStorm(7).digest;
  EXPECT_EQ(RunStorm(7).digest, digest);
  EXPECT_NE(RunStorm(8).digest, digest);
}

}  // namespace
}  // namespace floodgate::sim
