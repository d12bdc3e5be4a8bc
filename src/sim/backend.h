// The server behind the front end: takes connections, reads the PROXY header and a request of fixed
// size, answers after a while, and closes.
#ifndef FLOODGATE_SIM_BACKEND_H_
#define FLOODGATE_SIM_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "base/time.h"
#include "sim/network.h"
#include "sim/processor.h"
#include "sim/world.h"

namespace floodgate::sim {

// A request is this many bytes, whatever they are.
inline constexpr size_t kRequestBytes = 64;

struct BackendSetup {
  uint16_t port = 0;
  int backlog = 4096;
  bool proxy_header = true;
  size_t answer_bytes = 200;
  // How long an answer takes, apart from the CPU.
  Duration service = Duration::Microseconds(200);
  // CPU time of each answer, on `processor`, which is the front end's if it shares its cores. Null:
  // its own host's, without bound.
  Duration cost = {};
  Processor* processor = nullptr;
};

// Lives as long as the world runs.
class SimulatedBackend final : public EndObserver, public Actor, public Task {
 public:
  SimulatedBackend(Network& network, const BackendSetup& setup);

  uint64_t accepted() const { return accepted_; }
  uint64_t answered() const { return answered_; }
  // Connections that ended before their request was there, or with a header that is none.
  uint64_t failed() const { return failed_; }

  void OnEnd(int fd, uint64_t tag) override;
  void OnEvent(uint64_t what) override;
  bool Runnable() override { return !requests_.empty(); }
  Duration Run() override;
  void Passed() override;

 private:
  struct Exchange {
    uint32_t life = 0;  // descriptors are used again; events name the life, too
    bool requested = false;
    std::string input = {};
  };
  static uint64_t Key(int fd, uint32_t life) { return (uint64_t{life} << 32) | uint32_t(fd); }

  void AcceptAll();
  void Read(int fd, Exchange& exchange);
  // Whether header and request are there. `broken`: they never will be.
  bool Complete(const std::string& input, bool& broken) const;
  void Answer(uint64_t key);
  void End(int fd);

  Network& network_;
  BackendSetup setup_;
  int listener_ = -1;
  size_t thread_ = 0;
  std::string answer_;
  absl::flat_hash_map<int, Exchange> exchanges_;  // looked up, never iterated
  std::deque<uint64_t> requests_;                 // that wait for the CPU
  uint64_t at_work_ = 0;                          // has it
  uint32_t lives_ = 0;
  uint64_t accepted_ = 0;
  uint64_t answered_ = 0;
  uint64_t failed_ = 0;
};

}  // namespace floodgate::sim

#endif  // FLOODGATE_SIM_BACKEND_H_
