#include "daemon/refusal_summary.h"

#include "absl/strings/str_cat.h"

namespace floodgate {

std::string RefusalSummary::Since(const StatusSnapshot& status) {
  std::string line;
  for (const Port port : kPorts) {
    const PortCounters& now = status.ports[static_cast<size_t>(port)];
    const PortCounters& before = before_[static_cast<size_t>(port)];
    std::string reasons;
    const auto add = [&reasons](absl::string_view name, uint64_t count) {
      if (count > 0) absl::StrAppend(&reasons, reasons.empty() ? "" : ", ", name, " ", count);
    };
    for (size_t i = 0; i < kRefusalReasonNames.size(); ++i) {
      add(kRefusalReasonNames[i], now.refused[i] - before.refused[i]);
    }
    add("stale", now.stale - before.stale);
    if (!reasons.empty()) {
      absl::StrAppend(&line, line.empty() ? "" : "; ", Name(port), ": ", reasons);
    }
  }
  before_ = status.ports;
  return line;
}

}  // namespace floodgate
