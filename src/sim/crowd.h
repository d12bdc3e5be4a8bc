// The clients of a checked run, each with its manner. What they send and get goes through the
// ledger, byte by byte.
#ifndef FLOODGATE_SIM_CROWD_H_
#define FLOODGATE_SIM_CROWD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/time.h"
#include "floodgate/backoff.h"
#include "sim/ledger.h"
#include "sim/network.h"
#include "sim/records.h"
#include "sim/verdict.h"
#include "sim/world.h"

namespace floodgate::sim {

enum class Manner : uint8_t {
  kHonest,      // connects, shakes hands, asks, reads the answer, leaves
  kHalfCloser,  // as honest, and sends its FIN as soon as it has asked
  kSlow,        // says hello a byte at a time
  kSilent,      // says nothing
  kResetter,    // resets, some time after its hello
  kGarbage,     // its hello is none
  kLeaver,      // leaves by FIN, some time after its hello
};

struct ClientSetup {
  Manner manner = Manner::kHonest;
  uint16_t port = 0;
  bool tls = true;
  IpAddress address = {};
  Instant arrives = {};
  size_t request_bytes = 64;
  size_t answer_bytes = 64;
  bool awaits_end = false;  // of the answer, before it leaves
  Duration patience = {};   // of an attempt; 0: endless
  Duration step = {};       // kSlow: between bytes; kResetter, kLeaver: from connect to leaving
  Duration one_way = Duration::Microseconds(250);
  bool exponential_syn = false;
  BackoffOptions retry = {};
  // It must have been served at the end.
  bool expects_service = true;
};

// Lives as long as the world runs.
class Crowd final : public EndObserver, public Actor {
 public:
  Crowd(Network& network, Ledger& ledger, Verdict& verdict, std::vector<ClientSetup> setups);

  size_t size() const { return clients_.size(); }
  // Those who must be served and have not been.
  size_t unserved() const { return unserved_; }
  uint64_t attempts() const { return attempts_; }
  // The first of the unserved, for people.
  std::string DescribeUnserved() const;
  // From now on only those who must be served are there, and they are patient.
  void Calm();
  // It does nothing, whatever happens, until it is released.
  void Pause(size_t index) { clients_[index].paused = true; }
  void Release(size_t index);

  void OnEnd(int fd, uint64_t tag) override;
  void OnEvent(uint64_t what) override;

 private:
  enum class State : uint8_t { kAway, kConnecting, kGreeted, kAsked, kServed, kGone };
  enum class Kind : uint8_t { kConnect, kPatience, kStep };
  struct Client {
    ClientSetup setup;
    Backoff backoff;
    std::string input = {};   // the beginning of a record
    std::string output = {};  // that found no room yet
    uint64_t number = 0;      // of the exchange
    uint32_t attempt = 0;
    int fd = -1;
    size_t hello_sent = 0;
    State state = State::kAway;
    bool paused = false;
    bool finishes = false;  // FIN follows the output
  };

  static uint64_t Event(Kind kind, size_t index, uint32_t attempt) {
    return (uint64_t{attempt} << 32) | (uint64_t{index} << 2) | static_cast<uint64_t>(kind);
  }
  void After(Duration time, Kind kind, size_t index);
  void Connect(size_t index);
  void Look(size_t index);
  void OnConnected(size_t index);
  void OnStep(size_t index);
  void Read(size_t index);
  // False: the attempt is over.
  bool Take(size_t index, const RecordReader::Record& record);
  bool TakeAnswer(size_t index, absl::string_view bytes);
  void OnCleanEnd(size_t index);
  void Ask(size_t index);
  void Send(Client& client, absl::string_view bytes);
  void Finish(Client& client);
  void OnServed(size_t index);
  void OnFailed(size_t index, absl::string_view why);
  void Leave(Client& client, State state, bool reset);

  Network& network_;
  World& world_;
  Ledger& ledger_;
  Verdict& verdict_;
  std::string hello_;
  std::vector<Client> clients_;
  size_t unserved_ = 0;
  uint64_t attempts_ = 0;
  bool calm_ = false;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_CROWD_H_
