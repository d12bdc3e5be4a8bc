// Reads a host's settings and counters from proc(5), and the limits of control groups from where
// that says they are mounted.
#ifndef FLOODGATE_TOOLS_TUNE_HOST_FACTS_H_
#define FLOODGATE_TOOLS_TUNE_HOST_FACTS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "tools/tune/facts.h"

namespace floodgate::tune {

// `proc`: where procfs is mounted, "/proc"; a directory of a test. The limit of descriptors and
// that of memory are those of this process.
HostFacts ReadHost(const std::string& proc);

// The hard limit of "Max open files" in PROC/PROCESS/limits; `process` is a PID or "self".
// INT64_MAX: unlimited. nullopt: not readable.
std::optional<int64_t> ReadDescriptorLimit(const std::string& proc, const std::string& process);

// Of the control group of a process and of those above it (cgroup v2; PROC/PROCESS/cgroup, and
// PROC/self/mountinfo for where they are) the limit that leaves the least memory. nullopt: none has
// a limit, or they cannot be read.
std::optional<MemoryLimit> ReadMemoryLimit(const std::string& proc, const std::string& process);

// Whether a process is in another network namespace than this one. False where that cannot be told.
bool InOtherNetworkNamespace(const std::string& proc, int pid);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_HOST_FACTS_H_
