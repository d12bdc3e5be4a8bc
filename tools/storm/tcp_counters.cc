#include "tools/storm/tcp_counters.h"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace floodgate::storm {

std::optional<uint64_t> FindCounter(absl::string_view text, absl::string_view table,
                                    absl::string_view name) {
  const std::string head = absl::StrCat(table, ": ");
  std::vector<absl::string_view> names;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, head)) continue;
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (names.empty()) {
      names = words;
      continue;
    }
    for (size_t i = 0; i < names.size() && i < words.size(); ++i) {
      uint64_t value = 0;
      if (names[i] == name && absl::SimpleAtoi(words[i], &value)) return value;
    }
  }
  return std::nullopt;
}

std::optional<uint64_t> SynRetransmits() {
  std::ifstream file("/proc/self/net/netstat");
  std::stringstream text;
  text << file.rdbuf();
  return FindCounter(text.str(), "TcpExt", "TCPSynRetrans");
}

}  // namespace floodgate::storm
