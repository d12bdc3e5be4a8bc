// What the runs of each setting come to, and which setting is the best. Values in, values out.
#ifndef FLOODGATE_TOOLS_TUNE_RANKING_H_
#define FLOODGATE_TOOLS_TUNE_RANKING_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "tools/tune/records.h"

namespace floodgate::tune {

// A time over several runs. nullopt: never (longer than any time that was measured).
struct TimeSpread {
  std::optional<Duration> least, median, most;
};

// All runs of one setting.
struct SettingOutcome {
  Setting setting;
  int runs = 0;
  uint64_t agents = 0;        // that came, in the run with the most
  uint64_t lost = 0;          // not served: in the worst run
  uint64_t served_total = 0;  // in all runs together
  int runs_with_losses = 0;
  TimeSpread half, most, all;  // until 50, 99 and 100 per cent of the fleet were served
  TimeSpread controller_p99;   // of the runs that measured it; all nullopt: none did
  int controller_runs = 0;     // so many did, each with so many tries (0: not known)
  uint64_t controller_tries_least = 0, controller_tries_most = 0;
  // Medians over the runs.
  double served = 0, gave_up = 0, accept_overflows = 0, syn_retransmits = 0, stale = 0,
         wasted_handshakes = 0, queue_depth_max = 0;
  std::optional<double> storm_cpu_share;  // of the runs that measured it; nullopt: none did
};

// One for each setting that has a trial, by ascending backlog, drain rate and handshakes. The order
// of the trials does not matter.
std::vector<SettingOutcome> OutcomesOf(const std::vector<Trial>& trials);

// Two times are alike, that is their difference is noise, within this share of the shorter one, or
// within this time.
inline constexpr double kAlikeShare = 0.05, kAlikeControllerShare = 0.25;
inline constexpr Duration kAlikeTime = Duration::Milliseconds(10),
                          kAlikeControllerTime = Duration::Milliseconds(1);

// More agents found the queue full than one in a hundred (median): they waited for their kernel's
// timers, and who is answered by a SYN cookie then may believe that it is connected.
bool QueueWasShort(const SettingOutcome& outcome);

// Best first: who loses the fewest agents in its worst run; of those, the shortest time to 99 per
// cent (median); of those that are alike in that, whose queue was not short; then the lowest p99 of
// the controller port (median); of those that are alike again, the smallest backlog, then the
// lowest drain rate and the fewest handshakes at a time, where 0 comes first. What is alike is told
// from the best of each group, so that the order is a total one: with 5 per cent, 100, 104 and 108
// ms are {100, 104} and {108}.
void Rank(std::vector<SettingOutcome>& summaries);

// One loses more agents in its worst run than the other; or as many, and takes longer to 99 per
// cent (median, by however little; never is the longest).
bool IsWorse(const SettingOutcome& one, const SettingOutcome& other);
// What pictures and sentences call the worst: no other is worse; of several the last. Not the best,
// unless there is no other. `summaries`: as Rank leaves them, not empty.
const SettingOutcome& WorstOf(const std::vector<SettingOutcome>& summaries);

// The trial of that setting whose time to 99 per cent is in the middle, of those with a timeline.
// Null: there is none. The result points into `trials`.
const Trial* TypicalTrial(const std::vector<Trial>& trials, const Setting& setting);

}  // namespace floodgate::tune

#endif  // FLOODGATE_TOOLS_TUNE_RANKING_H_
