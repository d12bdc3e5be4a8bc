// Prometheus text exposition format 0.0.4
// (prometheus.io/docs/instrumenting/exposition_formats): the metrics of docs/control-interface.md.
#ifndef FLOODGATE_ADMIN_METRICS_H_
#define FLOODGATE_ADMIN_METRICS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "front/snapshot.h"

namespace floodgate {

// The Content-Type of MetricsText.
inline constexpr char kMetricsContentType[] = "text/plain; version=0.0.4; charset=utf-8";

// What the kernel says of this process, named as Prometheus' client libraries name it. What cannot
// be read is absent, and so is its metric.
struct ProcessSnapshot {
  std::optional<double> cpu_seconds;  // user and system, all threads
  std::optional<uint64_t> open_fds;
  std::optional<uint64_t> max_fds;  // soft RLIMIT_NOFILE; absent = no limit
  std::optional<uint64_t> resident_memory_bytes;
  std::optional<uint64_t> virtual_memory_bytes;
  std::optional<double> start_time_seconds;  // Unix time
};

// Reads /proc/self (proc(5)); costs a directory listing of all open descriptors.
ProcessSnapshot ReadProcess();

// Pure. Every family has its HELP and TYPE before its samples, and every label value that can occur
// is there from the start with 0, so that rate() sees the first increase. Families whose value is
// not known (patience, parts of `process`) are left out.
std::string MetricsText(const StatusSnapshot& status, const ProcessSnapshot& process);

}  // namespace floodgate

#endif  // FLOODGATE_ADMIN_METRICS_H_
