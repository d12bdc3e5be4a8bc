#include "tools/tune/recommend.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/tune/recommend_settings.h"
#include "tools/tune/words.h"

namespace floodgate::tune {
namespace {

constexpr int kBacklogLeast = 64;
constexpr int kCoresMost = 64;
// More cores than the least number that could do it which are tried.
constexpr int kCoresTried = 6;
// How long is waited for the last agent, so that it can be told how long it takes.
constexpr Duration kLimitLeast = Duration::Seconds(60);

Question Ask(const Wanted& wanted, Duration parked) {
  Question question;
  question.fleet = wanted.fleet;
  question.cores = wanted.cores;
  question.cost = wanted.cost;
  question.parked = parked;
  question.seed = wanted.seed;
  const Duration needed = wanted.cost.whole() * wanted.fleet.agents / wanted.cores;
  question.limit = std::max({wanted.recovery * 2, needed * 3, kLimitLeast});
  return question;
}

bool InTime(const Prediction& prediction, Duration recovery) {
  return prediction.result.all.has_value() && *prediction.result.all <= recovery;
}

class Search {
 public:
  Search(const Wanted& wanted, const std::function<void(const Judged&)>& tell)
      : wanted_(wanted), tell_(tell) {
    const auto agents = static_cast<int>(wanted.fleet.agents);
    for (int backlog = kBacklogLeast; backlog < agents; backlog *= 2) sizes_.push_back(backlog);
    sizes_.push_back(agents);
    tried_.resize(sizes_.size());
  }

  // The index of the smallest that does it; nullopt: none.
  std::optional<size_t> Smallest() {
    size_t last = sizes_.size() - 1;
    Judge(last);
    if (!tried_[last]->does_it) return AnyOther();
    size_t first = 0;
    // A longer queue is not worse than one that does it.
    while (first < last) {
      const size_t middle = first + (last - first) / 2;
      if (Judge(middle).does_it) {
        last = middle;
      } else {
        first = middle + 1;
      }
    }
    return last;
  }

  const Judged& roomy() const { return *tried_.back(); }
  const Judged& at(size_t index) const { return *tried_[index]; }
  std::vector<Judged> TakeAll() const {
    std::vector<Judged> all;
    for (const std::optional<Judged>& one : tried_) {
      if (one.has_value()) all.push_back(*one);
    }
    return all;
  }

 private:
  // Where agents leave a shorter queue may do better than one with room for all.
  std::optional<size_t> AnyOther() {
    const Duration needed = wanted_.cost.whole() * wanted_.fleet.agents / wanted_.cores;
    if (needed > wanted_.recovery) return std::nullopt;
    std::optional<size_t> smallest;
    for (size_t i = sizes_.size() - 1; i-- > 0;) {
      if (Judge(i).does_it) smallest = i;
    }
    return smallest;
  }

  const Judged& Judge(size_t index) {
    std::optional<Judged>& judged = tried_[index];
    if (judged.has_value()) return *judged;
    const Setting setting{.backlog = sizes_[index]};
    judged = Judged{.setting = setting,
                    .together = Predict(Ask(wanted_, {}), setting),
                    .parked = Predict(Ask(wanted_, wanted_.parked), setting)};
    const Judged& room = tried_.back().value_or(*judged);
    judged->in_time =
        InTime(judged->together, wanted_.recovery) && InTime(judged->parked, wanted_.recovery);
    judged->does_it = judged->in_time && FewFull(judged->together, room.together) &&
                      FewFull(judged->parked, room.parked);
    if (tell_) tell_(*judged);
    return *judged;
  }

  const Wanted& wanted_;
  const std::function<void(const Judged&)>& tell_;
  std::vector<int> sizes_;
  std::vector<std::optional<Judged>> tried_;
};

// When all are in, in the worse of the two cases; nullopt: never.
std::optional<Duration> Later(const Prediction& together, const Prediction& parked) {
  if (!together.result.all.has_value() || !parked.result.all.has_value()) return std::nullopt;
  return std::max(*together.result.all, *parked.result.all);
}

std::optional<Duration> AllIn(const Judged& judged) {
  return Later(judged.together, judged.parked);
}

std::optional<Duration> AllIn(const Wanted& wanted, const Setting& setting) {
  return Later(Predict(Ask(wanted, {}), setting), Predict(Ask(wanted, wanted.parked), setting));
}

std::string WhenIn(const std::optional<Duration>& all) {
  return all.has_value() ? absl::StrCat("all are in after ", TimeText(*all))
                         : std::string("some are never in");
}

bool Enough(const std::optional<Duration>& all, const Wanted& wanted) {
  return all.has_value() && *all <= wanted.recovery;
}

std::string MoreCores(const Wanted& wanted, const Setting& setting) {
  const Duration work = wanted.cost.whole() * wanted.fleet.agents;
  const int64_t least = (work.ns + wanted.recovery.ns - 1) / wanted.recovery.ns;
  Wanted more = wanted;
  const int64_t first = std::max<int64_t>(least, wanted.cores + 1);
  for (int64_t cores = first; cores < first + kCoresTried && cores <= kCoresMost; ++cores) {
    more.cores = static_cast<int>(cores);
    const std::optional<Duration> all = AllIn(more, setting);
    if (Enough(all, wanted)) return absl::StrCat(cores, " cores: ", WhenIn(all), ".");
  }
  return "";
}

// Of what has been tried and was enough.
std::vector<std::string> Remedies(const Wanted& wanted, const Judged& roomy) {
  std::vector<std::string> remedies;
  if (std::string cores = MoreCores(wanted, roomy.setting); !cores.empty()) {
    remedies.push_back(std::move(cores));
  }
  if (wanted.ecdsa_cost.whole() * 5 < wanted.cost.whole() * 4) {
    Wanted other = wanted;
    other.cost = wanted.ecdsa_cost;
    const std::optional<Duration> all = AllIn(other, roomy.setting);
    remedies.push_back(absl::StrFormat(
        "A certificate with an ECDSA P-256 key: %.0f us an agent instead of %.0f, %s%s.",
        static_cast<double>(other.cost.whole().ns) / 1e3,
        static_cast<double>(wanted.cost.whole().ns) / 1e3, WhenIn(all),
        Enough(all, wanted) ? "" : ", which is not enough by itself"));
  }
  if (roomy.together.result.gave_up > 0 || roomy.parked.result.gave_up > 0) {
    Wanted patient = wanted;
    patient.fleet.patience = {.time = wanted.recovery + wanted.parked};
    const std::optional<Duration> all = AllIn(patient, roomy.setting);
    if (Enough(all, wanted)) {
      remedies.push_back(absl::StrCat("Agents that wait for ",
                                      TimeText(patient.fleet.patience.time),
                                      " before they leave: ", WhenIn(all), "."));
    }
  }
  return remedies;
}

// Of one that is not in time although it has room for all.
Bottleneck WhyNotInTime(const Wanted& wanted, const Judged& roomy, int64_t per_second) {
  const Duration needed = wanted.cost.whole() * wanted.fleet.agents / wanted.cores;
  if (needed > wanted.recovery) {
    std::string why = absl::StrFormat(
        "The CPU is the bound. An agent takes %.0f us of it, %.0f of them the handshake; %s %s a "
        "second, and %s %s, whatever the queue.",
        static_cast<double>(wanted.cost.whole().ns) / 1e3,
        static_cast<double>(wanted.cost.handshake.whole().ns) / 1e3,
        Counted(wanted.cores, "core admits", "cores admit"), Counted(per_second, "agent"),
        Counted(wanted.fleet.agents, "agent takes", "agents take"), TimeText(needed));
    return {.bound = Bound::kCpu, .why = std::move(why), .remedies = {}};
  }
  const sim::ColdStartResult& together = roomy.together.result;
  const sim::ColdStartResult& parked = roomy.parked.result;
  if (together.served < together.agents || parked.served < parked.agents) {
    std::string why = absl::StrFormat(
        "The agents' patience is the bound: %s %s, and of those that leave before their turn %s "
        "in.",
        Counted(wanted.fleet.agents, "agent takes", "agents take"), TimeText(needed),
        Counted(std::max(together.agents - together.served, parked.agents - parked.served),
                "never comes", "never come"));
    return {.bound = Bound::kPatience, .why = std::move(why), .remedies = {}};
  }
  std::string why = absl::StrFormat(
      "The cores could do it in %s, but agents leave before their turn (%s if they come at the "
      "opening) and come again.",
      TimeText(needed), Counted(together.gave_up, "time"));
  return {.bound = Bound::kRetries, .why = std::move(why), .remedies = {}};
}

// Of one that is in time, but see FewFull.
Bottleneck WhyNotFull(const Wanted& wanted, const Judged& full, const Judged& roomy) {
  Bottleneck bottleneck{.bound = Bound::kFullQueue, .why = {}, .remedies = {}};
  bottleneck.why = absl::StrFormat(
      "The rule about a full queue decides, not the time. With a backlog of %d %s, but the queue "
      "was full %s if they come at the opening and %s if they have waited. It may be for one in a "
      "hundred of %s, or a tenth more often than with room for all of them (%s and %s): who is "
      "answered by a SYN cookie while it is full may believe that it is "
      "connected when nobody knows it, which is not simulated. With room for all of them, %d, %s.",
      full.setting.backlog, WhenIn(AllIn(full)),
      Counted(full.together.result.queue_overflows, "time"),
      Counted(full.parked.result.queue_overflows, "time"), Counted(wanted.fleet.agents, "agent"),
      Counted(roomy.together.result.queue_overflows, "time"),
      Counted(roomy.parked.result.queue_overflows, "time"), roomy.setting.backlog,
      WhenIn(AllIn(roomy)));
  bottleneck.remedies = {absl::StrFormat(
      "A backlog of %d with net.ipv4.tcp_syncookies = 0, so that no cookie deceives who finds the "
      "queue full: %s.",
      full.setting.backlog, WhenIn(AllIn(full)))};
  return bottleneck;
}

// The longest of those queues with which all are in in time; nullptr: there is none.
const Judged* LongestInTime(const std::vector<Judged>& tried) {
  const auto found =
      std::find_if(tried.rbegin(), tried.rend(), [](const Judged& one) { return one.in_time; });
  return found == tried.rend() ? nullptr : &*found;
}

Bottleneck FindBottleneck(const Wanted& wanted, const std::vector<Judged>& tried,
                          const Judged& roomy, int64_t per_second) {
  const Judged* full = LongestInTime(tried);
  Bottleneck bottleneck =
      full == nullptr ? WhyNotInTime(wanted, roomy, per_second) : WhyNotFull(wanted, *full, roomy);
  for (std::string& remedy : Remedies(wanted, roomy)) {
    bottleneck.remedies.push_back(std::move(remedy));
  }
  if (const std::optional<Duration> all = AllIn(roomy); all.has_value()) {
    // Rounded up: what is named here must be enough.
    const int64_t whole = (all->ns + Duration::Seconds(1).ns - 1) / Duration::Seconds(1).ns;
    bottleneck.remedies.push_back(
        absl::StrCat("A recovery time of ", whole, " s: what it takes as it is."));
  }
  return bottleneck;
}

}  // namespace

bool FewFull(const Prediction& prediction, const Prediction& roomy) {
  constexpr uint64_t kOneInSoMany = 100;
  const uint64_t found_full = prediction.result.queue_overflows;
  return found_full * kOneInSoMany <= prediction.result.agents ||
         found_full * 10 <= roomy.result.queue_overflows * 11;
}

Recommendation Recommend(const Wanted& wanted, const std::function<void(const Judged&)>& tell) {
  Search search(wanted, tell);
  const std::optional<size_t> found = search.Smallest();
  Recommendation recommendation;
  recommendation.met = found.has_value();
  recommendation.best = found.has_value() ? search.at(*found) : search.roomy();
  recommendation.tried = search.TakeAll();
  recommendation.admissions_per_second =
      Duration::Seconds(wanted.cores).ns / std::max<int64_t>(wanted.cost.whole().ns, 1);
  if (recommendation.met) {
    recommendation.settings = SettingsFor(wanted, recommendation);
  } else {
    recommendation.bottleneck = FindBottleneck(wanted, recommendation.tried, search.roomy(),
                                               recommendation.admissions_per_second);
  }
  return recommendation;
}

}  // namespace floodgate::tune
