// Refusals told in sums: thousands of them are one line every few seconds.
#ifndef FLOODGATE_DAEMON_REFUSAL_SUMMARY_H_
#define FLOODGATE_DAEMON_REFUSAL_SUMMARY_H_

#include <string>

#include "front/snapshot.h"

namespace floodgate {

class RefusalSummary {
 public:
  // What was refused or found stale since the last call, as one line for people; empty if nothing
  // was.
  std::string Since(const StatusSnapshot& status);

 private:
  std::array<PortCounters, 2> before_{};
};

}  // namespace floodgate

#endif  // FLOODGATE_DAEMON_REFUSAL_SUMMARY_H_
