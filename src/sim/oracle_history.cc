// What can only be judged when all has happened: windows, pace and order.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>

#include "sim/oracle.h"

namespace floodgate::sim {
namespace {

constexpr int64_t kBillion = 1'000'000'000;
constexpr int64_t kPaceRounding = kBillion / 1000;

}  // namespace

void Oracle::CheckWindows() {
  // By options, because a reload changes rate and burst, and by source.
  std::map<std::pair<uint32_t, IpAddress>, std::vector<const Visit*>> groups;
  for (const Visit& visit : visits_) {
    const bool limited = visit.agent && !visit.exempt && visit.epoch == epoch_;
    if (limited && visit.admitted_as > 0) groups[{visit.epoch, visit.source}].push_back(&visit);
  }
  if (promises_.token_interval.ns == 0) return;
  for (auto& [key, visits] : groups) {
    if (options().limits.over_limit == OverLimit::kQueue) {
      CheckQueuedWindowsOf(visits);
    } else {
      CheckWindowsOf(visits);
    }
  }
}

// Each of them took its token when it was taken from the queue.
void Oracle::CheckWindowsOf(const std::vector<const Visit*>& visits) {
  std::vector<int64_t> times;
  for (const Visit* visit : visits) times.push_back(visit->taken.ns);
  std::sort(times.begin(), times.end());
  for (size_t first = 0; first < times.size(); ++first) {
    for (size_t last = first; last < times.size(); ++last) {
      const int64_t window = times[last] - times[first];
      const auto count = static_cast<int64_t>(last - first + 1);
      const int64_t most = options().limits.source_burst + window / promises_.token_interval.ns;
      if (count <= most) continue;
      return verdict_.Fail("window", visits.front()->source.ToString(), " was admitted ", count,
                           " times within ", window, " ns, and ", most, " may be");
    }
  }
}

// Each took one between being taken from the queue and being admitted.
void Oracle::CheckQueuedWindowsOf(const std::vector<const Visit*>& visits) {
  for (const Visit* first : visits) {
    std::vector<int64_t> times;
    for (const Visit* visit : visits) {
      if (visit->taken >= first->taken) times.push_back(visit->admitted_at.ns);
    }
    std::sort(times.begin(), times.end());
    for (size_t last = 0; last < times.size(); ++last) {
      const int64_t window = times[last] - first->taken.ns;
      const auto count = static_cast<int64_t>(last + 1);
      const int64_t most = options().limits.source_burst + window / promises_.token_interval.ns;
      if (count <= most) continue;
      return verdict_.Fail("window", first->source.ToString(), " was queued and admitted ", count,
                           " times within ", window, " ns, and ", most, " may be");
    }
  }
}

// With n agents taken by t, f = n - rate * t - openings: over no window may it rise by more than
// the burst. Counted in billionths of an agent; the ramp, which only makes it less, is left out.
void Oracle::CheckPace() {
  const auto rate = static_cast<int64_t>(options().drain.rate);
  if (rate == 0) return;
  const int64_t burst = std::max(kBillion, rate * (kBillion / 100)) + kPaceRounding;
  int64_t taken = 0;
  int64_t lowest = std::numeric_limits<int64_t>::max();
  for (const Visit& visit : visits_) {
    if (!visit.agent) continue;
    const int64_t before = (taken - int64_t{visit.openings}) * kBillion - rate * visit.taken.ns;
    lowest = std::min(lowest, before);
    ++taken;
    if (before + kBillion - lowest <= burst) continue;
    return verdict_.Fail("pace", "of ", rate, " a second: ", visit.peer.ToString(), " is number ",
                         taken, " and came ", (before + kBillion - lowest - burst) / 1'000'000,
                         " thousandths of an agent too early");
  }
}

void Oracle::CheckOrder() {
  std::vector<const Visit*> admitted;
  for (const Visit& visit : visits_) {
    if (visit.agent && visit.admitted_as > 0) admitted.push_back(&visit);
  }
  std::sort(admitted.begin(), admitted.end(),
            [](const Visit* a, const Visit* b) { return a->admitted_as < b->admitted_as; });
  for (size_t first = 0; first < admitted.size(); ++first) {
    for (size_t second = first + 1; second < admitted.size(); ++second) {
      const Visit& earlier = *admitted[first];
      const Visit& later = *admitted[second];
      const bool was_ready = later.ready_as > 0 && later.ready_as < earlier.admitted_as;
      if (!was_ready || later.established >= earlier.established) continue;
      return verdict_.Fail("order", earlier.peer.ToString(), " has overtaken ",
                           later.peer.ToString());
    }
  }
}

}  // namespace floodgate::sim
