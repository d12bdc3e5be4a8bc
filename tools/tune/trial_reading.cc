#include "tools/tune/trial_reading.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace floodgate::tune {
namespace {

using Json = nlohmann::json;

constexpr size_t kMomentsMost = 200;

Duration Of(double amount, Duration unit) {
  return Duration::Nanoseconds(static_cast<int64_t>(amount * static_cast<double>(unit.ns)));
}

Duration Seconds(const Json& value) {
  return Of(value.get<double>(), Duration::Seconds(1));
}

std::optional<Duration> SecondsOrNull(const Json& value) {
  if (value.is_null()) return std::nullopt;
  return Seconds(value);
}

// Calls `read` with the text as JSON; `whose` names who said it.
template <typename Value, typename Read>
absl::StatusOr<Value> Parse(absl::string_view text, const char* whose, Read read) {
  try {
    return read(Json::parse(text));
  } catch (const Json::exception& error) {
    return absl::UnavailableError(absl::StrCat(whose, " is not as it should be (", error.what(),
                                               "); use programs of the same version"));
  }
}

uint64_t Count(const Json& json, const char* key) {
  return json.at(key).get<uint64_t>();
}

StatusReading ReadAgentPortOf(const Json& status) {
  StatusReading reading;
  for (const Json& listener : status.at("listeners")) {
    if (listener.at("name") == "agent") {
      reading.queue_depth += Count(listener.at("queue"), "depth");
    }
  }
  const Json& port = status.at("ports").at("agent");
  const Json& handshakes = port.at("handshakes");
  reading.waiting = Count(port.at("connections"), "waiting");
  reading.stale = Count(port.at("connections"), "stale");
  reading.in_flight = Count(handshakes, "in_flight");
  reading.begun = Count(handshakes, "begun");
  reading.overflows = Count(status, "listen_overflows");
  const Json& gate = status.at("gate").at("state");
  reading.gate_is_open = gate == "open" || gate == "draining";
  return reading;
}

absl::StatusOr<StormReading> ReadStormOf(const Json& json) {
  const Json& outcomes = json.at("outcomes");
  if (const uint64_t none = Count(outcomes, "no_port"); none > 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        none,
        " attempts found no local port, address or descriptor: the storm itself was the "
        "limit; widen net.ipv4.ip_local_port_range, raise ulimit -n, or take fewer --agents"));
  }
  StormReading storm;
  storm.started = Instant{} + Seconds(json.at("started_monotonic_s"));
  storm.elapsed = Seconds(json.at("elapsed_s"));
  storm.everybody_ended = json.at("ended_by") == "done";
  storm.agents_served = Count(json, "agents_served");
  storm.half = SecondsOrNull(json.at("time_to_50_percent_s"));
  storm.most = SecondsOrNull(json.at("time_to_99_percent_s"));
  storm.all = SecondsOrNull(json.at("time_to_all_s"));
  storm.attempts = Count(json, "attempts");
  storm.attempts_served = Count(outcomes, "served");
  for (const char* phase : {"patience_in_connect", "patience_in_handshake", "patience_in_answer"}) {
    storm.gave_up += Count(outcomes, phase);
  }
  const Json& again = json.at("syn_retransmits");
  storm.syn_retransmits = again.is_null() ? 0 : again.get<uint64_t>();
  storm.cpu_share = json.at("cpu_share").get<double>();
  const Json& rows = json.at("timeline");
  uint64_t served = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    served += Count(rows[i], "served");
    storm.timeline.push_back(
        {.at = i + 1 < rows.size() ? Seconds(rows[i + 1].at("t_s")) : storm.elapsed,
         .served = served});
  }
  return storm;
}

ProbeReading ReadProbeOf(const Json& json) {
  const Json& outcomes = json.at("outcomes");
  const Json& latency = json.at("latency_ms").at("served");
  const uint64_t served = Count(outcomes, "served");
  ProbeReading probe;
  probe.tries = Count(json, "attempts") - Count(outcomes, "unfinished");
  if (served == 0) return probe;
  const auto percentile = [&](const char* name, uint64_t percent) -> std::optional<Duration> {
    if (served * 100 < probe.tries * percent) return std::nullopt;
    return Of(latency.at(name).get<double>(), Duration::Milliseconds(1));
  };
  probe.p50 = percentile("p50", 50);
  probe.p99 = percentile("p99", 99);
  return probe;
}

uint64_t ServedAt(const std::vector<ServedUntil>& timeline, Duration at) {
  const auto later =
      std::upper_bound(timeline.begin(), timeline.end(), at,
                       [](Duration when, const ServedUntil& row) { return when < row.at; });
  return later == timeline.begin() ? 0 : std::prev(later)->served;
}

}  // namespace

absl::StatusOr<Ports> ReadPorts(absl::string_view json) {
  return Parse<Ports>(json, "what floodgated told of its ports", [](const Json& ports) {
    return Ports{.controller = ports.at("controller").at(0).get<std::string>(),
                 .agent = ports.at("agent").at(0).get<std::string>()};
  });
}

absl::StatusOr<StatusReading> ReadAgentPort(absl::string_view json) {
  return Parse<StatusReading>(json, "floodgated's status", ReadAgentPortOf);
}

absl::StatusOr<StormReading> ReadStorm(absl::string_view json) {
  return Parse<StormReading>(json, "the storm's result", ReadStormOf);
}

absl::StatusOr<ProbeReading> ReadProbe(absl::string_view json) {
  return Parse<ProbeReading>(json, "the probe's result", ReadProbeOf);
}

std::vector<TrialMoment> Thin(const std::vector<TrialMoment>& moments, size_t most) {
  const size_t together = (moments.size() + most - 1) / most;
  std::vector<TrialMoment> fewer;
  for (size_t i = 0; i < moments.size(); ++i) {
    TrialMoment moment = moments[i];
    if (i % together == 0) {
      fewer.push_back(moment);
      continue;
    }
    moment.queue_depth = std::max(moment.queue_depth, fewer.back().queue_depth);
    fewer.back() = moment;
  }
  return fewer;
}

TrialResult MakeResult(const Fleet& fleet, const StormReading& storm, const ProbeReading& probe,
                       const std::vector<StatusSample>& samples, const StatusReading& end) {
  TrialResult result;
  result.agents = static_cast<uint64_t>(fleet.agents);
  result.served = storm.agents_served;
  result.half = storm.half;
  result.most = storm.most;
  result.all = storm.all;
  result.attempts = storm.attempts;
  result.gave_up = storm.gave_up;
  // Others may use this network namespace, but a counter that fell is a new one.
  const uint64_t before = samples.front().reading.overflows;
  result.accept_overflows = end.overflows - std::min(before, end.overflows);
  result.syn_retransmits = storm.syn_retransmits;
  result.stale = end.stale;
  result.wasted_handshakes = end.begun - std::min(storm.attempts_served, end.begun);
  result.controller_tries = probe.tries;
  result.controller_p50 = probe.p50;
  result.controller_p99 = probe.p99;
  result.storm_cpu_share = storm.cpu_share;
  for (const StatusSample& sample : samples) {
    const Duration at = sample.at - storm.started;
    if (at < Duration() || at > storm.elapsed) continue;
    result.queue_depth_max = std::max(result.queue_depth_max, sample.reading.queue_depth);
    result.timeline.push_back({.at = at,
                               .queue_depth = sample.reading.queue_depth,
                               .served = ServedAt(storm.timeline, at)});
  }
  result.timeline.push_back({.at = storm.elapsed,
                             .queue_depth = end.queue_depth,
                             .served = ServedAt(storm.timeline, storm.elapsed)});
  result.timeline = Thin(result.timeline, kMomentsMost);
  return result;
}

}  // namespace floodgate::tune
