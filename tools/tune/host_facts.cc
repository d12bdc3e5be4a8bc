#include "tools/tune/host_facts.h"

#include <sys/stat.h>

#include <fstream>
#include <limits>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
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

// MemAvailable: what can be had without swapping.
std::optional<int64_t> AvailableMemory(const std::string& meminfo) {
  std::istringstream lines(meminfo);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string name;
    int64_t kibibytes = 0;
    if (words >> name >> kibibytes && name == "MemAvailable:") return kibibytes * 1024;
  }
  return std::nullopt;
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

bool InOtherNetworkNamespace(const std::string& proc, int pid) {
  struct stat own {};
  struct stat other {};
  if (::stat((proc + "/self/ns/net").c_str(), &own) != 0) return false;
  if (::stat(absl::StrCat(proc, "/", pid, "/ns/net").c_str(), &other) != 0) return false;
  return own.st_dev != other.st_dev || own.st_ino != other.st_ino;
}

}  // namespace floodgate::tune
