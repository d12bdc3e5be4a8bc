// The command lines of a trial's programs, and the cores that they run on. Pure.
#ifndef FLOODGATE_TOOLS_TUNE_TRIAL_COMMANDS_H_
#define FLOODGATE_TOOLS_TUNE_TRIAL_COMMANDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/tune/trial.h"

namespace floodgate::tune {

// Who runs where.
struct CoreShares {
  std::vector<int> daemon;
  std::vector<int> storm;  // and the probe
};

// The first `cores` of `own` and the others, or the last if there are no others. REQUIRES: cores is
// 1 to as many as `own` has.
CoreShares ShareCores(const std::vector<int>& own, int cores);

// `notify_fd`: where it tells its ports. `admin`: of admin.listen. The keys' paths are PEM files.
std::vector<std::string> DaemonCommand(const Setting& setting, const Bench& bench, int notify_fd,
                                       const std::string& admin, const std::string& certificate,
                                       const std::string& private_key);
// Every agent comes at once, from an address of its own.
std::vector<std::string> StormCommand(const Fleet& fleet, const Bench& bench,
                                      const std::string& target);
// Twenty tries a second, until it is interrupted.
std::vector<std::string> ProbeCommand(const Bench& bench, const std::string& target);

// The least hard limit of descriptors with which a trial of so many agents begins: of the storm or
// of the probe, each of which is a process of its own and asks for them all (storm/descriptors.h).
uint64_t DescriptorsOfTrial(int64_t agents);
// How many agents a trial under that limit can have. 0: none, since the probe does not begin.
int64_t AgentsOfTrial(uint64_t descriptors);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_TRIAL_COMMANDS_H_
