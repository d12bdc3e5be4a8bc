// What happened when.
#ifndef FLOODGATE_TOOLS_STORM_TIMELINE_H_
#define FLOODGATE_TOOLS_STORM_TIMELINE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "tools/storm/outcome.h"

namespace floodgate::storm {

// One interval: what happened within it. attempts that ended = served + ended_by_patience + reset +
// closed + refused + other.
struct TimelineRow {
  Duration start;  // from the storm's
  uint64_t arrived = 0;
  uint64_t attempts = 0;
  uint64_t connected = 0;
  uint64_t served = 0;
  uint64_t ended_by_patience = 0;  // whatever made the agent itself stop waiting
  uint64_t reset = 0;
  uint64_t closed = 0;
  uint64_t refused = 0;
  uint64_t other = 0;
  uint64_t cut_off = 0;  // served agents, while they stayed
  int64_t open = 0;      // connections at its end
  Duration served_p50;   // from the attempt's connect, of those served in it
  Duration served_p99;

  uint64_t& Ended(Outcome outcome);
};

// Intervals of equal length from the storm's start on; none is left out. In memory 120 bytes each,
// besides the samples of the running one.
class Timeline {
 public:
  // REQUIRES: interval > 0.
  explicit Timeline(Duration interval) : interval_(interval) {}

  // The row of the instant `elapsed`, for counting; valid until the next call. `open`: connections
  // at the moment, which intervals that ended since the last call end with. REQUIRES: `elapsed`
  // never goes back.
  TimelineRow& At(Duration elapsed, int64_t open);
  // In the current row.
  void Served(Duration latency);
  // Ends with the row of `elapsed`, which may be shorter than an interval.
  std::vector<TimelineRow> Finish(Duration elapsed, int64_t open);
  // The last row that is complete; null if there is none yet.
  const TimelineRow* last() const { return rows_.empty() ? nullptr : &rows_.back(); }

 private:
  void Close(int64_t open);

  Duration interval_;
  std::vector<TimelineRow> rows_;
  TimelineRow row_;
  std::vector<int64_t> latencies_ns_;
};

// The values of a row as JSON and CSV name them, in order.
struct TimelineColumn {
  const char* name;
  bool is_count;  // a whole number
  // nullopt: there is none, such as a percentile of nobody.
  std::optional<double> (*value)(const TimelineRow& row);
};
const std::vector<TimelineColumn>& TimelineColumns();
// A line of names, then a line for each row.
std::string TimelineCsv(const std::vector<TimelineRow>& rows);

}  // namespace floodgate::storm

#endif  // FLOODGATE_TOOLS_STORM_TIMELINE_H_
