// ReadProcess of admin/metrics.h.
#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "admin/metrics.h"

namespace floodgate {
namespace {

std::string ReadAll(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Field `number` of /proc/self/stat as proc(5) counts, from 1. The program's name, field 2, may
// hold anything, so counting starts behind its closing parenthesis.
std::optional<uint64_t> StatField(const std::string& stat, size_t number) {
  const size_t name_end = stat.rfind(") ");
  if (name_end == std::string::npos) return std::nullopt;
  const std::vector<std::string> fields = absl::StrSplit(stat.substr(name_end + 2), ' ');
  uint64_t value = 0;
  if (number - 3 >= fields.size() || !absl::SimpleAtoi(fields[number - 3], &value)) {
    return std::nullopt;
  }
  return value;
}

std::optional<double> BootUnixSeconds() {
  for (const absl::string_view line : absl::StrSplit(ReadAll("/proc/stat"), '\n')) {
    double seconds = 0;
    if (line.substr(0, 6) == "btime " && absl::SimpleAtod(line.substr(6), &seconds)) {
      return seconds;
    }
  }
  return std::nullopt;
}

std::optional<uint64_t> CountOpenFds() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), &::closedir);
  if (directory == nullptr) return std::nullopt;
  uint64_t count = 0;
  while (const dirent* entry = ::readdir(directory.get())) count += entry->d_name[0] != '.';
  return count - 1;  // Without the one that this listing is read from.
}

}  // namespace

ProcessSnapshot ReadProcess() {
  ProcessSnapshot process;
  const std::string stat = ReadAll("/proc/self/stat");
  const auto ticks_a_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const std::optional<uint64_t> user = StatField(stat, 14);
  const std::optional<uint64_t> system = StatField(stat, 15);
  if (user && system) process.cpu_seconds = static_cast<double>(*user + *system) / ticks_a_second;
  process.virtual_memory_bytes = StatField(stat, 23);
  if (const std::optional<uint64_t> pages = StatField(stat, 24)) {
    process.resident_memory_bytes = *pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  const std::optional<uint64_t> start = StatField(stat, 22);
  const std::optional<double> boot = BootUnixSeconds();
  if (start && boot) {
    process.start_time_seconds = *boot + static_cast<double>(*start) / ticks_a_second;
  }
  process.open_fds = CountOpenFds();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    process.max_fds = limit.rlim_cur;
  }
  return process;
}

}  // namespace floodgate
