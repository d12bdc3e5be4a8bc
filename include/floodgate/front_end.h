// libfloodgate: the front end of floodgated, to embed in a controller.
//
//   floodgate::FrontEnd::Setup setup;
//   setup.config = R"(
//     [controller]
//     listen = ["127.0.0.1:0"]
//     [agent]
//     listen = ["[::]:17070"]
//     [backend]
//     address = "unix:@controller"
//   )";
//   setup.on_bound = [&](const floodgate::Addresses& bound) { TellPeers(bound.controller); };
//   absl::StatusOr<std::unique_ptr<floodgate::FrontEnd>> front_end =
//       floodgate::FrontEnd::Start(std::move(setup));
//   ...
//   // The controller set has formed.
//   if (absl::Status status = (*front_end)->SignalPeergrouper({"0", "1", "2"}); !status.ok()) {
//     Tell(status.message());  // gate.self_id is not among them: the gate stays as it is.
//   }
//
// Link the CMake target floodgate::floodgate.
#ifndef FLOODGATE_FRONT_END_H_
#define FLOODGATE_FRONT_END_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace floodgate {

// Addresses really bound, in the form of the configuration: "127.0.0.1:41011", "[::]:17070",
// "unix:/path", "unix:@name". In the order of the configuration; port 0 has become a port.
struct Addresses {
  std::vector<std::string> controller;
  std::vector<std::string> agent;
  std::vector<std::string> admin;
};

// A running front end, on threads of its own: a gatekeeper, the workers, the control interface. It
// installs no signal handlers and leaves the process's limits alone but for RLIMIT_NOFILE, whose
// soft limit it raises to the hard one. The calling thread's signal mask is inherited by its
// threads: block what they shall not receive. All methods may be called from any thread but from
// within a callback.
class FrontEnd {
 public:
  struct Setup {
    // The configuration, TOML 1.0: docs/configuration.md.
    std::string config;
    // What error messages call it.
    std::string name = "config";
    // Single options over it, "section.key=value".
    std::vector<std::string> set;
    // Called once, on the thread that calls Start, when every socket is bound and before anything
    // is accepted; so that nobody has to guess a free port. May be empty.
    std::function<void(const Addresses&)> on_bound;
    // Called with the gate's new state ("holding", "settling", "draining", "open", "stopping") on a
    // thread of the front end, which it must not block. May be empty.
    std::function<void(const std::string& state)> on_gate;
  };

  // Binds, listens and runs. InvalidArgument: the configuration is at fault; the message has a line
  // for each fault with file, line, column, key and remedy. Other errors: the host refused
  // something; the message says what, where, and what would be right. Nothing is left behind then.
  static absl::StatusOr<std::unique_ptr<FrontEnd>> Start(Setup setup);
  // Stops at once if Stop has not been called.
  ~FrontEnd();
  FrontEnd(const FrontEnd&) = delete;
  FrontEnd& operator=(const FrontEnd&) = delete;

  const Addresses& addresses() const;

  // The controller set has formed and has these members. FailedPrecondition when gate.self_id is
  // not among them; the gate is untouched then.
  absl::Status SignalPeergrouper(const std::vector<std::string>& server_ids);
  // Opens the gate now, whatever its conditions; holds it, so that new agents are parked again.
  void Open();
  void Hold();
  // Blocks until the gate is in `state` or `timeout` is over. True: it is.
  bool WaitForGate(const std::string& state, std::chrono::milliseconds timeout);
  // The JSON of GET /v1/status.
  std::string Status();
  // Stops gracefully: takes nothing more, lets open connections finish for at most
  // runtime.drain_timeout, ends its threads. Blocks until then. Further calls return at once.
  void Stop();

 private:
  class Impl;
  explicit FrontEnd(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace floodgate

#endif  // FLOODGATE_FRONT_END_H_
