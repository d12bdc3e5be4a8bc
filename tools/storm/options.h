// What a storm is to do, as the command line says it.
#ifndef FLOODGATE_TOOLS_STORM_OPTIONS_H_
#define FLOODGATE_TOOLS_STORM_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/time.h"
#include "floodgate/backoff.h"
#include "tools/storm/patience.h"
#include "tools/storm/sources.h"

namespace floodgate::storm {

enum class Mode { kTcp, kWait, kHello, kTls, kTlsResumed, kHttp, kHttps, kHttpsResumed };
// Shape: how first attempts come, if not as the agents can (docs/storm.md, "How they arrive").
enum class Shape { kTogether, kUniform, kPoisson, kWaves };
enum class Output { kTable, kJson, kNone };

struct Options {
  std::vector<Endpoint> targets;
  Mode mode = Mode::kHttps;
  int agents = 1000;
  Sources sources;  // none: the kernel chooses
  std::optional<Shape> arrivals;
  // With kUniform, kPoisson, kWaves: agents that arrive a second. Otherwise attempts begun a
  // second; 0 = no bound.
  double rate = 0;
  Duration wave_every = Duration::Seconds(1);
  int concurrency = 0;   // attempts at a time; 0 = no bound
  int64_t attempts = 0;  // in all; 0 = as the agents make them
  Duration hold;         // how long a served agent stays
  bool hold_until_end = false;
  Duration heartbeat;        // between what a served agent says while it stays; 0 = nothing
  bool reconnect = false;    // those cut off while they stay begin again
  Patience patience;         // of an attempt, from its connect
  Duration connect_timeout;  // this and the next two: 0 = patience alone
  Duration handshake_timeout;
  Duration first_byte_timeout;
  RetryPolicy retry = RetryPolicy::kNone;
  Duration retry_base = Duration::Milliseconds(100);
  Duration retry_cap = Duration::Seconds(10);
  int attempts_max = 0;  // of one agent; 0 = no bound
  Duration duration = Duration::Seconds(60);
  int give_up_percent = 0;
  Duration give_up_after = Duration::Milliseconds(500);
  int silent_percent = 0;   // connect and say nothing
  int garbage_percent = 0;  // say something that is neither TLS nor HTTP
  int reset_percent = 0;    // reset the connection right after the connect
  int slow_percent = 0;     // say their first words bit by bit
  Duration slow_over = Duration::Seconds(3);
  bool close_by_reset = false;
  std::string server_name = "localhost";
  std::string path = "/";   // of the HTTP request
  std::string tls_version;  // "", "1.2", "1.3"
  uint64_t seed = 1;
  int cpu = -1;
  Duration interval = Duration::Seconds(1);  // of the timeline
  std::string csv;                           // file for the timeline; "" = none
  std::string scenario;                      // file that options were taken from; "" = none
  Output output = Output::kTable;
  bool progress = false;  // tell on standard error how far it is
  bool require_served = false;

  bool tls() const { return mode == Mode::kTls || mode == Mode::kHttps || resumed(); }
  bool resumed() const { return mode == Mode::kTlsResumed || mode == Mode::kHttpsResumed; }
  bool http() const {
    return mode == Mode::kHttp || mode == Mode::kHttps || mode == Mode::kHttpsResumed;
  }
  // Agents arrive by the clock, whatever becomes of those before them.
  bool scheduled() const { return arrivals.has_value() && *arrivals != Shape::kTogether; }
  BackoffOptions backoff() const {
    return {.policy = retry, .base_ns = retry_base.ns, .cap_ns = retry_cap.ns};
  }
  bool holds() const { return hold_until_end || hold.ns > 0; }
};

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_OPTIONS_H_
