// The server behind the front end in a checked run: holds what it gets against the ledger, and
// misbehaves as its setup says.
#ifndef FLOODGATE_SIM_CHECKING_BACKEND_H_
#define FLOODGATE_SIM_CHECKING_BACKEND_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/time.h"
#include "sim/ledger.h"
#include "sim/network.h"
#include "sim/verdict.h"
#include "sim/world.h"

namespace floodgate::sim {

// How many connections of a hundred are treated so; the others are answered soon.
struct BackendManners {
  uint32_t slow_pct = 0;        // reads a little at a time
  uint32_t black_hole_pct = 0;  // reads all, and never answers
  uint32_t deaf_pct = 0;        // reads nothing
  uint32_t dies_pct = 0;        // resets in the middle of the answer
  uint32_t closes_pct = 0;      // without an answer, as soon as it knows the exchange
};

struct CheckingBackendSetup {
  uint16_t port = 0;
  int backlog = 4096;
  bool proxy_header = true;
  BackendManners manners;
  Duration service = Duration::Microseconds(200);
};

// Lives as long as the world runs.
class CheckingBackend final : public EndObserver, public Actor {
 public:
  CheckingBackend(Network& network, Ledger& ledger, Verdict& verdict,
                  const CheckingBackendSetup& setup);

  // Nobody listens, or somebody does again.
  void Refuse();
  void Listen();
  // From now on everybody is answered soon; who was never to be is let go.
  void Calm();
  // Closes what is open, the listener too.
  void End();
  uint64_t accepted() const { return lives_; }

  void OnEnd(int fd, uint64_t tag) override;
  void OnEvent(uint64_t what) override;

 private:
  enum class Way : uint8_t { kFast, kSlow, kBlackHole, kDeaf, kDies, kCloses };
  struct Peer {
    uint64_t life = 0;  // descriptors are used again; events name the life, too
    Way way = Way::kFast;
    bool header_read = false;
    bool due = false;  // an event is under way: to read on, or to answer
    bool answered = false;
    bool finishes = false;  // after the answer it sends FIN and waits for the other's
    uint64_t number = 0;    // of the exchange; 0: not known yet
    PeerAddress source = {};
    std::string input = {};
    std::string output = {};  // that found no room yet
  };

  Way DrawWay();
  void AcceptAll();
  void Look(int fd, Peer& peer);
  void Read(int fd, Peer& peer);
  void TakeInput(Peer& peer);
  bool TakeHeader(Peer& peer);
  void Answer(int fd, Peer& peer);
  // Goes on with the answer, and ends with it. The peer may be gone then.
  void Write(int fd, Peer& peer);
  void After(Duration time, int fd, Peer& peer);
  void Close(int fd, bool reset);
  std::vector<int> Open() const;  // in order

  Network& network_;
  Ledger& ledger_;
  Verdict& verdict_;
  CheckingBackendSetup setup_;
  int listener_ = -1;
  absl::flat_hash_map<int, Peer> peers_;
  uint64_t lives_ = 0;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_CHECKING_BACKEND_H_
