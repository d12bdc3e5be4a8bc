// The rules of `floodgate-tune audit`: facts in, findings out. No file, socket or clock is touched.
// Each rule's reason is in docs/tuning.md.
#ifndef FLOODGATE_TOOLS_TUNE_RULES_H_
#define FLOODGATE_TOOLS_TUNE_RULES_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/tune/facts.h"

namespace floodgate::tune {

enum class Severity : uint8_t {
  kOk,
  kNote,         // worth knowing; nobody is lost by it alone
  kLosesAgents,  // of that many agents at once some are dropped, or not served
};
inline constexpr std::array<absl::string_view, 3> kSeverityNames = {"ok", "note", "loses-agents"};

// One setting to make.
struct Change {
  enum class Kind : uint8_t { kSysctl, kConfiguration, kUnit };
  Kind kind = Kind::kSysctl;
  std::string key;    // "net.core.somaxconn", "agent.backlog", "LimitNOFILE"
  std::string value;  // as that place writes it

  // What a person types or writes: "sysctl -w KEY=VALUE"; "[agent] backlog = 4096" for the
  // configuration file; "LimitNOFILE=4096" for the service's unit.
  std::string Line() const;
};

struct Finding {
  std::string check;  // a stable name: "somaxconn"
  Severity severity = Severity::kOk;
  std::string is = {};                // what is set: "net.core.somaxconn = 128"
  std::string why = {};               // why that matters at this number of agents, in sentences
  std::vector<Change> changes = {};   // what to set; empty: nothing
  std::optional<int64_t> value = {};  // what is set, where it is one number
  // The least good value; of tcp_syncookies and tcp_abort_on_overflow the good one.
  std::optional<int64_t> needed = {};
};

// Every check's finding, always in the same order; one for each agent listener. REQUIRES: agents >=
// 1.
std::vector<Finding> Audit(const Facts& facts);

bool LosesAgents(const std::vector<Finding>& findings);

// The least limit of descriptors with which floodgated serves that many agents: two each, and its
// reserve (Server::MakeCapacity of src/daemon/server.cc).
int64_t DescriptorsNeeded(int64_t agents);

// What a connection takes, in bytes: 9.4 KiB of the kernel's memory and 14.3 KiB of floodgated's,
// idle, with TLS (docs/benchmarks.md).
inline constexpr int64_t kBytesPerConnection = 9'626 + 14'643;

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_RULES_H_
