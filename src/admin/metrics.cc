#include "admin/metrics.h"

#include "admin/metrics_text.h"

namespace floodgate {
namespace {

double D(uint64_t count) {
  return static_cast<double>(count);
}

const PortCounters& CountersOf(const StatusSnapshot& status, Port port) {
  return status.ports[static_cast<size_t>(port)];
}

// One sample for each port.
void ByPort(MetricsWriter& writer, const StatusSnapshot& status, uint64_t PortCounters::*counter) {
  for (const Port port : kPorts) {
    writer.Sample({{"listener", Name(port)}}, D(CountersOf(status, port).*counter));
  }
}

uint64_t Total(const StatusSnapshot& status, uint64_t PortCounters::*counter) {
  return status.ports[0].*counter + status.ports[1].*counter;
}

void Scalar(MetricsWriter& writer, absl::string_view name, absl::string_view type,
            absl::string_view help, double value) {
  writer.Family(name, type, help);
  writer.Sample({}, value);
}

void WriteGate(MetricsWriter& writer, const StatusSnapshot& status) {
  writer.Family("floodgate_gate_state", "gauge", "1 for the state that the gate is in, else 0.");
  for (const absl::string_view state : kGateStateNames) {
    writer.Sample({{"state", state}}, state == Name(status.gate) ? 1 : 0);
  }
  Scalar(writer, "floodgate_gate_open_seconds", "gauge",
         "How long the gate has been draining or open in all.", status.gate_open_total.seconds());
}

// A port may listen on several addresses: the label is the port, the value their sum.
void WriteQueue(MetricsWriter& writer, const StatusSnapshot& status, absl::string_view name,
                absl::string_view help, uint32_t ListenerSnapshot::*field) {
  writer.Family(name, "gauge", help);
  for (const Port port : kPorts) {
    uint64_t sum = 0;
    for (const ListenerSnapshot& listener : status.listeners) {
      if (listener.port == port) sum += listener.*field;
    }
    writer.Sample({{"listener", Name(port)}}, D(sum));
  }
}

void WriteListeners(MetricsWriter& writer, const StatusSnapshot& status) {
  WriteQueue(writer, status, "floodgate_listener_queue_depth",
             "Connections that wait in the kernel's accept queues.",
             &ListenerSnapshot::queue_depth);
  WriteQueue(writer, status, "floodgate_listener_queue_limit",
             "How many the kernel's accept queues hold.", &ListenerSnapshot::queue_limit);
  Scalar(writer, "floodgate_listen_overflows_total", "counter",
         "Handshakes that found a full accept queue, all listeners of this network namespace.",
         D(status.listen_overflows));
}

void WriteConnections(MetricsWriter& writer, const StatusSnapshot& status) {
  writer.Family("floodgate_connections_accepted_total", "counter",
                "Connections taken from the kernel.");
  ByPort(writer, status, &PortCounters::accepted);
  writer.Family("floodgate_connections_admitted_total", "counter",
                "Connections admitted to the handshake.");
  ByPort(writer, status, &PortCounters::admitted);
  writer.Family("floodgate_connections_refused_total", "counter",
                "Connections turned away; handshake and backend after admission, the rest before.");
  for (const Port port : kPorts) {
    for (size_t reason = 0; reason < kRefusalReasonNames.size(); ++reason) {
      writer.Sample({{"listener", Name(port)}, {"reason", kRefusalReasonNames[reason]}},
                    D(CountersOf(status, port).refused[reason]));
    }
  }
  Scalar(writer, "floodgate_connections_stale_total", "counter",
         "Connections whose client had left before any TLS was spent on it.",
         D(Total(status, &PortCounters::stale)));
  Scalar(writer, "floodgate_connections_waiting", "gauge",
         "Connections taken from the kernel and not yet admitted.",
         D(Total(status, &PortCounters::waiting)));
  Scalar(writer, "floodgate_connections_delayed", "gauge",
         "Connections held unserved before they are reset.",
         D(Total(status, &PortCounters::delayed)));
  if (status.patience.has_value()) {
    Scalar(writer, "floodgate_agent_patience_seconds", "gauge",
           "How long agents wait before they give up, learned or configured.",
           status.patience->seconds());
  }
  writer.Family("floodgate_connections_active", "gauge",
                "Connections past the handshake and not finished.");
  ByPort(writer, status, &PortCounters::active);
  writer.Family("floodgate_connection_queue_seconds", "histogram",
                "Time that connections spent in the kernel's accept queue.");
  writer.Histogram(status.queue_seconds);
}

void WriteHandshakes(MetricsWriter& writer, const StatusSnapshot& status) {
  Scalar(writer, "floodgate_handshakes_in_flight", "gauge", "TLS handshakes under way.",
         D(Total(status, &PortCounters::handshaking)));
  writer.Family("floodgate_handshakes_total", "counter",
                "TLS handshakes that ended: full, resumed (a session ticket), or failed.");
  for (const Port port : kPorts) {
    const PortCounters& counters = CountersOf(status, port);
    const uint64_t full = counters.handshakes_completed - counters.handshakes_resumed;
    writer.Sample({{"listener", Name(port)}, {"result", "full"}}, D(full));
    writer.Sample({{"listener", Name(port)}, {"result", "resumed"}},
                  D(counters.handshakes_resumed));
    writer.Sample({{"listener", Name(port)}, {"result", "failed"}}, D(counters.handshakes_failed));
  }
  writer.Family("floodgate_handshake_seconds", "histogram",
                "Time from admission to the end of the TLS handshake.");
  writer.Histogram(status.handshake_seconds);
}

void WriteBackend(MetricsWriter& writer, const StatusSnapshot& status) {
  writer.Family("floodgate_backend_connect_seconds", "histogram",
                "Time to connect to the backend.");
  writer.Histogram(status.backend_connect_seconds);
  Scalar(writer, "floodgate_backend_errors_total", "counter",
         "Connections that failed for the backend: refused, timed out, or reset.",
         D(status.backend_errors));
  writer.Family("floodgate_relay_bytes_total", "counter", "Bytes relayed, without TLS.");
  writer.Sample({{"direction", "to_backend"}}, D(status.bytes_to_backend));
  writer.Sample({{"direction", "to_client"}}, D(status.bytes_to_client));
}

void WriteSources(MetricsWriter& writer, const StatusSnapshot& status) {
  Scalar(writer, "floodgate_sources_tracked", "gauge", "Sources remembered.",
         D(status.sources_tracked));
  Scalar(writer, "floodgate_sources_evicted_total", "counter",
         "Sources forgotten to make room for others.", D(status.sources_evicted));
  Scalar(writer, "floodgate_syn_refused_total", "counter",
         "Of the connections refused for source_rate, those that the kernel refused at their SYN.",
         D(status.syn_refused));
}

template <typename T>
void Optional(MetricsWriter& writer, absl::string_view name, absl::string_view type,
              absl::string_view help, const std::optional<T>& value) {
  if (value.has_value()) Scalar(writer, name, type, help, static_cast<double>(*value));
}

void WriteProcess(MetricsWriter& writer, const ProcessSnapshot& process) {
  Optional(writer, "process_cpu_seconds_total", "counter",
           "User and system CPU time of this process.", process.cpu_seconds);
  Optional(writer, "process_open_fds", "gauge", "Open file descriptors.", process.open_fds);
  Optional(writer, "process_max_fds", "gauge", "How many file descriptors may be open.",
           process.max_fds);
  Optional(writer, "process_virtual_memory_bytes", "gauge", "Virtual memory.",
           process.virtual_memory_bytes);
  Optional(writer, "process_resident_memory_bytes", "gauge", "Resident memory.",
           process.resident_memory_bytes);
  Optional(writer, "process_start_time_seconds", "gauge",
           "When this process started, in seconds since the Unix epoch.",
           process.start_time_seconds);
}

}  // namespace

std::string MetricsText(const StatusSnapshot& status, const ProcessSnapshot& process) {
  MetricsWriter writer;
  WriteGate(writer, status);
  WriteListeners(writer, status);
  WriteConnections(writer, status);
  WriteHandshakes(writer, status);
  WriteBackend(writer, status);
  WriteSources(writer, status);
  WriteProcess(writer, process);
  return writer.Take();
}

}  // namespace floodgate
