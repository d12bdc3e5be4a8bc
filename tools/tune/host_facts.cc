#include "tools/tune/host_facts.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "tools/storm/tcp_counters.h"

namespace floodgate::tune {
namespace {

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The first number of a file that holds numbers alone.
std::optional<int64_t> ReadNumber(const std::string& path) {
  std::ifstream file(path);
  int64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

std::optional<int64_t> Counter(const std::string& netstat, const char* name) {
  const std::optional<uint64_t> value = storm::FindCounter(netstat, "TcpExt", name);
  if (!value.has_value()) return std::nullopt;
  return static_cast<int64_t>(*value);
}

void ReadNetwork(const std::string& settings, HostFacts& facts) {
  const auto ipv4 = [&](const char* name) {
    return ReadNumber(absl::StrCat(settings, "/net/ipv4/", name));
  };
  facts.somaxconn = ReadNumber(settings + "/net/core/somaxconn");
  facts.tcp_max_syn_backlog = ipv4("tcp_max_syn_backlog");
  facts.tcp_syncookies = ipv4("tcp_syncookies");
  facts.tcp_abort_on_overflow = ipv4("tcp_abort_on_overflow");
  facts.tcp_synack_retries = ipv4("tcp_synack_retries");
  facts.tcp_migrate_req = ipv4("tcp_migrate_req");
  facts.conntrack_max = ReadNumber(settings + "/net/netfilter/nf_conntrack_max");
  facts.conntrack_count = ReadNumber(settings + "/net/netfilter/nf_conntrack_count");
  std::ifstream range(settings + "/net/ipv4/ip_local_port_range");
  int64_t first = 0;
  int64_t last = 0;
  if (range >> first >> last) {
    facts.local_port_first = first;
    facts.local_port_last = last;
  }
}

// The number after `name` at the beginning of a line.
std::optional<int64_t> FindNumber(const std::string& text, const std::string& name) {
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string first;
    int64_t number = 0;
    if (words >> first >> number && first == name) return number;
  }
  return std::nullopt;
}

// MemAvailable: what can be had without swapping.
std::optional<int64_t> AvailableMemory(const std::string& meminfo) {
  const std::optional<int64_t> kibibytes = FindNumber(meminfo, "MemAvailable:");
  if (!kibibytes.has_value()) return std::nullopt;
  return *kibibytes * 1024;
}

// Where control groups are mounted, and which of them is there.
struct GroupMount {
  std::string point;
  std::string group;  // "" but where a part of the tree is mounted alone: "/system.slice"
};

std::optional<GroupMount> FindGroupMount(const std::string& mountinfo) {
  for (const absl::string_view line : absl::StrSplit(mountinfo, '\n')) {
    // proc(5): ID, parent, device, root, mount point, options, any number of fields, "-", type.
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.end() - dash < 2 || dash - words.begin() < 6 || *(dash + 1) != "cgroup2") continue;
    return GroupMount{.point = words[4], .group = words[3] == "/" ? "" : words[3]};
  }
  return std::nullopt;
}

// The process's directory below the mount point, "" or "/system.slice/...". nullopt: it has none
// there.
std::optional<std::string> GroupBelow(const GroupMount& mount, const std::string& cgroup) {
  for (absl::string_view line : absl::StrSplit(cgroup, '\n')) {
    if (!absl::ConsumePrefix(&line, "0::") || !absl::ConsumePrefix(&line, mount.group)) continue;
    if (line.empty() || line == "/") return "";
    // "/..": of a process outside of this one's cgroup namespace.
    if (line.front() == '/' && !absl::StartsWith(line, "/..")) return std::string(line);
  }
  return std::nullopt;
}

void TakeLimit(const std::string& group, const char* name, std::optional<MemoryLimit>& least) {
  const std::string file = absl::StrCat(group, "/", name);
  const std::optional<int64_t> limit = ReadNumber(file);  // nullopt also: "max"
  if (!limit.has_value()) return;
  const int64_t current = ReadNumber(group + "/memory.current").value_or(0);
  // What was read from files and is not in use goes first when memory is short.
  const int64_t inactive =
      FindNumber(ReadText(group + "/memory.stat"), "inactive_file").value_or(0);
  const int64_t used = std::max<int64_t>(current - inactive, 0);
  const int64_t available = std::max<int64_t>(*limit - used, 0);
  if (least.has_value() && least->available_bytes <= available) return;
  least = MemoryLimit{.file = file, .limit_bytes = *limit, .available_bytes = available};
}

}  // namespace

HostFacts ReadHost(const std::string& proc) {
  HostFacts facts;
  ReadNetwork(proc + "/sys", facts);
  const std::string netstat = ReadText(proc + "/net/netstat");
  facts.listen_overflows = Counter(netstat, "ListenOverflows");
  facts.listen_drops = Counter(netstat, "ListenDrops");
  facts.syn_queue_cookies = Counter(netstat, "TCPReqQFullDoCookies");
  facts.syn_queue_drops = Counter(netstat, "TCPReqQFullDrop");
  facts.descriptors_max = ReadDescriptorLimit(proc, "self");
  facts.nr_open = ReadNumber(proc + "/sys/fs/nr_open");
  facts.memory_available_bytes = AvailableMemory(ReadText(proc + "/meminfo"));
  facts.memory_limit = ReadMemoryLimit(proc, "self");
  return facts;
}

std::optional<int64_t> ReadDescriptorLimit(const std::string& proc, const std::string& process) {
  std::ifstream file(absl::StrCat(proc, "/", process, "/limits"));
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string max, open, files, soft, hard;
    if (!(words >> max >> open >> files >> soft >> hard) || open != "open") continue;
    int64_t value = 0;
    if (hard == "unlimited") return std::numeric_limits<int64_t>::max();
    if (absl::SimpleAtoi(hard, &value)) return value;
  }
  return std::nullopt;
}

std::optional<MemoryLimit> ReadMemoryLimit(const std::string& proc, const std::string& process) {
  const std::optional<GroupMount> mount = FindGroupMount(ReadText(proc + "/self/mountinfo"));
  if (!mount.has_value()) return std::nullopt;
  std::optional<std::string> below =
      GroupBelow(*mount, ReadText(absl::StrCat(proc, "/", process, "/cgroup")));
  std::optional<MemoryLimit> least;
  while (below.has_value()) {
    const std::string group = mount->point + *below;
    TakeLimit(group, "memory.max", least);
    TakeLimit(group, "memory.high", least);
    const size_t slash = below->rfind('/');
    if (slash == std::string::npos) break;
    below->resize(slash);
  }
  return least;
}

bool InOtherNetworkNamespace(const std::string& proc, int pid) {
  struct stat own {};
  struct stat other {};
  if (::stat((proc + "/self/ns/net").c_str(), &own) != 0) return false;
  if (::stat(absl::StrCat(proc, "/", pid, "/ns/net").c_str(), &other) != 0) return false;
  return own.st_dev != other.st_dev || own.st_ino != other.st_ino;
}

}  // namespace floodgate::tune
