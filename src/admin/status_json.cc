#include "admin/status_json.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/version.h"

namespace floodgate {
namespace {

// Keeps the order in which members are written: people read these with curl.
using Json = nlohmann::ordered_json;

// Never throws: text from outside may hold bytes that are not UTF-8.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json MillisecondsOrNull(const std::optional<Duration>& duration) {
  return duration.has_value() ? Json(duration->milliseconds()) : Json(nullptr);
}

Json GateDocument(const StatusSnapshot& status) {
  return {{"state", Name(status.gate)},
          {"since", FormatUnixMs(status.gate_since_unix_ms)},
          {"waiting_for", status.waiting_for},
          {"opens_in_ms", MillisecondsOrNull(status.opens_in)},
          {"open_s", status.gate_open_total.seconds()},
          {"reason", status.readiness_reason}};
}

Json ListenersDocument(const std::vector<ListenerSnapshot>& listeners) {
  Json document = Json::array();
  for (const ListenerSnapshot& listener : listeners) {
    document.push_back(
        {{"name", Name(listener.port)},
         {"address", listener.address},
         {"state", Name(listener.state)},
         {"queue", {{"depth", listener.queue_depth}, {"limit", listener.queue_limit}}}});
  }
  return document;
}

Json ConnectionsDocument(const PortCounters& counters) {
  Json refused = Json::object();
  for (size_t reason = 0; reason < kRefusalReasonNames.size(); ++reason) {
    refused[std::string(kRefusalReasonNames[reason])] = counters.refused[reason];
  }
  return {{"accepted", counters.accepted}, {"waiting", counters.waiting},
          {"admitted", counters.admitted}, {"active", counters.active},
          {"finished", counters.finished}, {"stale", counters.stale},
          {"delayed", counters.delayed},   {"refused", std::move(refused)}};
}

Json HandshakesDocument(const PortCounters& counters) {
  return {{"in_flight", counters.handshaking},
          {"completed", counters.handshakes_completed},
          {"resumed", counters.handshakes_resumed},
          {"failed", counters.handshakes_failed}};
}

PortCounters Sum(const PortCounters& a, const PortCounters& b) {
  PortCounters sum{
      .accepted = a.accepted + b.accepted,
      .waiting = a.waiting + b.waiting,
      .delayed = a.delayed + b.delayed,
      .stale = a.stale + b.stale,
      .admitted = a.admitted + b.admitted,
      .handshaking = a.handshaking + b.handshaking,
      .active = a.active + b.active,
      .finished = a.finished + b.finished,
      .refused = {},
      .handshakes_begun = a.handshakes_begun + b.handshakes_begun,
      .handshakes_completed = a.handshakes_completed + b.handshakes_completed,
      .handshakes_resumed = a.handshakes_resumed + b.handshakes_resumed,
      .handshakes_failed = a.handshakes_failed + b.handshakes_failed,
  };
  for (size_t reason = 0; reason < sum.refused.size(); ++reason) {
    sum.refused[reason] = a.refused[reason] + b.refused[reason];
  }
  return sum;
}

Json StatusDocument(const StatusSnapshot& status) {
  const PortCounters total = Sum(status.ports[0], status.ports[1]);
  Json connections = ConnectionsDocument(total);
  connections["patience_ms"] = MillisecondsOrNull(status.patience);
  Json ports = Json::object();
  for (const Port port : kPorts) {
    const PortCounters& counters = status.ports[static_cast<size_t>(port)];
    ports[std::string(Name(port))] = {{"connections", ConnectionsDocument(counters)},
                                      {"handshakes", HandshakesDocument(counters)}};
  }
  const PortCounters& agents = status.ports[static_cast<size_t>(Port::kAgent)];
  ports[std::string(Name(Port::kAgent))]["handshakes"]["begun"] = agents.handshakes_begun;
  return {{"gate", GateDocument(status)},
          {"engine", status.engine},
          {"version", Version()},
          {"uptime_s", static_cast<double>(status.uptime.milliseconds()) / 1e3},
          {"listeners", ListenersDocument(status.listeners)},
          {"connections", std::move(connections)},
          {"handshakes", HandshakesDocument(total)},
          {"ports", std::move(ports)},
          {"backend",
           {{"errors", status.backend_errors},
            {"bytes_to_backend", status.bytes_to_backend},
            {"bytes_to_client", status.bytes_to_client}}},
          {"sources", {{"tracked", status.sources_tracked}, {"evicted", status.sources_evicted}}},
          {"limits", {{"connections", status.connections_limit}}},
          {"listen_overflows", status.listen_overflows}};
}

}  // namespace

std::string StatusJson(const StatusSnapshot& status) {
  return Dump(StatusDocument(status));
}

std::string WaitJson(const StatusSnapshot& status, GateState wanted, bool reached) {
  Json document = StatusDocument(status);
  document["wait"] = {{"state", Name(wanted)}, {"reached", reached}};
  return Dump(document);
}

std::string BoundPortsJson(const BoundPorts& ports) {
  return Dump({{"controller", ports.controller}, {"agent", ports.agent}, {"admin", ports.admin}});
}

std::string SourcesJson(const std::vector<SourceSnapshot>& sources) {
  Json rows = Json::array();
  for (const SourceSnapshot& source : sources) {
    rows.push_back({{"source", source.source},
                    {"admitted", source.admitted},
                    {"refused", source.refused},
                    {"tokens", source.tokens},
                    {"connections", source.connections}});
  }
  return Dump({{"sources", std::move(rows)}});
}

std::string ReloadJson(const Control::ReloadResult& result) {
  if (result.faults.empty()) {
    return Dump({{"applied", result.applied}, {"restart_needed", result.restart_needed}});
  }
  return Dump({{"error", absl::StrCat("the configuration has ", result.faults.size(),
                                      result.faults.size() == 1 ? " fault" : " faults",
                                      "; nothing was changed")},
               {"remedy", "correct what `faults` names and reload again"},
               {"faults", result.faults}});
}

std::string GateJson(GateState state) {
  return Dump({{"gate", Name(state)}});
}

std::string ErrorJson(absl::string_view error, absl::string_view remedy) {
  return Dump({{"error", error}, {"remedy", remedy}});
}

std::string FormatUnixMs(int64_t unix_ms) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", absl::FromUnixMillis(unix_ms),
                          absl::UTCTimeZone());
}

}  // namespace floodgate
