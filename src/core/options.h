// The configuration as values (docs/configuration.md has the meaning of each for operators). Every
// field's initialiser is its documented default. Pure data: reading text into it is core/config.h.
#ifndef FLOODGATE_CORE_OPTIONS_H_
#define FLOODGATE_CORE_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/ip.h"
#include "base/time.h"

namespace floodgate {

enum class Hold { kPark, kRefuse };  // `drop` is not in this version.
enum class Condition { kPeergrouper, kSelfConnection, kQuorum, kManual };
enum class OverLimit { kDelay, kReset, kQueue };
enum class EngineChoice { kAuto, kUring, kEpoll };
enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError };
enum class LogFormat { kText, kJson };
enum class TlsVersion { kTls12, kTls13 };

struct ControllerOptions {
  std::vector<Endpoint> listen;
  std::vector<Cidr> allow;  // Default 127.0.0.0/8 and ::1/128. Unix sockets are always allowed.
  std::string client_ca;    // Path; empty = no client certificate is asked for.

  friend bool operator==(const ControllerOptions&, const ControllerOptions&) = default;
};

struct AgentOptions {
  std::vector<Endpoint> listen;
  int backlog = 4096;
  Hold hold = Hold::kPark;
  std::vector<Cidr> deny;

  friend bool operator==(const AgentOptions&, const AgentOptions&) = default;
};

struct GateOptions {
  std::vector<Condition> open_on = {Condition::kPeergrouper};
  std::string self_id = "0";
  int quorum = 2;
  Duration open_delay = Duration::Seconds(2);
  bool rehold = false;
  Duration rehold_after = Duration::Seconds(30);
  Duration open_anyway_after;  // 0 = never.

  friend bool operator==(const GateOptions&, const GateOptions&) = default;
};

struct DrainOptions {
  double rate = 0;  // Connections a second; 0 = as fast as handshakes finish.
  Duration ramp;

  friend bool operator==(const DrainOptions&, const DrainOptions&) = default;
};

struct LimitOptions {
  double source_rate = 4.0;  // A second; 0 = no limit.
  int source_burst = 10;
  int source_prefix_v4 = 32;
  int source_prefix_v6 = 64;
  int source_connections = 0;  // 0 = no limit.
  int64_t sources = 1'000'000;
  std::vector<Cidr> exempt;
  OverLimit over_limit = OverLimit::kDelay;
  Duration delay = Duration::Seconds(5);
  int delayed = 1024;
  int64_t connections = 0;  // 0 = what the descriptor limit allows.
  int handshakes = 0;       // 0 = chosen from the workers.
  int waiting = 1024;
  std::optional<Duration> patience;  // nullopt = "auto".
  Duration handshake_timeout = Duration::Seconds(10);
  bool refuse_in_kernel = true;  // those far beyond their rate, at their SYN

  friend bool operator==(const LimitOptions&, const LimitOptions&) = default;
};

struct TlsOptions {
  std::string certificate;  // Path of a PEM chain, the server's certificate first.
  std::string private_key;
  TlsVersion min_version = TlsVersion::kTls12;
  bool tickets = true;

  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

struct BackendOptions {
  Endpoint address;
  bool proxy_protocol = true;  // "v2"; false = "off". `mode` is "proxy" in this version.
  Duration connect_timeout = Duration::Seconds(5);

  friend bool operator==(const BackendOptions&, const BackendOptions&) = default;
};

struct AdminOptions {
  Endpoint listen;  // Default unix:/run/floodgate/admin.sock.
  uint32_t mode = 0660;

  friend bool operator==(const AdminOptions&, const AdminOptions&) = default;
};

struct RuntimeOptions {
  EngineChoice engine = EngineChoice::kAuto;
  int workers = 0;  // 0 = one a core.
  LogLevel log = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  std::string user;  // Empty = stay who we are.
  Duration drain_timeout = Duration::Seconds(30);
  std::string ports_file;  // Empty = none.

  friend bool operator==(const RuntimeOptions&, const RuntimeOptions&) = default;
};

struct Options {
  std::optional<ControllerOptions> controller;  // nullopt = one-phase start-up.
  AgentOptions agent;
  GateOptions gate;
  DrainOptions drain;
  LimitOptions limits;
  std::optional<TlsOptions> tls;  // nullopt = connections are passed through as they are.
  BackendOptions backend;
  AdminOptions admin;
  RuntimeOptions runtime;

  friend bool operator==(const Options&, const Options&) = default;
};

}  // namespace floodgate

#endif  // FLOODGATE_CORE_OPTIONS_H_
